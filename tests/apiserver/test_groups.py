"""Groups of Microsoft Entra on a real API server, with the emulator's part of Microsoft Graph behind the objects."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from engine.app.cli import main
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import FINALIZER, OPERATOR, PREFIX, Pod, Web
from tests.apiserver.rights import chart_account
from tests.verbs_desk import Azure, Object, make_object

pytestmark = pytest.mark.apiserver

ENTRA = "/apis/entra.azure.com/v1/namespaces/{}/securitygroups"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def web(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Return a namespace with a credential, watched by a pod that looks at everything twice a second."""
    pattern = "entra.azure.com/*"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    plane.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": OPERATOR}})
    who = chart_account(plane, OPERATOR, "groups")
    found = Web(plane.admin, azure, "entra-groups")
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": found.namespace}})
    connection = azure.connection
    data = {f"AZURE_{name.upper()}_ID": getattr(connection, name) for name in ("subscription", "tenant", "client")}
    data["AZURE_CLIENT_SECRET"] = connection.secret
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    secret = {"metadata": {"name": "aso-credential"}, "data": encoded}
    plane.admin.create(f"/api/v1/namespaces/{found.namespace}/secrets", secret)
    log = tmp_path_factory.mktemp("pod") / "log"
    environment = {"TRUEUP_GRAPH_ENDPOINT": connection.arm}
    with Pod(plane, azure, plane.kubeconfig(who), log, environment, ("--observe-period", "0.5")):
        yield found


def graph(web: Web, method: str, path: str, body: Any = None) -> Any:
    """Ask Microsoft Graph, as a colleague would; None for what is not there."""
    url = f"{web.azure.connection.arm}/v1.0/{path}"
    answer = httpx.request(method, url, json=body, headers={"Authorization": "Bearer colleague"})
    if answer.status_code == 404:
        return None
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else {}


def security_group(**spec: Any) -> Object:
    name = f"group{next(_NUMBERS)}"
    body = {"displayName": f"The {name}", "mailNickname": name, "membershipType": "assigned", **spec}
    return make_object("SecurityGroup", "entra/v1", name, body)


def theirs(item: Object) -> Object:
    spec = item["spec"]
    body = {name: spec[name] for name in ("displayName", "mailNickname")}
    return {**body, "mailEnabled": False, "securityEnabled": True, "groupTypes": []}


def group_id(web: Web, item: Object) -> str:
    found = web.get(ENTRA, item["metadata"]["name"])
    return str(found["metadata"]["annotations"][PREFIX + "resource-id"])


def test_a_group_lives(web: Web) -> None:
    """Created, claimed under its id, told in the status, edited, put right, created anew, deleted with its object."""
    told = {"configmaps": {"entraID": {"name": "told", "key": "id"}}}
    item = security_group(description="first", membershipType="assignedm365", operatorSpec=told)
    name = item["metadata"]["name"]
    web.create(ENTRA, item)

    found = web.wait_ready(ENTRA, name)
    identity = group_id(web, item)
    assert web.admin.get(f"/api/v1/namespaces/{web.namespace}/configmaps/told")["data"] == {"id": identity}
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert {k: v for k, v in found["status"].items() if k != "conditions"} == {
        "entraID": identity,
        "displayName": f"The {name}",
        "groupEmailAddress": f"{name}@emulator.invalid",
        "description": "first",
    }
    assert ("CredentialFrom", f'Using credential from "{web.namespace}/aso-credential"') in web.events(
        name, "SecurityGroup"
    )

    web.patch(ENTRA, name, {"spec": {"description": "second"}})
    web.wait_ready(ENTRA, name, 2)
    assert graph(web, "GET", f"groups/{identity}")["description"] == "second"

    graph(web, "PATCH", f"groups/{identity}", {"description": "theirs"})
    web.patch(ENTRA, name, {"metadata": {"annotations": {"trueup.dev/reconcile-at": "now"}}})
    web.wait_for("the text to be back", lambda: graph(web, "GET", f"groups/{identity}")["description"] == "second")

    graph(web, "DELETE", f"groups/{identity}")
    web.patch(ENTRA, name, {"metadata": {"annotations": {"trueup.dev/reconcile-at": "once more"}}})
    web.wait_for("another group", lambda: group_id(web, item) != identity)
    identity = group_id(web, item)
    at = f"/api/v1/namespaces/{web.namespace}/configmaps/told"
    web.wait_for("its id to be told", lambda: web.admin.get(at)["data"] == {"id": identity})
    assert graph(web, "GET", f"groups/{identity}")["description"] == "second"

    web.admin.delete(web.path(ENTRA, name))
    web.wait_gone(ENTRA, name)
    assert graph(web, "GET", f"groups/{identity}") is None


def test_a_group_of_that_name_is_taken_over(web: Web) -> None:
    """The default mode adopts by display name; the other one creates in any case."""
    one, two = security_group(), security_group(operatorSpec={"creationMode": "AlwaysCreate"})
    held = [graph(web, "POST", "groups", theirs(item))["id"] for item in (one, two)]

    for item in (one, two):
        web.create(ENTRA, item)
        web.wait_ready(ENTRA, item["metadata"]["name"])

    assert group_id(web, one) == held[0]
    assert group_id(web, two) != held[1]


def test_two_of_that_name_are_told(web: Web) -> None:
    """Which of two to take over is a person's choice: nothing is claimed, and nothing created."""
    item = security_group()
    for _ in range(2):
        graph(web, "POST", "groups", theirs(item))

    web.create(ENTRA, item)
    said = web.wait_reason(ENTRA, item["metadata"]["name"], "Failed")

    assert said["severity"] == "Error"
    assert "2 groups are called" in said["message"]
    assert "finalizers" not in web.get(ENTRA, item["metadata"]["name"])["metadata"]


def test_skip_only_looks(web: Web) -> None:
    """Under skip no group is created; one that is there is told of, and outlives its object."""
    item = security_group()
    name = item["metadata"]["name"]
    item["metadata"]["annotations"] = {PREFIX + "reconcile-policy": "skip"}
    web.create(ENTRA, item)
    web.wait_reason(ENTRA, name, "AzureResourceNotFound")
    held = graph(web, "POST", "groups", theirs(item))["id"]

    found = web.wait_ready(ENTRA, name)
    web.admin.delete(web.path(ENTRA, name))
    web.wait_gone(ENTRA, name)

    assert found["status"]["entraID"] == held
    assert graph(web, "GET", f"groups/{held}") is not None
