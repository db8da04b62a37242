"""What objects are told by name, and who may speak for them, on a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.any_pods import install_kinds, open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, PREFIX, Pod, Web, credential
from tests.verbs_desk import GROUP_API, Azure, account, group, make_object, network, server

pytestmark = pytest.mark.apiserver

SERVERS = "/apis/dbforpostgresql.azure.com/v1api20221201/namespaces/{}/flexibleservers"
NETWORKS = "/apis/network.azure.com/v1api20240301/namespaces/{}/virtualnetworks"
PEERINGS = "/apis/network.azure.com/v1api20240301/namespaces/{}/virtualnetworksvirtualnetworkpeerings"
BUSY = {"status": 409, "body": {"error": {"code": "AnotherOperationInProgress", "message": "Wait."}}}
DENIED = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "No list for you."}}}


@pytest.fixture(scope="module")
def kinds(plane: ControlPlane) -> None:
    """Install our own definitions."""
    install_kinds(plane)
    pattern = "dbforpostgresql.azure.com/FlexibleServer"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    plane.admin.wait_for("the kind", lambda: plane.admin.call("GET", SERVERS.format("default"))[0] == 200)


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything all the time."""
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_SYNC_PERIOD": "500ms"}
    with running(plane, azure, tmp_path_factory.mktemp("pod"), environment=environment, operator="said") as found:
        yield found


@pytest.fixture
def web(admin: Api, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "said")


def test_a_secret_without_the_key_is_told_in_the_words_of_aso(web: Web) -> None:
    """Alerting rules that look for ASO's sentence find it."""
    web.create(GROUPS, group("said-rg1"))
    secret = {"metadata": {"name": "database"}, "stringData": {"other": "x"}}
    web.admin.create(f"/api/v1/namespaces/{web.namespace}/secrets", secret)

    web.create(SERVERS, server("said-db", "said-rg1"))
    said = web.wait_reason(SERVERS, "said-db", "SecretNotFound")

    assert said["message"] == f'Secret "{web.namespace}/database" does not contain key "password"'


def test_a_reference_waits_for_its_object_alone(web: Web, azure: Azure) -> None:
    """Nothing is sent while the object referred to is not there; that it is Ready is not waited for, as with ASO."""
    place = f"{azure.subscription}/resourceGroups/said-ref/providers/Microsoft.Network/virtualNetworks"
    reference = {"group": "network.azure.com", "kind": "VirtualNetwork", "name": "said-far"}
    spec = {"owner": {"name": "said-near"}, "remoteVirtualNetwork": {"reference": reference}}
    azure.script(
        {"match": {"method": "PUT", "path_regex": "(?i)virtualnetworks/said-far$"}, "times": None, "answer": BUSY}
    )
    web.create(GROUPS, group("said-ref"))
    web.create(NETWORKS, network("said-near", "said-ref"))
    web.wait_ready(NETWORKS, "said-near")
    azure.forget_traffic()

    web.create(PEERINGS, make_object("VirtualNetworksVirtualNetworkPeering", "network/v1api20240301", "peer", spec))
    said = web.wait_reason(PEERINGS, "peer", "ReferenceNotFound")
    before = azure.writes
    web.create(NETWORKS, network("said-far", "said-ref", addressSpace={"addressPrefixes": ["10.1.0.0/16"]}))
    web.wait_for("its request", lambda: any("peer" in w for w in azure.writes))
    far = web.ready(NETWORKS, "said-far")
    azure.clear_script()
    web.wait_ready(NETWORKS, "said-far")
    found = web.wait_ready(PEERINGS, "peer")

    assert (said["status"], said["severity"]) == ("False", "Warning")
    assert f"{web.namespace}/VirtualNetwork/said-far" in said["message"]
    assert before == []
    assert far.get("status") != "True"
    assert found["status"]["remoteVirtualNetwork"]["id"].lower() == f"{place}/said-far".lower()


def test_a_policy_that_means_nothing_is_told(web: Web, azure: Azure) -> None:
    """It is taken for skip: nothing is written, the condition and an event say why."""
    resource = f"{azure.subscription}/resourceGroups/said-rg2"
    azure.edit("PUT", resource, {"location": "westeurope", "tags": {"app": "theirs"}}, api=GROUP_API)

    web.create(GROUPS, group("said-rg2", tags={"app": "shop"}, annotations={PREFIX + "reconcile-policy": "Manage"}))
    ready = web.wait_ready(GROUPS, "said-rg2")
    told = web.wait_for("the event", lambda: dict(web.events("said-rg2")).get("AnnotationNotUnderstood"))

    assert "unknown value 'Manage', taken as 'skip'" in web.ready(GROUPS, "said-rg2")["message"]
    assert "unknown value 'Manage', taken as 'skip'" in told
    assert ready["status"]["tags"] == {"app": "theirs"}


def test_a_delete_that_goes_on_is_told(web: Web) -> None:
    """Begin and wait are events with ASO's texts."""
    web.create(GROUPS, group("said-rg3"))
    web.wait_ready(GROUPS, "said-rg3")

    web.admin.delete(web.path(GROUPS, "said-rg3"))
    web.wait_gone(GROUPS, "said-rg3")

    web.wait_for("the last event", lambda: "MonitorDelete" in dict(web.events("said-rg3")))
    told = set(web.events("said-rg3"))
    assert ("BeginDelete", "Starting delete of resource") in told
    assert ("MonitorDelete", "Continue monitoring deletion") in told


def test_an_identity_that_may_list_nothing_sees_its_resources(web: Web, azure: Azure) -> None:
    """Refused lists of the subscription and of groups lead to single reads: objects get Ready, drift is corrected."""
    lists = r"^/subscriptions/[^/]+(/resourcegroups/[^/]+)?/(resources|resourcegroups|providers/[^/]+/[^/]+)/?$"
    azure.script({"match": {"method": "GET", "path_regex": f"(?i){lists}"}, "times": None, "answer": DENIED})
    try:
        web.create(GROUPS, group("said-rg4", tags={"app": "shop"}))
        web.create(ACCOUNTS, account("saidnarrow", "said-rg4", tags={"app": "shop"}))
        web.wait_ready(GROUPS, "said-rg4")
        web.wait_ready(ACCOUNTS, "saidnarrow")
        resource = f"{azure.subscription}/resourceGroups/said-rg4"
        there = f"{resource}/providers/Microsoft.Storage/storageAccounts/saidnarrow"
        azure.edit_tags(there, "Replace", {"app": "theirs"})
        web.wait_for("the correction", lambda: azure.get(there)["tags"] == {"app": "shop"})
        status = web.ready(ACCOUNTS, "saidnarrow")["status"]
    finally:
        azure.clear_script()

    assert status == "True"


def test_several_subscriptions_and_tenants_in_one_namespace(
    plane: ControlPlane, admin: Api, azure: Azure, kinds: None, tmp_path: Path
) -> None:
    """Each object goes where its own credential leads; children choose for themselves, and nothing is mixed up."""
    options = EmulatorOptions(state=tmp_path / "other", plain_http=True, retry_after_s=0)
    web = open_web(admin, azure, "said")
    environment: dict[str, Any] = {
        "AZURE_OPERATOR_MODE": "watchers",
        "AZURE_TARGET_NAMESPACES": web.namespace,
        "ALLOW_MULTI_ENV_MANAGEMENT": "true",
    }
    with emulator_thread(options, SystemClock()) as connection:
        cloud = {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": connection.arm,
            "AZURE_RESOURCE_MANAGER_AUDIENCE": connection.arm,
            "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us",
        }
        item = {"metadata": {"name": "other"}, "data": credential(connection, **cloud)}
        admin.create(f"/api/v1/namespaces/{web.namespace}/secrets", item)
        ours = claimed_by("said-several")
        other = {PREFIX + "credential-from": "other", **ours}
        with running(plane, azure, tmp_path, environment=environment, operator="said-several"):
            web.create(GROUPS, group("said-here", annotations=ours))
            web.create(GROUPS, group("said-there", annotations=other))
            web.create(ACCOUNTS, account("saidthere", "said-there", annotations=other))
            here = web.wait_ready(GROUPS, "said-here")["status"]["id"]
            there = web.wait_ready(ACCOUNTS, "saidthere")["status"]["id"]
            events = dict(web.events("said-there"))
        held = Azure(connection).get(there)

    assert here.startswith(azure.subscription + "/")
    assert there.startswith(f"/subscriptions/{connection.subscription}/")
    assert held["name"] == "saidthere"
    assert events["CredentialFrom"] == f'Using credential from "{web.namespace}/other"'
    assert azure.get(f"{azure.subscription}/resourceGroups/said-there", api=GROUP_API) is None


def test_a_protected_object_stays_in_azure(web: Web, azure: Azure) -> None:
    """A delete of what is protected waits and says so; it goes on when the annotation is taken off."""
    web.create(GROUPS, group("said-rg5", annotations={"trueup.dev/protect": "true"}))
    web.wait_ready(GROUPS, "said-rg5")

    web.admin.delete(web.path(GROUPS, "said-rg5"))
    said = web.wait_reason(GROUPS, "said-rg5", "ReconciliationBlocked")
    there = azure.get(f"{azure.subscription}/resourceGroups/said-rg5", api=GROUP_API)
    web.patch(GROUPS, "said-rg5", {"metadata": {"annotations": {"trueup.dev/protect": None}}})
    web.wait_gone(GROUPS, "said-rg5")

    assert "trueup.dev/protect" in said["message"]
    assert there is not None


def claimed_by(operator: str) -> dict[str, str]:
    """Return what keeps the pod of the other tests in the file away from an object."""
    return {PREFIX + "operator-namespace": operator}


def test_very_many_deletes_wait_for_a_word(
    plane: ControlPlane, admin: Api, azure: Azure, kinds: None, tmp_path: Path
) -> None:
    """Twenty in ten minutes, half of what there was: the rest waits until the namespace says until when it may go."""
    web = open_web(admin, azure, "said")
    names = [f"said-many{n}" for n in range(24)]
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": web.namespace}
    with running(plane, azure, tmp_path, environment=environment, operator="said-many"):
        for name in names:
            web.create(GROUPS, group(name, annotations=claimed_by("said-many")))
        for name in names:
            web.wait_ready(GROUPS, name)
        for name in names:
            admin.delete(web.path(GROUPS, name))
        held = web.wait_for("one that is held", lambda: [n for n in names if _is_held(web, n)])
        text = web.ready(GROUPS, held[-1])["message"]
        until = {"metadata": {"annotations": {"trueup.dev/allow-delete": "2099-01-31T12:00:00Z"}}}
        admin.patch(f"/api/v1/namespaces/{web.namespace}", until)
        for name in names:
            web.wait_gone(GROUPS, name)

    assert (
        "objects were deleted within 10 minutes; to go on, annotate the namespace with trueup.dev/allow-delete" in text
    )


def _is_held(web: Web, name: str) -> bool:
    return bool(web.ready(GROUPS, name).get("reason") == "ReconciliationBlocked")
