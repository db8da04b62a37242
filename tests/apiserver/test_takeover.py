"""Objects that ASO leaves are taken over without a write, and are left so that ASO can take them up again."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from engine.cluster.status import build_status
from schemas.kinds import lookup_kind
from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import FINALIZER, GROUPS, PREFIX, Web
from tests.verbs_desk import STORAGE_API, Azure

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"
HUB = "/apis/storage.azure.com/v20250601/namespaces/{}/storageaccounts"
ASO_NAMESPACE = "aso-was-here"
_NUMBERS = itertools.count(1)


class Left:
    """A resource group and a storage account as ASO leaves them after its last PUT."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.name = f"left{next(_NUMBERS)}"
        self.group = f"{web.azure.subscription}/resourceGroups/{self.name}"
        self.account = f"{self.group}/providers/Microsoft.Storage/storageAccounts/{self.name}"

    def make(self, **azure_members: Any) -> None:
        """Make the resources, then the objects; what Azure holds beside the spec stands in the status."""
        azure = self.web.azure
        azure.edit("PUT", self.group, {"location": "westeurope", "tags": {"app": "shop"}}, api=GROUP_API)
        body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        properties = {"accessTier": "Hot", "minimumTlsVersion": "TLS1_2", **azure_members}
        azure.edit("PUT", self.account, {**body, "properties": properties})
        spec = {"azureName": self.name, "location": "westeurope"}
        uid = self._create(GROUPS, "ResourceGroup", self.group, {**spec, "tags": {"app": "shop"}}, GROUP_API)
        account = {
            **spec,
            **body,
            "owner": {"name": self.name},
            "originalVersion": "v1api20230101",
            "accessTier": "Hot",
            "minimumTlsVersion": "TLS1_0",
        }
        self._create(HUB, "StorageAccount", self.account, account, STORAGE_API, owner=uid)

    def _create(self, path: str, kind: str, resource: str, spec: Any, api: str, *, owner: str = "") -> str:
        _, _, group, version, *_ = path.split("/")
        annotations = {
            PREFIX + "operator-namespace": ASO_NAMESPACE,
            PREFIX + "resource-id": resource,
            PREFIX + "latest-reconciled-generation": "1",
        }
        metadata: dict[str, Any] = {
            "name": self.name,
            "namespace": self.web.namespace,
            "annotations": annotations,
            "labels": {PREFIX + "last-reconciled-version": "v2.20.0"},
            "finalizers": [FINALIZER],
        }
        if owner:
            of = {"apiVersion": "resources.azure.com/v1api20200601storage", "kind": "ResourceGroup"}
            metadata["ownerReferences"] = [{**of, "name": self.name, "uid": owner}]
            metadata["labels"] |= {
                PREFIX + "owner-name": self.name,
                PREFIX + "owner-group-kind": "ResourceGroup.resources.azure.com",
                PREFIX + "owner-uid": owner,
            }
        item = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": metadata, "spec": spec}
        where = f"{self.web.path(path)}?fieldManager=controller"
        uid: str = self.web.admin.create(where, item)["metadata"]["uid"]
        spoken = lookup_kind(group, spec.get("originalVersion", version), kind)
        assert spoken is not None
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Succeeded",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        status = {**build_status(spoken, self.web.azure.get(resource, api=api)), "conditions": [ready]}
        target = f"{self.web.path(path, self.name)}/status?fieldManager=controller"
        code, answer = self.web.admin.call("PATCH", target, {"status": status}, content="application/merge-patch+json")
        assert code == 200, answer
        return uid

    def wait_taken(self) -> None:
        """Wait until both objects carry our version."""
        for path in (GROUPS, HUB):
            self.web.wait_for(f"{path} to be taken", lambda path=path: self._is_taken(path))

    def _is_taken(self, path: str) -> bool:
        labels = self.web.get(path, self.name)["metadata"]["labels"]
        return bool(labels[PREFIX + "last-reconciled-version"] != "v2.20.0")


@pytest.fixture
def left(admin: Api, azure: Azure, kinds: None) -> Left:
    """Return what ASO left in a namespace with a credential; nothing is made yet."""
    return Left(open_web(admin, azure, "left"))


def settings(left: Left, **more: str) -> dict[str, str]:
    return {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": left.web.namespace, **more}


def test_what_does_not_differ_is_not_written(plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path) -> None:
    """In ASO's namespace its objects become ours by their marks alone: what it could not set is no drift."""
    left.make()
    azure.forget_traffic()

    with running(plane, azure, tmp_path, environment=settings(left), operator=ASO_NAMESPACE) as pod:
        left.wait_taken()
        left.web.wait_for("passes", lambda: azure.reads >= 6)
        assert pod.stop() == 0

    owner, owned = left.web.get(GROUPS, left.name), left.web.get(HUB, left.name)
    assert azure.writes == []
    for found in (owner, owned):
        names = {n for n in found["metadata"]["annotations"] if n.startswith(PREFIX)}
        assert names == {PREFIX + n for n in ("operator-namespace", "resource-id", "latest-reconciled-generation")}
        assert found["metadata"]["annotations"][PREFIX + "operator-namespace"] == ASO_NAMESPACE
        assert found["metadata"]["finalizers"] == [FINALIZER]
        assert [c["status"] for c in found["status"]["conditions"]] == ["True"]
        others = {n for n in found["metadata"]["annotations"] if not n.startswith(PREFIX)}
        assert all(n.startswith("trueup.dev/") for n in others)
    (reference,) = owned["metadata"]["ownerReferences"]
    assert reference["apiVersion"] == "resources.azure.com/v1api20200601"
    assert owned["spec"]["originalVersion"] == "v1api20230101"
    assert owned["metadata"]["generation"] == 1


def test_what_moved_since_is_put_right_by_the_smallest_request(
    plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path
) -> None:
    """ASO's status tells what moved after its last PUT: that alone is sent, in the version it spoke."""
    left.make()
    azure.edit_tags(left.group, "Replace", {"app": "theirs"})
    azure.forget_traffic()

    with running(plane, azure, tmp_path, environment=settings(left), operator=ASO_NAMESPACE):
        left.wait_taken()
        left.web.wait_for("the tag", lambda: azure.get(left.group, api=GROUP_API)["tags"] == {"app": "shop"})
        left.web.wait_for("passes", lambda: azure.reads >= 6)

    assert azure.writes == ["PATCH tags/default 200"]


def test_another_namespace_is_taken_over_when_it_is_named(
    plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path
) -> None:
    """Objects of an operator elsewhere are left alone, with an event, until --take-over-from names its namespace."""
    left.make()
    azure.forget_traffic()
    with running(plane, azure, tmp_path, environment=settings(left)):
        left.web.wait_for("the event", lambda: [r for r, _ in left.web.events(left.name)] == ["Overlap"])
    before = left.web.get(GROUPS, left.name)["metadata"]

    taking = ("--take-over-from", ASO_NAMESPACE)
    with running(plane, azure, tmp_path, *taking, environment=settings(left), operator="trueup-system"):
        left.wait_taken()

    after = left.web.get(GROUPS, left.name)["metadata"]
    assert before["labels"][PREFIX + "last-reconciled-version"] == "v2.20.0"
    assert after["annotations"][PREFIX + "operator-namespace"] == "trueup-system"
    assert azure.writes == []
