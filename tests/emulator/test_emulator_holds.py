"""Locks and deny assignments as ARM keeps them."""

from __future__ import annotations

import pytest

from tests.emulator_driver import Arm

API = "2024-03-01"
LOCKS = "providers/Microsoft.Authorization/locks"
DENIALS = "providers/Microsoft.Authorization/denyAssignments"
EVERYONE = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}


def deny(arm: Arm, scope: str, *actions: str, **properties: object) -> None:
    """Put a deny assignment there, as only Azure's own services can."""
    resource = f"{scope}/{DENIALS}/11111111-2222-3333-4444-555555555555"
    permissions = [{"actions": list(actions), "notActions": []}]
    held = {"denyAssignmentName": "stack", "permissions": permissions, "scope": scope, "principals": [EVERYONE]}
    body = {"id": resource, "name": resource.rpartition("/")[2], "properties": held | properties}
    arm.control("POST", "bulk", {"id": resource, "api": "2022-04-01", "body": body})


@pytest.mark.parametrize("where", ["subscription", "group", "resource"])
def test_lock_of_a_resource_is_in_every_list_above_it(arm: Arm, where: str) -> None:
    """The list of a subscription or group holds the locks of what lies in it."""
    group = arm.make_group()
    network = arm.make_network(group)
    arm.put(f"{network}/{LOCKS}/keep", {"properties": {"level": "CanNotDelete"}}, api="2020-05-01")
    scope = {"subscription": arm.subscription, "group": group, "resource": network}[where]

    found = arm.get(f"{scope}/{LOCKS}", api="2020-05-01").body["value"]
    elsewhere = arm.get(f"{arm.make_group('b')}/{LOCKS}", api="2020-05-01").body["value"]

    assert ([each["id"] for each in found], elsewhere) == ([f"{network}/{LOCKS}/keep"], [])


def test_deny_assignment_refuses_what_it_denies(arm: Arm) -> None:
    """403 with the action and the assignment's name; other actions go through, and reads always do."""
    group = arm.make_group()
    network = arm.make_network(group)
    deny(arm, group, "*/delete")

    refused = arm.delete(network, api=API)

    assert (refused.status, refused.code) == (403, "DenyAssignmentAuthorizationFailed")
    message = refused.body["error"]["message"]
    assert "Microsoft.Network/virtualNetworks/delete" in message
    assert "'stack'" in message
    assert arm.get(network, api=API).status == 200
    assert arm.make_network(group, "other")
    assert [d["properties"]["scope"] for d in arm.get(f"{group}/{DENIALS}", api="2022-04-01").body["value"]] == [group]


def test_deny_assignment_for_the_scope_alone_leaves_what_lies_below(arm: Arm) -> None:
    """doNotApplyToChildScopes holds the group and nothing in it."""
    group = arm.make_group()
    network = arm.make_network(group)
    deny(arm, group, "*", doNotApplyToChildScopes=True)

    assert arm.delete(network, api=API).status < 300
    assert arm.delete(group).code == "DenyAssignmentAuthorizationFailed"
