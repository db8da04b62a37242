"""PUT, GET, PATCH and DELETE as ARM has them."""

from __future__ import annotations

import pytest

from tests.emulator_driver import NETWORK, STORAGE, Arm

ACCOUNT = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}

ROLE_GUID = "11111111-2222-3333-4444-555555555550"


def make_account(arm: Arm, group: str, name: str = "account1", **members: object) -> str:
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    assert arm.put(account, {**ACCOUNT, **members}, api=STORAGE).status == 202
    arm.settle(account, api=STORAGE)
    return account


def test_created_resource_reads_back_with_envelope_and_defaults(arm: Arm) -> None:
    """A body that was put comes back with id, name, type, defaults and endpoints."""
    group = arm.make_group()

    account = make_account(arm, group)

    body = arm.get(account, api=STORAGE).body
    assert body["id"] == account
    assert body["type"] == "Microsoft.Storage/storageAccounts"
    assert body["sku"] == {"name": "Standard_LRS", "tier": "Standard"}
    assert body["tags"] == {}
    assert body["properties"]["provisioningState"] == "Succeeded"
    assert body["properties"]["primaryEndpoints"]["blob"] == "https://account1.blob.core.windows.net/"


def test_ids_are_found_in_any_letter_case(arm: Arm) -> None:
    """ARM compares ids without letter case and answers with its own spelling."""
    group = arm.make_group()
    account = make_account(arm, group)

    reply = arm.get(account.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), api=STORAGE)

    assert reply.body["id"] == account


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/resourceGroups/none", "ResourceGroupNotFound"),
        ("/resourceGroups/none/providers/Microsoft.Storage/storageAccounts/x", "ResourceGroupNotFound"),
        ("/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x", "ResourceNotFound"),
        ("/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s", "ParentResourceNotFound"),
    ],
)
def test_missing_things_are_named_by_their_code(arm: Arm, path: str, code: str) -> None:
    """A 404 says what is missing: the group, the parent or the resource."""
    arm.make_group()

    reply = arm.get(arm.subscription + path, api="2021-04-01" if "Network" not in path else NETWORK)

    assert (reply.status, reply.code) == (404, code)


def test_foreign_subscription_is_unknown(arm: Arm) -> None:
    """A subscription the emulator does not have is not found."""
    reply = arm.get("/subscriptions/00000000-0000-0000-0000-00000000dead/resourceGroups/rg")

    assert (reply.status, reply.code) == (404, "SubscriptionNotFound")


def test_put_into_missing_group_or_parent_is_refused(arm: Arm) -> None:
    """Nothing can be created where its group or parent is missing."""
    group = f"{arm.subscription}/resourceGroups/none"
    arm.make_group("rg")
    subnet = f"{arm.subscription}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/none/subnets/s"

    in_group = arm.put(f"{group}/providers/Microsoft.Storage/storageAccounts/a", ACCOUNT, api=STORAGE)
    in_parent = arm.put(subnet, {"properties": {"addressPrefix": "10.0.0.0/24"}}, api=NETWORK)

    assert (in_group.status, in_group.code) == (404, "ResourceGroupNotFound")
    assert (in_parent.status, in_parent.code) == (404, "ParentResourceNotFound")


def test_secrets_are_taken_and_never_kept(arm: Arm) -> None:
    """A password goes in and is found neither in an answer nor in the state folder."""
    group = arm.make_group()
    server = f"{group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg"
    body = {
        "location": "westus2",
        "sku": {"name": "Standard_D4s_v3", "tier": "GeneralPurpose"},
        "properties": {"administratorLogin": "boss", "administratorLoginPassword": "canary-7f", "version": "14"},
    }

    arm.put(server, body, api="2022-12-01")

    shown = arm.get(server, api="2022-12-01").body
    assert "administratorLoginPassword" not in shown["properties"]
    assert b"canary-7f" not in (arm.emulator.options.state / "journal.log").read_bytes()


def test_put_replaces_and_forgets_what_it_leaves_out(arm: Arm) -> None:
    """A PUT of an ordinary type removes tags and members that the new body does not have."""
    group = arm.make_group()
    table = f"{group}/providers/Microsoft.Network/routeTables/rt"
    body = {"location": "westus2", "tags": {"a": "1"}, "properties": {"disableBgpRoutePropagation": True}}
    arm.put(table, body, api=NETWORK)

    arm.put(table, {"location": "westus2"}, api=NETWORK)

    shown = arm.settle(table, api=NETWORK)
    assert "tags" not in shown
    assert shown["properties"]["disableBgpRoutePropagation"] is False


def test_put_of_storage_keeps_what_it_leaves_out(arm: Arm) -> None:
    """Storage treats PUT as PATCH: absent members stay, null clears."""
    group = arm.make_group()
    account = make_account(arm, group, tags={"a": "1"}, properties={"minimumTlsVersion": "TLS1_0"})

    arm.put(account, {**ACCOUNT, "tags": None}, api=STORAGE)

    shown = arm.get(account, api=STORAGE).body
    assert shown["tags"] == {}
    assert shown["properties"]["minimumTlsVersion"] == "TLS1_0"


def test_merge_patch_changes_only_what_it_names(arm: Arm) -> None:
    """PATCH merges objects, removes members that are null, and leaves the rest."""
    group = arm.make_group()
    account = make_account(arm, group, tags={"a": "1", "b": "2"})

    reply = arm.send("PATCH", account, {"tags": {"a": None, "c": "3"}}, api=STORAGE)

    assert reply.status == 200
    assert arm.get(account, api=STORAGE).body["tags"] == {"b": "2", "c": "3"}


def test_patch_of_a_member_it_does_not_take_is_refused(arm: Arm) -> None:
    """PATCH of a type that only takes tags names the member that it does not know."""
    group = arm.make_group()
    network = arm.make_network(group)

    reply = arm.send("PATCH", network, {"properties": {"enableDdosProtection": True}}, api=NETWORK)

    assert (reply.status, reply.code) == (400, "InvalidRequestContent")
    assert "enableDdosProtection" in reply.body["error"]["message"]


def test_delete_of_a_group_takes_everything_with_it(arm: Arm) -> None:
    """Deleting a resource group removes what lies in it, at any depth, when its operation ends."""
    group = arm.make_group()
    network = arm.make_network(group, subnets=("a",))

    reply = arm.delete(group)
    during = arm.get(group)
    assert reply.status == 202
    assert during.body["properties"]["provisioningState"] == "Deleting"
    while arm.get(reply.headers["Location"]).status == 202:
        pass

    assert arm.get(group).status == 404
    assert arm.get(network, api=NETWORK).code == "ResourceGroupNotFound"
    assert arm.get(f"{arm.subscription}/resources").body["value"] == []


def test_delete_of_what_is_gone(arm: Arm) -> None:
    """Deleting a missing tracked resource is 404, a missing proxy child 204, in a missing group 404."""
    group = arm.make_group()
    network = arm.make_network(group)

    tracked = arm.delete(f"{group}/providers/Microsoft.Storage/storageAccounts/none", api=STORAGE)
    proxy = arm.delete(f"{network}/subnets/none", api=NETWORK)
    outside = arm.delete(f"{arm.subscription}/resourceGroups/none/providers/Microsoft.Storage/storageAccounts/x")

    assert (tracked.status, tracked.code) == (404, "ResourceNotFound")
    assert proxy.status == 204
    assert (outside.status, outside.code) == (404, "ResourceGroupNotFound")


def test_head_says_whether_it_exists(arm: Arm) -> None:
    """HEAD answers 204 or 404, without a body."""
    group = arm.make_group()

    there = arm.send("HEAD", group)
    missing = arm.send("HEAD", f"{group}x")

    assert (there.status, there.body) == (204, None)
    assert missing.status == 404


def test_location_cannot_move(arm: Arm) -> None:
    """A PUT with another location is refused; another spelling of the same region is not."""
    group = arm.make_group()
    account = make_account(arm, group)

    moved = arm.put(account, {**ACCOUNT, "location": "eastus"}, api=STORAGE)
    respelled = arm.put(account, {**ACCOUNT, "location": "West US 2"}, api=STORAGE)
    group_moved = arm.put(group, {"location": "eastus"})

    assert (moved.status, moved.code) == (409, "InvalidResourceLocation")
    assert respelled.status == 200
    assert (group_moved.status, group_moved.code) == (409, "InvalidResourceGroupLocation")


def test_create_only_member_cannot_change(arm: Arm) -> None:
    """A change of a member that can only be set at creation is refused with its name."""
    group = arm.make_group()
    service = f"{group}/providers/Microsoft.Communication/communicationServices/c"
    body = {"location": "global", "properties": {"dataLocation": "Europe"}}
    arm.put(service, body, api="2023-04-01")
    arm.settle(service, api="2023-04-01")

    same = arm.put(service, body, api="2023-04-01")
    other = arm.put(service, {"location": "global", "properties": {"dataLocation": "Asia"}}, api="2023-04-01")

    assert same.status < 300
    assert (other.status, other.code) == (409, "PropertyChangeNotAllowed")
    assert other.body["error"]["target"] == "properties.dataLocation"


def test_role_assignment_keeps_its_principal(arm: Arm) -> None:
    """Another principal or role is refused in the words of the authorization service; the same again is taken."""
    assignment = f"{arm.make_group()}/providers/Microsoft.Authorization/roleAssignments/{ROLE_GUID}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE_GUID}"
    principal = {"principalId": "00000000-0000-0000-0000-00000000000a", "principalType": "ServicePrincipal"}
    arm.put(assignment, {"properties": {**principal, "roleDefinitionId": role}}, api="2022-04-01")

    changed = ({**principal, "principalId": ROLE_GUID}, {**principal, "roleDefinitionId": role[:-1] + "9"})
    refused = [arm.put(assignment, {"properties": {"roleDefinitionId": role, **c}}, api="2022-04-01") for c in changed]
    same = {**principal, "roleDefinitionId": f"{arm.subscription}{role}"}

    assert [(r.status, r.code) for r in refused] == [(400, "RoleAssignmentUpdateNotPermitted")] * 2
    assert arm.put(assignment, {"properties": same}, api="2022-04-01").status < 300


def test_etags_guard_writes(arm: Arm) -> None:
    """If-Match with an old etag and If-None-Match on an existing resource are 412; the right etag writes."""
    group = arm.make_group()
    network = arm.make_network(group)
    etag = arm.get(network, api=NETWORK).headers["ETag"]
    body = {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}}

    exists = arm.put(network, body, api=NETWORK, headers={"If-None-Match": "*"})
    good = arm.put(network, body, api=NETWORK, headers={"If-Match": etag})
    stale = arm.put(network, body, api=NETWORK, headers={"If-Match": etag})

    assert exists.status == 412
    assert good.status == 200
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    assert arm.get(network, api=NETWORK).body["etag"] != etag


def test_system_data_names_who_changed_it_last(arm: Arm) -> None:
    """systemData keeps who created a resource and shows who changed it last, also a person."""
    group = arm.make_group()
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv"
    body = {
        "location": "westus2",
        "properties": {"tenantId": arm.emulator.identity.tenant, "sku": {"family": "A", "name": "standard"}},
    }
    arm.put(vault, body, api="2023-07-01")

    arm.put(vault, body, api="2023-07-01", headers={"x-ms-emulator-actor": "ann@contoso.example"})

    shown = arm.get(vault, api="2023-07-01").body["systemData"]
    assert shown["createdBy"] == arm.emulator.identity.client
    assert (shown["lastModifiedBy"], shown["lastModifiedByType"]) == ("ann@contoso.example", "User")


def test_resources_that_come_with_their_parent_exist_at_once(arm: Arm) -> None:
    """The blob service of a storage account is there without having been put, and may be a parent."""
    group = arm.make_group()
    account = make_account(arm, group)

    service = arm.get(f"{account}/blobServices/default", api=STORAGE)
    container = arm.put(f"{account}/blobServices/default/containers/c", {}, api=STORAGE)

    assert service.status == 200
    assert container.status == 201


def test_verbs_a_type_does_not_have_are_405(arm: Arm) -> None:
    """DELETE of a type without DELETE, and GET of one that only knows HEAD, are 405."""
    group = arm.make_group()
    account = make_account(arm, group)
    api = "2022-08-01"
    service = f"{group}/providers/Microsoft.ApiManagement/service/apim"

    no_delete = arm.delete(f"{account}/blobServices/default", api=STORAGE)
    no_get = arm.get(f"{service}/products/p/apis/a", api=api)

    assert no_delete.status == 405
    assert no_get.status == 405


def test_platform_identity_gets_ids_that_stay(arm: Arm) -> None:
    """A system-assigned identity has the same principal after every write, and none once it is taken away."""
    group = arm.make_group()
    account = make_account(arm, group, identity={"type": "SystemAssigned"})
    first = arm.get(account, api=STORAGE).body["identity"]["principalId"]

    arm.put(account, {**ACCOUNT, "identity": {"type": "SystemAssigned"}}, api=STORAGE)
    second = arm.get(account, api=STORAGE).body["identity"]["principalId"]
    arm.put(account, {**ACCOUNT, "identity": {"type": "None"}}, api=STORAGE)

    assert first == second
    assert "principalId" not in arm.get(account, api=STORAGE).body["identity"]


def test_assigned_identities_stay_where_empty_members_are_dropped(arm: Arm) -> None:
    """A cluster's identity is sent as a key with an empty object and reads back with its ids."""
    group = arm.make_group()
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
    cluster = f"{group}/providers/Microsoft.ContainerService/managedClusters/aks"
    arm.put(identity, {"location": "westus2"}, api="2023-01-31")
    pool = {"name": "system", "mode": "System", "count": 1, "vmSize": "Standard_D4s_v5", "nodeTaints": []}
    body = {
        "location": "westus2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": {"dnsPrefix": "a", "agentPoolProfiles": [pool]},
    }

    arm.put(cluster, body, api="2025-08-01")

    shown = arm.get(cluster, api="2025-08-01").body
    assert set(shown["identity"]["userAssignedIdentities"][identity]) == {"principalId", "clientId"}
    assert "nodeTaints" not in shown["properties"]["agentPoolProfiles"][0]
