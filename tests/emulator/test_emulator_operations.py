"""Long-running operations in the shapes Azure has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from providers.emulator.options import EmulatorOptions
from tests.emulator_driver import BASE, NETWORK, STORAGE, Arm

ACCOUNT = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
VAULT = {
    "location": "westus2",
    "properties": {"tenantId": "11111111-2222-3333-4444-555555555555", "sku": {"family": "A", "name": "standard"}},
}
POSTGRES = {
    "location": "uksouth",
    "sku": {"name": "Standard_D4s_v3", "tier": "GeneralPurpose"},
    "properties": {"version": "14"},
}
REDIS = {"location": "westus2", "properties": {"sku": {"name": "Basic", "family": "C", "capacity": 0}}}
NETWORK_BODY = {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}


@pytest.mark.parametrize(
    ("kind", "api", "body", "status", "headers", "shown_state"),
    [
        ("Microsoft.Network/virtualNetworks", NETWORK, NETWORK_BODY, 201, {"Azure-AsyncOperation"}, "Updating"),
        (
            "Microsoft.DBforPostgreSQL/flexibleServers",
            "2022-12-01",
            POSTGRES,
            202,
            {"Azure-AsyncOperation", "Location"},
            "",
        ),
        ("Microsoft.Storage/storageAccounts", STORAGE, ACCOUNT, 202, {"Location"}, None),
        ("Microsoft.KeyVault/vaults", "2023-07-01", VAULT, 200, set(), "RegisteringDns"),
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "2023-01-31",
            {"location": "westus2"},
            201,
            {"Location"},
            "",
        ),
        ("Microsoft.Network/routeTables", NETWORK, {"location": "westus2"}, 201, {"Azure-AsyncOperation"}, "Updating"),
    ],
    ids=["async-operation", "both", "location-only", "state-only", "location-of-itself", "route-table"],
)
def test_each_style_of_answer(
    arm: Arm, kind: str, api: str, body: Any, status: int, headers: set[str], shown_state: str | None
) -> None:
    """A create is answered in the style recorded for its type: status, polling headers, state in the body."""
    resource = f"{arm.make_group()}/providers/{kind}/x1"

    reply = arm.put(resource, body, api=api)

    assert reply.status == status
    assert {"Azure-AsyncOperation", "Location"} & set(reply.headers) == headers
    shown = None if reply.body is None else reply.body.get("properties", {}).get("provisioningState", "")
    assert shown == shown_state


def test_async_operation_is_polled_to_its_end(arm: Arm) -> None:
    """The operation says InProgress as often as configured, then Succeeded; the resource follows."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]

    first, second = arm.get(url), arm.get(url)

    assert (first.status, first.body["status"]) == (200, "InProgress")
    assert first.headers["Retry-After"] == "1"
    assert second.body["status"] == "Succeeded"
    assert "Retry-After" not in second.headers
    assert arm.get(resource, api=NETWORK).body["properties"]["provisioningState"] == "Succeeded"


def test_operation_with_succeeded_in_the_body(arm: Arm) -> None:
    """An update of a network announces an operation although its body says Succeeded already."""
    resource = arm.make_network(arm.make_group())

    reply = arm.put(resource, NETWORK_BODY, api=NETWORK)

    assert (reply.status, reply.body["properties"]["provisioningState"]) == (200, "Succeeded")
    assert arm.get(reply.headers["Azure-AsyncOperation"]).body["status"] == "InProgress"


def test_patch_answers_with_codes_of_its_operations(arm: Arm) -> None:
    """A PATCH that is no operation is a 200 with the body, whatever a PUT of the type answers."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/routeTables/rt"
    arm.put(resource, {"location": "westus2"}, api=NETWORK)
    arm.settle(resource, api=NETWORK)

    reply = arm.send("PATCH", resource, {"tags": {"a": "1"}}, api=NETWORK)

    assert (reply.status, reply.body["tags"]) == (200, {"a": "1"})
    assert "Azure-AsyncOperation" not in reply.headers


def test_operation_addresses_look_signed_and_differ(arm: Arm) -> None:
    """Addresses carry a signature of some kilobytes, on ARM's own host."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"

    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]

    assert url.startswith(f"{BASE}/subscriptions/")
    assert len(url) > 2000
    assert all(f"&{name}=" in url for name in "tcsh")


def test_location_poll_ends_with_the_resource(arm: Arm) -> None:
    """A Location poll is 202 with a new address while it runs, then 200 with the resource."""
    resource = f"{arm.make_group()}/providers/Microsoft.Storage/storageAccounts/x1"
    url = arm.put(resource, ACCOUNT, api=STORAGE).headers["Location"]

    running = arm.get(url)
    ended = arm.get(running.headers["Location"])

    assert (running.status, running.body) == (202, None)
    assert (ended.status, ended.body["id"]) == (200, resource)


def test_location_that_names_the_resource_is_relative(arm: Arm) -> None:
    """A user-assigned identity's 201 has a relative Location: there is nothing to poll."""
    resource = f"{arm.make_group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"

    reply = arm.put(resource, {"location": "westus2"}, api="2023-01-31")

    assert reply.headers["Location"].startswith("/subscriptions/")


def test_state_without_header_settles_by_reading(arm: Arm) -> None:
    """A key vault has no operation: reading it again shows when it is done."""
    resource = f"{arm.make_group()}/providers/Microsoft.KeyVault/vaults/x1"
    arm.put(resource, VAULT, api="2023-07-01")

    states = [arm.get(resource, api="2023-07-01").body["properties"]["provisioningState"] for _ in range(3)]

    assert states == ["RegisteringDns", "Succeeded", "Succeeded"]


def test_lists_count_as_looks(arm: Arm) -> None:
    """A client that only lists sees the resource settle too."""
    group = arm.make_group()
    arm.put(f"{group}/providers/Microsoft.Network/virtualNetworks/v", NETWORK_BODY, api=NETWORK)
    listed = f"{group}/providers/Microsoft.Network/virtualNetworks"

    states = [arm.get(listed, api=NETWORK).body["value"][0]["properties"]["provisioningState"] for _ in range(3)]

    assert states[-1] == "Succeeded"


def test_failed_operation_is_a_200_with_status_failed(arm: Arm) -> None:
    """A scripted failure ends with HTTP 200, status Failed and an error; the resource stays in state Failed."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    rule = {
        "match": {"method": "PUT", "path_regex": "virtualNetworks/v$"},
        "operation_fails": {"code": "QuotaExceeded", "message": "No."},
        "polls": 0,
    }
    arm.control("POST", "script", rule)
    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]

    ended = arm.get(url)

    assert (ended.status, ended.body["status"]) == (200, "Failed")
    assert ended.body["error"]["code"] == "QuotaExceeded"
    assert arm.get(resource, api=NETWORK).body["properties"]["provisioningState"] == "Failed"
    again = arm.put(resource, NETWORK_BODY, api=NETWORK)
    assert again.status == 200


def test_failed_create_may_leave_nothing(arm: Arm) -> None:
    """With leaves: nothing a failed create leaves no resource behind."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    arm.control("POST", "script", {"operation_fails": True, "polls": 0, "leaves": "nothing"})
    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]

    arm.get(url)

    assert arm.get(resource, api=NETWORK).status == 404


def test_failed_delete_leaves_the_resource(arm: Arm) -> None:
    """A DELETE whose operation fails changes nothing in the end."""
    resource = arm.make_network(arm.make_group())
    arm.control("POST", "script", {"match": {"method": "DELETE"}, "operation_fails": True, "polls": 0})
    url = arm.delete(resource, api=NETWORK).headers["Azure-AsyncOperation"]

    ended = arm.get(url)

    assert ended.body["status"] == "Failed"
    assert arm.get(resource, api=NETWORK).body["properties"]["provisioningState"] == "Succeeded"


def test_script_sets_how_long_an_operation_runs(arm: Arm) -> None:
    """A rule with polls makes one operation longer."""
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    arm.control("POST", "script", {"match": {"method": "PUT"}, "polls": 3})
    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]

    states = [arm.get(url).body["status"] for _ in range(4)]

    assert states == ["InProgress"] * 3 + ["Succeeded"]


def test_write_while_it_is_being_deleted_is_refused(arm: Arm) -> None:
    """A PUT of a resource that is being deleted is a conflict."""
    resource = arm.make_network(arm.make_group())
    arm.delete(resource, api=NETWORK)

    reply = arm.put(resource, NETWORK_BODY, api=NETWORK)

    assert (reply.status, reply.code) == (409, "Conflict")


def test_busy_network_resource_refuses_another_write(state: Path) -> None:
    """With --busy a write while an operation runs on the same network is AnotherOperationInProgress."""
    arm = Arm(EmulatorOptions(state=state, busy=True))
    network = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    arm.put(network, NETWORK_BODY, api=NETWORK)

    reply = arm.put(f"{network}/subnets/s", {"properties": {"addressPrefix": "10.0.0.0/24"}}, api=NETWORK)

    arm.close()
    assert (reply.status, reply.code) == (409, "AnotherOperationInProgress")


def test_running_operation_survives_a_restart(state: Path) -> None:
    """An operation that ran when the emulator stopped is polled to its end afterwards, at the same address."""
    arm = Arm(EmulatorOptions(state=state))
    resource = f"{arm.make_group()}/providers/Microsoft.Network/virtualNetworks/v"
    url = arm.put(resource, NETWORK_BODY, api=NETWORK).headers["Azure-AsyncOperation"]
    arm.close()

    arm = Arm(EmulatorOptions(state=state))
    states = [arm.get(url).body["status"] for _ in range(2)]
    shown = arm.get(resource, api=NETWORK).body["properties"]["provisioningState"]
    arm.close()

    assert states == ["InProgress", "Succeeded"]
    assert shown == "Succeeded"
