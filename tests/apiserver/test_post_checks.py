"""What Azure must have done beyond a write before an object is Ready, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.any_pods import install_kinds, open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, PREFIX, Pod, Web, begin_elsewhere, is_under_way
from tests.verbs_desk import NETWORK_API, Azure, group, make_object

pytestmark = pytest.mark.apiserver

ENDPOINTS = "/apis/network.azure.com/v1api20240301/namespaces/{}/privateendpoints"
SUBNETS = "/apis/network.azure.com/v1api20240301/namespaces/{}/virtualnetworkssubnets"
BACKUPS = "/apis/dataprotection.azure.com/v1api20231101/namespaces/{}/backupvaultsbackupinstances"
ALIASES = "/apis/subscription.azure.com/v1api20211001/namespaces/{}/aliases"
ROLES = "/apis/authorization.azure.com/v1api20220401/namespaces/{}/roleassignments"
KINDS = {
    "network.azure.com/PrivateEndpoint": ENDPOINTS,
    "dataprotection.azure.com/BackupVaultsBackupInstance": BACKUPS,
    "subscription.azure.com/Alias": ALIASES,
    "authorization.azure.com/RoleAssignment": ROLES,
}
BACKUP_API = "2023-11-01"
VAULT = "Microsoft.DataProtection/backupVaults/vault"


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything all the time."""
    install_kinds(plane)
    assert main(["crds", "install", "--pattern", ";".join(KINDS), "--kubeconfig", str(plane.kubeconfig())]) == 0
    for path in KINDS.values():
        plane.admin.wait_for(path, lambda path=path: plane.admin.call("GET", path.format("default"))[0] == 200)
    folder = tmp_path_factory.mktemp("pod")
    environment = {"AZURE_OPERATOR_MODE": "watchers"}
    with running(plane, azure, folder, environment=environment, operator="checks-system") as found:
        yield found


@pytest.fixture
def web(admin: Api, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "checks")


def approve(azure: Azure, resource: str, status: str) -> None:
    """Answer the request for a private connection, as the owner of its target."""
    body = azure.get(resource, api=NETWORK_API)
    (link,) = body["properties"]["manualPrivateLinkServiceConnections"]
    link["properties"]["privateLinkServiceConnectionState"] = {"status": status}
    azure.rewrite(resource, api=NETWORK_API, properties=body["properties"])


def endpoint(azure: Azure, owner: str) -> Any:
    """Return a private endpoint that somebody else has to approve."""
    elsewhere = f"{azure.subscription}/resourceGroups/{owner}/providers"
    target = f"{elsewhere}/Microsoft.Storage/storageAccounts/theirs"
    subnet = f"{elsewhere}/Microsoft.Network/virtualNetworks/net/subnets/sub"
    link = {"name": "ask", "groupIds": ["blob"], "privateLinkServiceReference": {"armId": target}}
    spec = {
        "owner": {"name": owner},
        "location": "westeurope",
        "subnet": {"reference": {"armId": subnet}},
        "manualPrivateLinkServiceConnections": [link],
    }
    return make_object("PrivateEndpoint", "network/v1api20240301", "link", spec)


def lay_cables(azure: Azure, owner: str) -> None:
    """Make the network that a private endpoint is put into."""
    net = f"{azure.subscription}/resourceGroups/{owner}/providers/Microsoft.Network/virtualNetworks/net"
    properties = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    azure.edit("PUT", net, {"location": "westeurope", "properties": properties}, api=NETWORK_API)
    azure.edit("PUT", f"{net}/subnets/sub", {"properties": {"addressPrefix": "10.0.0.0/24"}}, api=NETWORK_API)


def again(web: Web, collection: str, name: str) -> None:
    """Ask for another look now."""
    stamp = web.get(collection, name)["metadata"]["resourceVersion"]
    web.patch(collection, name, {"metadata": {"annotations": {"trueup.dev/reconcile-at": stamp}}})


def test_a_private_connection_waits_for_its_approval(web: Web, azure: Azure) -> None:
    """The object says what waits, exports nothing and sends nothing; it is Ready soon after somebody approved."""
    web.create(GROUPS, group("checks-rg1"))
    web.wait_ready(GROUPS, "checks-rg1")
    lay_cables(azure, "checks-rg1")
    resource = f"{azure.subscription}/resourceGroups/checks-rg1/providers/Microsoft.Network/privateEndpoints/link"
    web.create(ENDPOINTS, endpoint(azure, "checks-rg1"))
    web.wait_for("the endpoint", lambda: azure.get(resource, api=NETWORK_API))
    web.wait_for("a condition", lambda: web.ready(ENDPOINTS, "link").get("reason") not in (None, "Reconciling"))
    approve(azure, resource, "Pending")
    azure.forget_traffic()

    again(web, ENDPOINTS, "link")
    waiting = web.wait_reason(ENDPOINTS, "link", "PostReconciliationFailure")
    web.wait_for("two full passes", lambda: azure.reads >= 6)
    still = web.ready(ENDPOINTS, "link")
    writes = azure.writes
    approve(azure, resource, "Approved")
    web.wait_ready(ENDPOINTS, "link")

    assert (waiting["status"], waiting["severity"]) == ("False", "Warning")
    assert waiting["message"].startswith("the owner of the target has not approved the private connection")
    assert "ask" in waiting["message"]
    assert still == waiting
    assert writes == []


def break_protection(azure: Azure, owner: str) -> tuple[str, Any, Any]:
    """Let a disk's protection fail by a user's error; return its instance, what is asked of it, and an object."""
    resource = f"{azure.subscription}/resourceGroups/{owner}/providers/{VAULT}/backupInstances/disk"
    policy = f"{azure.subscription}/resourceGroups/{owner}/providers/{VAULT}/backupPolicies/daily"
    disk = f"{azure.subscription}/resourceGroups/{owner}/providers/Microsoft.Compute/disks/disk"
    broken = {"status": "ProtectionError", "errorDetails": {"code": "UserErrorMissingPermissions"}}
    asked = {"objectType": "BackupInstance", "dataSourceInfo": {"resourceID": disk}, "policyInfo": {"policyId": policy}}
    held = {"id": resource, "name": "disk", "properties": {**asked, "protectionStatus": broken}}
    vault = {"id": resource.rsplit("/", 2)[0], "location": "westeurope", "properties": {}}
    for body in (vault, held):
        azure.call("POST", "/_emulator/bulk", {"id": body["id"], "api": BACKUP_API, "body": body})
    spec = {
        "owner": {"armId": resource.rsplit("/", 2)[0]},
        "properties": {
            "objectType": "BackupInstance",
            "dataSourceInfo": {"resourceReference": {"armId": disk}},
            "policyInfo": {"policyReference": {"armId": policy}},
        },
    }
    return resource, asked, make_object("BackupVaultsBackupInstance", "dataprotection/v1api20231101", "disk", spec)


def test_a_failed_protection_is_synchronised(web: Web, azure: Azure, pod: Pod) -> None:
    """A user's error is looked into again by a call, which the audit log tells; under skip nothing is sent."""
    resource, asked, item = break_protection(azure, "checks-rg2")
    item["metadata"]["annotations"] = {PREFIX + "reconcile-policy": "skip"}
    azure.forget_traffic()
    web.create(BACKUPS, item)
    web.wait_reason(BACKUPS, "disk", "PostReconciliationFailure")
    untouched = azure.writes

    web.patch(BACKUPS, "disk", {"metadata": {"annotations": {PREFIX + "reconcile-policy": None}}})
    web.wait_for("the call", lambda: "POST disk/sync 202" in azure.writes or "POST disk/sync 200" in azure.writes)
    azure.rewrite(
        resource, api=BACKUP_API, properties={**asked, "protectionStatus": {"status": "ProtectionConfigured"}}
    )
    web.wait_ready(BACKUPS, "disk")

    said = [json.loads(line) for line in pod.log.read_text().splitlines()]
    write = next(s["write"] for s in said if s.get("event") == "intent" and s["id"] == resource)
    assert untouched == []
    assert {s["outcome"] for s in said if s.get("event") == "outcome" and s["write"] == write} == {"succeeded"}
    assert {w.split()[0] for w in azure.writes} == {"POST"}


def test_a_call_is_followed_after_a_kill(web: Web, azure: Azure, pod: Pod) -> None:
    """A pod that starts while Azure looks into a failed protection sends the call no second time."""
    resource, asked, item = break_protection(azure, "checks-rg4")
    azure.script({"match": {"method": "POST", "path_regex": "(?i)backupinstances/disk/sync$"}, "polls": 4})
    azure.forget_traffic()
    web.create(BACKUPS, item)
    web.wait_for("its token", lambda: is_under_way(web.get(BACKUPS, "disk")))
    pod.kill()
    before = azure.writes
    azure.forget_traffic()
    healthy = {**asked, "protectionStatus": {"status": "ProtectionConfigured"}}

    pod.start()
    web.wait_for("a poll", lambda: azure.reads > 0)
    azure.rewrite(resource, api=BACKUP_API, properties=healthy)
    found = web.wait_ready(BACKUPS, "disk")

    assert (before, azure.writes) == (["POST disk/sync 202"], [])
    assert not is_under_way(found)


def test_asos_call_is_followed(web: Web, azure: Azure, pod: Pod) -> None:
    """Where ASO had a failed protection looked into, no second call is sent, and its mark goes."""
    resource, asked, item = break_protection(azure, "checks-rg5")
    azure.script({"match": {"method": "POST", "path_regex": "(?i)backupinstances/disk/sync$"}, "polls": 4})
    location = begin_elsewhere(azure, "POST", f"{resource}/sync?api-version={BACKUP_API}", {"syncType": "Default"})
    token = {"type": "BackupInstancesClientSyncBackupInstanceResponse", "token": {"type": "loc", "pollURL": location}}
    mark = PREFIX + "bi-poller-resume-token"
    item["metadata"]["annotations"] = {mark: json.dumps(token)}
    healthy = {**asked, "protectionStatus": {"status": "ProtectionConfigured"}}
    azure.forget_traffic()

    web.create(BACKUPS, item)
    web.wait_for("a poll", lambda: azure.reads > 0)
    azure.rewrite(resource, api=BACKUP_API, properties=healthy)
    found = web.wait_ready(BACKUPS, "disk")

    assert azure.writes == []
    assert mark not in found["metadata"]["annotations"]


def test_children_of_an_alias_live_in_its_subscription(web: Web, azure: Azure) -> None:
    """What an alias made is noted on it, and ids of its children begin there."""
    web.create(ALIASES, make_object("Alias", "subscription/v1api20211001", "ours", {"properties": {}}))
    found = web.wait_ready(ALIASES, "ours")

    below = found["metadata"]["annotations"][PREFIX + "child-resource-id-override"]
    assert below == f"/subscriptions/{found['status']['properties']['subscriptionId']}"


def test_a_status_that_is_too_long_is_cut(web: Web, azure: Azure) -> None:
    """A subnet with more addresses than an object can hold is Ready, without them in its status."""
    web.create(GROUPS, group("checks-rg3"))
    web.wait_ready(GROUPS, "checks-rg3")
    lay_cables(azure, "checks-rg3")
    net = f"{azure.subscription}/resourceGroups/checks-rg3/providers/Microsoft.Network/virtualNetworks/net"
    body = azure.get(f"{net}/subnets/sub", api=NETWORK_API)
    many = [{"id": f"{net}/nics/{n}"} for n in range(2001)]
    properties = {**body["properties"], "ipConfigurations": many}
    azure.rewrite(f"{net}/subnets/sub", api=NETWORK_API, properties=properties)
    spec = {"owner": {"armId": net}, "addressPrefix": "10.0.0.0/24"}

    web.create(SUBNETS, make_object("VirtualNetworksSubnet", "network/v1api20240301", "sub", spec))
    long = web.wait_ready(SUBNETS, "sub")["status"]
    azure.rewrite(
        f"{net}/subnets/sub", api=NETWORK_API, properties={**body["properties"], "ipConfigurations": many[:2000]}
    )
    again(web, SUBNETS, "sub")
    web.wait_for("the addresses", lambda: len(web.get(SUBNETS, "sub")["status"].get("ipConfigurations", ())) == 2000)

    assert "ipConfigurations" not in long
    assert long["addressPrefix"] == "10.0.0.0/24"
