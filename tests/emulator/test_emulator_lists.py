"""Lists, pages, tags and actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.emulator.options import EmulatorOptions
from tests.emulator_driver import NETWORK, STORAGE, Arm

TAGS = "providers/Microsoft.Resources/tags/default"


def pages(arm: Arm, url: str, api: str) -> list[list[str]]:
    out = []
    while url:
        reply = arm.get(url, api=api)
        assert reply.status == 200, reply.body
        out.append([r["name"] for r in reply.body["value"]])
        url = reply.body.get("nextLink", "")
    return out


def load_tables(arm: Arm, group: str, count: int) -> None:
    lines = [
        f'{{"id":"{group}/providers/Microsoft.Network/routeTables/t{i:02}","api":"{NETWORK}","desired":true,'
        f'"body":{{"location":"westus2","properties":{{}}}}}}'
        for i in range(count)
    ]
    arm.control("POST", "bulk", "\n".join(lines).encode())


def test_long_lists_come_in_pages(state: Path) -> None:
    """nextLink leads through every item once, in a stable order."""
    arm = Arm(EmulatorOptions(state=state, page_size=4))
    group = arm.make_group()
    load_tables(arm, group, 10)

    seen = pages(arm, f"{arm.subscription}/providers/Microsoft.Network/routeTables", NETWORK)

    arm.close()
    assert [len(p) for p in seen] == [4, 4, 2]
    assert [name for page in seen for name in page] == [f"t{i:02}" for i in range(10)]


def test_items_that_appear_between_pages_do_not_shift_them(state: Path) -> None:
    """A page begins behind the last item of the one before, whatever was added or removed meanwhile."""
    arm = Arm(EmulatorOptions(state=state, page_size=2))
    group = arm.make_group()
    load_tables(arm, group, 4)
    first = arm.get(f"{group}/providers/Microsoft.Network/routeTables", api=NETWORK)

    arm.settle_delete(f"{group}/providers/Microsoft.Network/routeTables/t00", api=NETWORK)
    second = arm.get(first.body["nextLink"])

    arm.close()
    assert [r["name"] for r in second.body["value"]] == ["t02", "t03"]


def test_group_and_subscription_lists_hold_whole_bodies(arm: Arm) -> None:
    """Both lists answer what GET answers."""
    group = arm.make_group()
    network = arm.make_network(group, subnets=("a",))
    other = arm.make_network(arm.make_group("other"), "second")

    in_group = arm.get(f"{group}/providers/Microsoft.Network/virtualNetworks", api=NETWORK).body["value"]
    in_all = arm.get(f"{arm.subscription}/providers/Microsoft.Network/virtualNetworks", api=NETWORK).body["value"]

    assert in_group == [arm.get(network, api=NETWORK).body]
    assert sorted(r["id"] for r in in_all) == sorted([network, other])


def test_generic_list_has_no_properties(arm: Arm) -> None:
    """/resources names everything that has a location, without properties, and filters by type."""
    group = arm.make_group()
    arm.make_network(group, subnets=("a",))
    load_tables(arm, group, 1)

    everything = arm.get(f"{group}/resources").body["value"]
    tables = arm.get(f"{group}/resources?$filter=resourceType eq 'Microsoft.Network/routeTables'").body["value"]

    assert sorted(r["type"] for r in everything) == [
        "Microsoft.Network/routeTables",
        "Microsoft.Network/virtualNetworks",
    ]
    assert all("properties" not in r for r in everything)
    assert [r["name"] for r in tables] == ["t00"]


def test_scopes_without_a_list_are_refused(arm: Arm) -> None:
    """A child type has no list at the subscription."""
    reply = arm.get(f"{arm.subscription}/providers/Microsoft.ApiManagement/service/apis", api="2022-08-01")

    assert reply.status in (400, 404)


def test_record_sets_of_a_zone_are_listed_together(arm: Arm) -> None:
    """dnsZones/x/all holds records of every type."""
    zone = f"{arm.make_group()}/providers/Microsoft.Network/dnsZones/a.example"
    arm.put(zone, {"location": "global"}, api="2018-05-01")
    arm.put(f"{zone}/A/www", {"properties": {"TTL": 60, "ARecords": []}}, api="2018-05-01")
    arm.put(f"{zone}/CNAME/w", {"properties": {"TTL": 60, "CNAMERecord": {"cname": "a"}}}, api="2018-05-01")

    reply = arm.get(f"{zone}/all", api="2018-05-01")

    assert [r["name"] for r in reply.body["value"]] == ["www", "w"]


def test_extension_resources_are_listed_at_their_target(arm: Arm) -> None:
    """Role assignments of a group are listed at the group, with those above it."""
    group = arm.make_group()
    name = "2b7e1a9c-0000-4000-8000-000000000001"
    assignment = f"{group}/providers/Microsoft.Authorization/roleAssignments/{name}"
    role = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    arm.put(assignment, {"properties": {"principalId": name, "roleDefinitionId": role}}, api="2022-04-01")

    at_group = arm.get(f"{group}/providers/Microsoft.Authorization/roleAssignments", api="2022-04-01")
    elsewhere = arm.get(f"{arm.make_group('b')}/providers/Microsoft.Authorization/roleAssignments", api="2022-04-01")

    assert [r["name"] for r in at_group.body["value"]] == [name]
    assert elsewhere.body["value"] == []


def test_built_in_roles_are_found_by_name(arm: Arm) -> None:
    """A role definition is found by its display name, in any letter case."""
    scope = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions"

    reply = arm.get(f"{scope}?$filter=roleName eq 'storage blob data contributor'", api="2022-04-01")

    assert [r["name"] for r in reply.body["value"]] == ["ba92f5b4-2d11-453d-a403-e96b0029c9fe"]


@pytest.mark.parametrize(
    ("operation", "given", "left"),
    [
        ("Merge", {"A": "9", "c": "3"}, {"a": "9", "b": "2", "c": "3"}),
        ("Replace", {"c": "3"}, {"c": "3"}),
        ("Delete", {"a": "1"}, {"b": "2"}),
        ("Delete", {"a": "other"}, {"a": "1", "b": "2"}),
    ],
)
def test_tags_operations(arm: Arm, operation: str, given: dict[str, str], left: dict[str, str]) -> None:
    """Merge keeps, Replace replaces, Delete removes pairs that match; names meet without letter case."""
    group = arm.make_group(tags={"a": "1", "b": "2"})
    etag = arm.get(group).headers.get("ETag")

    reply = arm.send("PATCH", f"{group}/{TAGS}", {"operation": operation, "properties": {"tags": given}})

    assert reply.body["properties"]["tags"] == left
    assert arm.get(group).body["tags"] == left
    assert arm.get(group).headers.get("ETag") == etag


def test_keys_stay_until_they_are_regenerated(arm: Arm) -> None:
    """listKeys gives the same keys each time; regenerateKey changes one of them."""
    account = f"{arm.make_group()}/providers/Microsoft.Storage/storageAccounts/a1"
    body = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    arm.put(account, body, api=STORAGE)

    early = arm.send("POST", f"{account}/listKeys", api=STORAGE)
    arm.settle(account, api=STORAGE)
    first = arm.send("POST", f"{account}/listKeys", api=STORAGE).body["keys"]
    second = arm.send("POST", f"{account}/listKeys", api=STORAGE).body["keys"]
    third = arm.send("POST", f"{account}/regenerateKey", {"keyName": "key1"}, api=STORAGE).body["keys"]

    assert (early.status, early.code) == (409, "StorageAccountIsNotProvisioned")
    assert first == second
    assert third[0]["value"] != first[0]["value"]
    assert third[1] == first[1]


def test_unknown_action_is_refused(arm: Arm) -> None:
    """An action the type does not have is not found."""
    network = arm.make_network(arm.make_group())

    reply = arm.send("POST", f"{network}/dance", {}, api=NETWORK)

    assert reply.status == 404


def test_own_lists_of_arm(arm: Arm) -> None:
    """Subscriptions, locations and providers are there, and a provider can be registered."""
    subscriptions = arm.get("/subscriptions", api="2022-12-01").body["value"]
    regions = {
        r["name"]: r["displayName"] for r in arm.get(f"{arm.subscription}/locations", api="2022-12-01").body["value"]
    }
    arm.send("POST", f"{arm.subscription}/providers/Microsoft.Cache/unregister")
    provider = arm.get(f"{arm.subscription}/providers/Microsoft.Cache").body

    assert [s["id"] for s in subscriptions] == [arm.subscription]
    assert regions["westus2"] == "West US 2"
    assert provider["registrationState"] == "NotRegistered"
    assert "Redis" in [t["resourceType"] for t in provider["resourceTypes"]] or "redis" in str(
        provider["resourceTypes"]
    )
