"""The pod on a real API server: the getting-started walk, waits, policies, drift, deletion, restarts."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, OPERATOR, PREFIX, Pod, Web, credential
from tests.apiserver.rights import chart_account
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

PATTERN = "resources.azure.com/*;storage.azure.com/StorageAccount;network.azure.com/VirtualNetwork*"
GROUP_API = "2020-06-01"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def kinds(plane: ControlPlane) -> None:
    """Install our own definitions."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything twice a second, as an account that may do what the chart lets it."""
    plane.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": OPERATOR}})
    who = chart_account(plane, OPERATOR, "azureserviceoperator-default")
    log = tmp_path_factory.mktemp("pod") / "log"
    quick = {"AZURE_SYNC_PERIOD": "500ms"}
    with Pod(plane, azure, plane.kubeconfig(who), log, quick, ("--observe-period", "0.5")) as running:
        yield running


@pytest.fixture
def web(admin: Api, azure: Azure, namespace: str, pod: Pod) -> Web:
    """Return a namespace with a credential, watched by the pod."""
    found = Web(admin, azure, namespace)
    item = {"metadata": {"name": "aso-credential"}, "data": credential(azure.connection)}
    admin.create(f"/api/v1/namespaces/{namespace}/secrets", item)
    return found


@pytest.fixture
def name() -> str:
    """Return the name of a resource group that nobody else uses."""
    return f"pod-rg{next(_NUMBERS)}"


def kubectl(plane: ControlPlane, web: Web, *arguments: str, text: str = "") -> str:
    """Run the real kubectl in the namespace; return what it printed."""
    if plane.kubectl is None:
        pytest.skip("there is no kubectl")
    command = [str(plane.kubectl), "--kubeconfig", str(plane.kubeconfig()), "-n", web.namespace, *arguments]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode() + str(
        [web.ready(GROUPS, a.split("/")[1]) for a in arguments if "/" in a]
    )
    return done.stdout.decode()


WALK = """
apiVersion: resources.azure.com/v1api20200601
kind: ResourceGroup
metadata: {{name: {name}}}
spec: {{location: westcentralus}}
---
apiVersion: storage.azure.com/v1api20230101
kind: StorageAccount
metadata: {{name: {name}}}
spec:
  azureName: {account}
  location: westcentralus
  kind: StorageV2
  sku: {{name: Standard_LRS}}
  owner: {{name: {name}}}
  accessTier: Hot
"""


def test_the_getting_started_walk(plane: ControlPlane, web: Web, azure: Azure, name: str) -> None:
    """Apply, get, describe and delete with real kubectl show what ASO's page shows, and Azure follows."""
    manifest = WALK.format(name=name, account=name.replace("-", ""))

    applied = kubectl(plane, web, "apply", "-f", "-", text=manifest)
    kubectl(plane, web, "wait", "--for=condition=Ready", "--timeout=30s", f"storageaccount/{name}")
    listed = kubectl(plane, web, "get", "resourcegroups.resources.azure.com")
    found = web.get(GROUPS, name)

    identity = f"{azure.subscription}/resourceGroups/{name}"
    assert applied.splitlines() == [
        f"resourcegroup.resources.azure.com/{name} created",
        f"storageaccount.storage.azure.com/{name} created",
    ]
    header, row = listed.splitlines()
    assert header.split() == ["NAME", "READY", "SEVERITY", "REASON", "MESSAGE"]
    assert row.split() == [name, "True", "Succeeded"]
    assert found["metadata"]["annotations"][PREFIX + "operator-namespace"] == OPERATOR
    assert found["metadata"]["annotations"][PREFIX + "resource-id"] == identity
    assert found["metadata"]["finalizers"] == [FINALIZER]
    (ready,) = found["status"]["conditions"]
    assert {k: v for k, v in ready.items() if k != "lastTransitionTime"} == {
        "observedGeneration": 2,
        "reason": "Succeeded",
        "status": "True",
        "type": "Ready",
    }
    assert {k: v for k, v in found["status"].items() if k != "conditions"} == {
        "id": identity,
        "location": "westcentralus",
        "name": name,
        "properties": {"provisioningState": "Succeeded"},
        "type": "Microsoft.Resources/resourceGroups",
    }
    assert web.events(name)[:2] == [
        ("CredentialFrom", f'Using credential from "{web.namespace}/aso-credential"'),
        ("BeginCreateOrUpdate", f'Successfully sent resource to Azure with ID "{identity}"'),
    ]
    assert [reason for reason, _ in web.events(name, "StorageAccount")] == ["BeginCreateOrUpdate"]
    owned = web.get(ACCOUNTS, name)["metadata"]
    assert owned["labels"][PREFIX + "owner-name"] == name
    assert [r["uid"] for r in owned["ownerReferences"]] == [found["metadata"]["uid"]]

    kubectl(plane, web, "delete", f"resourcegroup/{name}", "--timeout=30s")

    web.wait_gone(ACCOUNTS, name)
    assert azure.get(identity, api=GROUP_API) is None


def test_a_pass_over_what_is_in_sync_writes_nothing(web: Web, azure: Azure, name: str, pod: Pod) -> None:
    """Passes, and a restart, send no write to Azure and none to the object."""
    web.create(GROUPS, group(name))
    before = web.wait_ready(GROUPS, name)
    azure.forget_traffic()

    web.wait_for("four passes", lambda: azure.reads >= 4)
    assert pod.stop() == 0
    pod.start()
    web.wait_for("two passes after the restart", lambda: azure.reads >= 6)

    after = web.get(GROUPS, name)
    assert azure.writes == []
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_an_edit_reaches_azure_as_the_smallest_request(web: Web, azure: Azure, name: str) -> None:
    """A new tag is sent through the tags API, and the condition speaks of the new generation."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    azure.forget_traffic()

    web.patch(GROUPS, name, {"spec": {"tags": {"app": "shop"}}})
    web.wait_ready(GROUPS, name, 2)

    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api=GROUP_API)["tags"] == {"app": "shop"}
    assert azure.writes == ["PATCH tags/default 200"]


def test_drift_is_corrected(web: Web, azure: Azure, name: str) -> None:
    """What a colleague changes in Azure goes back to what the object says."""
    web.create(GROUPS, group(name, tags={"app": "shop"}))
    web.wait_ready(GROUPS, name)
    resource = f"{azure.subscription}/resourceGroups/{name}"

    azure.forget_traffic()

    azure.edit_tags(resource, "Replace", {"app": "theirs"})
    web.wait_for("the tag to be back", lambda: azure.get(resource, api=GROUP_API)["tags"] == {"app": "shop"})

    assert azure.writes == ["PATCH tags/default 200"] * 2


def test_a_child_waits_for_its_owner(web: Web, azure: Azure, name: str) -> None:
    """Without its owner an object says so in ASO's words, unclaimed; once the owner is there it goes on by itself."""
    web.create(ACCOUNTS, account(name.replace("-", ""), name))
    said = web.wait_reason(ACCOUNTS, name.replace("-", ""), "WaitingForOwner")
    waiting = web.get(ACCOUNTS, name.replace("-", ""))

    web.create(GROUPS, group(name))
    web.wait_ready(ACCOUNTS, name.replace("-", ""))

    assert said["severity"] == "Warning"
    assert said["message"] == (
        f'Owner "{name}, Group/Kind: resources.azure.com/ResourceGroup" cannot be found. '
        "Progress is blocked until the owner is created."
    )
    assert "finalizers" not in waiting["metadata"]


def test_nothing_is_sent_for_a_child_before_its_owner_is_ready(web: Web, azure: Azure, name: str) -> None:
    """While its owner cannot be made yet a child waits, then it goes on by itself: Azure refuses no child."""
    fault = {"status": 409, "body": {"error": {"code": "AnotherOperationInProgress", "message": "Busy."}}}
    azure.script({"match": {"method": "PUT", "path_regex": f"resourcegroups/{name}$"}, "times": 2, "answer": fault})
    child = name.replace("-", "")
    azure.forget_traffic()

    web.create(GROUPS, group(name))
    web.wait_for("the group to be refused", lambda: bool(azure.writes))
    web.create(ACCOUNTS, account(child, name))
    web.wait_ready(ACCOUNTS, child)

    sent = [f"PUT resourcegroups/{name} {status}" for status in (409, 409, 201)]
    assert [w.lower() for w in azure.writes] == [w.lower() for w in (*sent, f"PUT storageAccounts/{child} 202")]


def test_skip_only_looks(web: Web, azure: Azure, name: str) -> None:
    """Under skip nothing is written; a resource that is not there is a warning, and its deletion deletes nothing."""
    annotations = {PREFIX + "reconcile-policy": "skip"}
    resource = f"{azure.subscription}/resourceGroups/{name}"
    web.create(GROUPS, group(name, annotations=annotations))
    web.wait_reason(GROUPS, name, "AzureResourceNotFound")
    azure.edit("PUT", resource, {"location": "westeurope"}, api=GROUP_API)

    found = web.wait_ready(GROUPS, name)
    web.admin.delete(web.path(GROUPS, name))
    web.wait_gone(GROUPS, name)

    assert found["status"]["id"] == resource
    assert azure.get(resource, api=GROUP_API) is not None


def test_detach_on_delete_leaves_azure_alone(web: Web, azure: Azure, name: str) -> None:
    """The object goes, the resource stays."""
    web.create(GROUPS, group(name, annotations={PREFIX + "reconcile-policy": "detach-on-delete"}))
    web.wait_ready(GROUPS, name)

    web.admin.delete(web.path(GROUPS, name))
    web.wait_gone(GROUPS, name)

    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api=GROUP_API) is not None


def test_another_operators_object_is_left_alone(web: Web, azure: Azure, name: str) -> None:
    """An object that carries another operator's namespace gets an event, and nothing else."""
    annotations = {PREFIX + "operator-namespace": "theirs"}

    web.create(GROUPS, group(name, annotations=annotations))

    web.wait_for("the event", lambda: [reason for reason, _ in web.events(name)] == ["Overlap"])
    assert "status" not in web.get(GROUPS, name)
    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api=GROUP_API) is None


def test_name_and_owner_of_what_exists_are_fixed(web: Web, name: str) -> None:
    """The admission policy refuses, in ASO's words, another name; writing down the one it has is no change."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)

    status, refused = rename(web, name, "other")
    allowed, _ = rename(web, name, name)
    again, _ = rename(web, name, None)

    assert (status, allowed, again) == (422, 200, 422)
    assert "updating 'spec.azureName' is not allowed" in str(refused)


def rename(web: Web, name: str, azure_name: str | None) -> tuple[int, Any]:
    changes = {"spec": {"azureName": azure_name}}
    return web.admin.call("PATCH", web.path(GROUPS, name), changes, content="application/merge-patch+json")


def test_a_refused_write_is_told_and_tried_again(web: Web, azure: Azure, name: str) -> None:
    """What Azure refuses is a warning on the object and an event with all its words; later it succeeds by itself."""
    error = {"error": {"code": "QuotaExceeded", "message": "no more groups"}}
    azure.script(
        {"match": {"method": "PUT", "path_regex": f"{name}$"}, "times": 1, "answer": {"status": 409, "body": error}}
    )

    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)

    texts = [text for reason, text in web.events(name) if reason == "CreateOrUpdateActionError"]
    assert len(texts) == 1
    assert "no more groups" in texts[0]
    azure.clear_script()


def test_an_object_without_credential_says_so(admin: Api, azure: Azure, namespace: str, pod: Pod, name: str) -> None:
    """No credential anywhere is ASO's sentence in the condition, and no request."""
    web = Web(admin, azure, namespace)

    web.create(GROUPS, group(name))
    said = web.wait_reason(GROUPS, name, "Failed")

    assert said["message"].startswith("global credential not configured")


def test_stopping_takes_no_time(pod: Pod) -> None:
    """SIGTERM ends the pod with success."""
    assert pod.stop() == 0

    pod.start()


def log_of(pod: Pod) -> str:
    path: Path = pod.log
    return path.read_text()


def test_nothing_went_wrong_meanwhile(pod: Pod) -> None:
    """No pass failed as a whole in all these tests."""
    assert "failed" not in log_of(pod)
