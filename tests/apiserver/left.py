"""A resource group and a storage account in a cluster, as Azure Service Operator leaves them."""

from __future__ import annotations

import itertools
from typing import Any

from engine.cluster.status import build_status
from schemas.kinds import lookup_kind
from tests.apiserver.pod import FINALIZER, GROUPS, PREFIX, Web
from tests.verbs_desk import GROUP_API, STORAGE_API

HUB = "/apis/storage.azure.com/v20250601/namespaces/{}/storageaccounts"
ASO_NAMESPACE = "aso-was-here"
_NUMBERS = itertools.count(1)


class Left:
    """A resource group and a storage account as ASO leaves them after its last PUT."""

    def __init__(self, web: Web, name: str = "", operator: str = ASO_NAMESPACE) -> None:
        self.web = web
        self.operator = operator
        self.name = name or f"left{next(_NUMBERS)}"
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
            PREFIX + "operator-namespace": self.operator,
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
