"""Definitions that change under stored objects: ASO's before ours, a smaller set before a larger one, and trimming."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.app.cli import main
from engine.crds.definition import define
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.verbs_desk import Object, make_object

pytestmark = pytest.mark.apiserver

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP, KIND, PLURAL = "operationalinsights.azure.com", "Workspace", "workspaces"
NAME = f"{PLURAL}.{GROUP}"
OLD, HUB = "v1api20210601", "v20250701"
TWIN = f"{HUB}storage"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
WEBHOOK = {
    "strategy": "Webhook",
    "webhook": {
        "conversionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": "aso", "name": "webhook", "path": "/convert", "port": 443}},
    },
}


def like_aso() -> Object:
    """Return the definition as ASO has it: versions, their storage twins, and a webhook that converts."""
    made = copy.deepcopy(define(GROUP, KIND, version="v2.20.0"))
    versions = made["spec"]["versions"]
    for version in versions:
        version["storage"] = False
    twins = [
        {
            "name": f"{v['name']}storage",
            "served": True,
            "storage": v["name"] == HUB,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": ANYTHING, "status": ANYTHING}}},
            "subresources": {"status": {}},
        }
        for v in versions
    ]
    made["metadata"]["annotations"] = {"cert-manager.io/inject-ca-from": "aso/serving-cert"}
    made["spec"] |= {"versions": [*versions, *twins], "conversion": WEBHOOK}
    return made


@pytest.fixture(autouse=True)
def _nothing_installed(admin: Api) -> None:
    """Begin without the kind."""
    if admin.get(f"{CRDS}/{NAME}") is not None:
        status, body = admin.call("DELETE", f"{CRDS}/{NAME}")
        assert status == 200, body
        admin.wait_for("the definition to be gone", lambda: admin.get(f"{CRDS}/{NAME}") is None)


@pytest.fixture
def config(plane: ControlPlane) -> str:
    return str(plane.kubeconfig())


def path_of(namespace: str, version: str = HUB, name: str = "") -> str:
    return f"/apis/{GROUP}/{version}/namespaces/{namespace}/{PLURAL}" + (f"/{name}" if name else "")


def install(config: str, *more: str) -> None:
    assert main(["crds", "install", "--pattern", f"{GROUP}/{KIND}", "--kubeconfig", config, *more]) == 0


def run(config: str, capsys: pytest.CaptureFixture[str], verb: str, *more: str) -> tuple[int, list[str]]:
    """Run one more verb; return its exit code and the lines it printed."""
    capsys.readouterr()
    code = main(["crds", verb, "--pattern", f"{GROUP}/{KIND}", "--kubeconfig", config, *more])
    return code, capsys.readouterr().out.splitlines()


def stored_versions(admin: Api) -> list[str]:
    found: list[str] = admin.get(f"{CRDS}/{NAME}")["status"]["storedVersions"]
    return found


def create_when_served(admin: Api, path: str, item: Object) -> Any:
    """Create an object as soon as the kind is served."""
    admin.wait_for("the kind to be served", lambda: admin.call("GET", path)[0] == 200)
    return admin.create(path, item)


@pytest.fixture
def stored_by_aso(admin: Api, namespace: str) -> Object:
    """Store an object as ASO stores them; return its spec and status."""
    admin.create(CRDS, like_aso())
    spec = {
        "azureName": "logs",
        "location": "westeurope",
        "originalVersion": OLD,
        "owner": {"name": "rg"},
        "provisioningState": "Succeeded",
        "retentionInDays": 30,
        "sku": {"name": "PerGB2018"},
        "features": {"disableLocalAuth": True},
        "$propertyBag": {"provisioningState": '"Succeeded"'},
    }
    item = make_object(KIND, f"operationalinsights/{TWIN}", "logs", spec)
    item["metadata"]["namespace"] = namespace
    created = create_when_served(admin, path_of(namespace, TWIN), item)
    status = {"customerId": "abc", "retentionInDays": 30, "conditions": []}
    changed = {**created, "status": status}
    code, body = admin.call("PUT", f"{path_of(namespace, TWIN, 'logs')}/status", changed)
    assert code == 200, body
    return {"spec": spec, "status": status}


def test_what_aso_stored_is_read_through_ours(
    admin: Api, namespace: str, config: str, stored_by_aso: Object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The webhook goes, the stored version stays unserved, and the object is what it was in every version."""
    install(config)

    found = admin.get(f"{CRDS}/{NAME}")
    hub = admin.get(path_of(namespace, HUB, "logs"))
    old = admin.get(path_of(namespace, OLD, "logs"))
    assert found["spec"]["conversion"] == {"strategy": "None"}
    assert {v["name"] for v in found["spec"]["versions"] if v["served"]} == {OLD, HUB}
    assert stored_versions(admin) == [TWIN, HUB]
    assert hub["spec"] == stored_by_aso["spec"]
    assert hub["status"] == stored_by_aso["status"]
    assert old["spec"]["retentionInDays"] == 30
    assert run(config, capsys, "diff") == (0, ["0 of 1 definitions differ."])


def test_a_larger_set_reads_what_a_smaller_one_stored(admin: Api, namespace: str, config: str) -> None:
    """Objects stored when only the newest version was there are read in all, and the other way round."""
    spec = {"location": "westeurope", "owner": {"name": "rg"}, "retentionInDays": 31}
    item = make_object(KIND, f"operationalinsights/{HUB}", "logs", spec)
    item["metadata"]["namespace"] = namespace
    install(config, "--versions", "newest")
    create_when_served(admin, path_of(namespace), item)

    install(config)
    larger = admin.get(path_of(namespace, OLD, "logs"))
    install(config, "--versions", "newest")
    smaller = admin.get(path_of(namespace, HUB, "logs"))

    assert (larger["spec"], smaller["spec"]) == (spec, spec)
    assert admin.call("GET", path_of(namespace, OLD))[0] == 404


def test_trimming_says_first_and_does_then(
    admin: Api, namespace: str, config: str, stored_by_aso: Object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Objects are saved in the version of today, the old one leaves the definition, and nothing of them is lost."""
    install(config)
    before = admin.get(path_of(namespace, HUB, "logs"))

    preview = run(config, capsys, "trim")
    untouched = stored_versions(admin)
    done = run(config, capsys, "trim", "--yes")

    text = f"1 objects {{}}saved in {HUB}; gone from the definition: {TWIN}"
    assert preview == (2, [f"{NAME}: {text.format('would be ')}", "Nothing was changed; --yes does it."])
    assert untouched == [TWIN, HUB]
    assert done == (0, [f"{NAME}: {text.format('')}"])
    assert stored_versions(admin) == [HUB]
    assert {v["name"] for v in admin.get(f"{CRDS}/{NAME}")["spec"]["versions"]} == {OLD, HUB}
    after = admin.get(path_of(namespace, HUB, "logs"))
    assert (after["spec"], after["status"]) == (before["spec"], before["status"])
    assert run(config, capsys, "trim") == (0, ["Nothing to trim."])


def test_a_kind_without_objects_goes(admin: Api, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody uses it: its definition costs the API server memory for nothing."""
    install(config)

    preview = run(config, capsys, "trim")
    is_there = admin.get(f"{CRDS}/{NAME}") is not None
    done = run(config, capsys, "trim", "--yes")

    assert (preview[0], is_there) == (2, True)
    assert done == (0, [f"{NAME}: no objects; the definition was deleted"])
    admin.wait_for("the definition to be gone", lambda: admin.get(f"{CRDS}/{NAME}") is None)
