"""Roles as Azure checks them: what is allowed where, and how the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator_driver import NETWORK, STORAGE, Arm

VNET = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}


def give(arm: Arm, *actions: str, scope: str = "", client: str = "", taken: tuple[str, ...] = ()) -> None:
    """Give a role with these actions; at the subscription and to everybody, where nothing else is said."""
    role = {"Name": "r", "Actions": list(actions), "NotActions": list(taken), "AssignableScopes": [arm.subscription]}
    document: dict[str, Any] = (
        {"role": role} | ({"scope": scope} if scope else {}) | ({"client": client} if client else {})
    )
    arm.control("POST", "roles", document)


def test_without_a_role_everything_is_allowed(arm: Arm) -> None:
    """Nothing is checked before the first role is given, and nothing after they are taken away."""
    group = arm.make_group()
    give(arm, "Nothing/at/all/read")
    refused = arm.get(group)
    arm.control("DELETE", "roles")

    assert (refused.status, arm.get(group).status) == (403, 200)


def test_a_refusal_names_action_and_scope(arm: Arm) -> None:
    """403 AuthorizationFailed in ARM's words, whether the resource exists or not."""
    group = arm.make_group()
    give(arm, "Microsoft.Resources/subscriptions/resourceGroups/read")
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    identity = arm.emulator.identity

    refused = arm.put(network, VNET, api=NETWORK)

    assert (refused.status, refused.code) == (403, "AuthorizationFailed")
    assert refused.body["error"]["message"] == (
        f"The client '{identity.client}' with object id '{identity.object_id}' does not have authorization to perform "
        f"action 'Microsoft.Network/virtualNetworks/write' over scope '{network}' or the scope is invalid. If access "
        "was recently granted, please refresh your credentials."
    )


@pytest.mark.parametrize(
    ("actions", "taken", "status"),
    [
        (("Microsoft.Network/virtualNetworks/read",), (), 200),
        (("microsoft.network/VIRTUALNETWORKS/Read",), (), 200),
        (("*/read",), (), 200),
        (("Microsoft.Network/*",), (), 200),
        (("*",), ("Microsoft.Network/virtualNetworks/read",), 403),
        (("Microsoft.Network/virtualNetworks/*",), ("*/write",), 200),
        (("Microsoft.Network/virtualNetworks/subnets/read",), (), 403),
        (("Microsoft.Network/virtualNetworks/write",), (), 403),
    ],
)
def test_actions_are_patterns(arm: Arm, actions: tuple[str, ...], taken: tuple[str, ...], status: int) -> None:
    """A star is any text, letter case does not count, and what NotActions name is not allowed."""
    network = arm.make_network(arm.make_group())
    give(arm, *actions, taken=taken)

    assert arm.get(network, api=NETWORK).status == status


def test_a_role_holds_at_its_scope_and_below(arm: Arm) -> None:
    """Given at one group it says nothing of another, nor of the list of the subscription."""
    first, second = arm.make_network(arm.make_group("a")), arm.make_network(arm.make_group("ab"))
    give(arm, "*", scope=f"{arm.subscription}/resourceGroups/a")
    whole = f"{arm.subscription}/providers/Microsoft.Network/virtualNetworks"

    statuses = [arm.get(path, api=NETWORK).status for path in (first, second, whole)]
    listed = arm.get(whole, api=NETWORK).body["error"]["message"]

    assert statuses == [200, 403, 403]
    assert (
        f"'Microsoft.Network/virtualNetworks/read' over scope '{arm.subscription}/providers/Microsoft.Network'"
        in listed
    )


def test_arms_own_lists_hold_what_may_be_read(arm: Arm) -> None:
    """Groups and resources that the caller may not read are not in the lists; nothing is refused for them."""
    first, second = arm.make_group("a"), arm.make_group("b")
    network = arm.make_network(first)
    arm.put(f"{first}/providers/Microsoft.Network/networkSecurityGroups/rules", {"location": "westeurope"}, api=NETWORK)
    give(arm, "Microsoft.Resources/*", scope=first)
    give(arm, "Microsoft.Network/virtualNetworks/read", scope=first)

    groups = [item["id"] for item in arm.get(f"{arm.subscription}/resourcegroups").body["value"]]
    resources = [item["id"] for item in arm.get(f"{first}/resources").body["value"]]

    assert (groups, resources, arm.get(second).status) == ([first], [network], 403)


def test_a_role_is_given_to_one_client(arm: Arm) -> None:
    """What another application was given is nobody else's."""
    group = arm.make_group()
    give(arm, "*", client="00000000-0000-0000-0000-00000000000a")
    refused = arm.get(group).status
    give(arm, "*/read", client=arm.emulator.identity.client)

    assert (refused, arm.get(group).status) == (403, 200)


@pytest.mark.parametrize(
    ("method", "below", "action"),
    [
        ("POST", "/providers/Microsoft.Storage/register", "Microsoft.Storage/register/action"),
        ("GET", "/resources", "Microsoft.Resources/subscriptions/resources/read"),
        ("GET", "/resourceGroups/rg/resources", "Microsoft.Resources/subscriptions/resourceGroups/resources/read"),
        ("GET", "/providers/Microsoft.Authorization/locks", "Microsoft.Authorization/locks/read"),
        ("GET", "/operationresults/abc", "Microsoft.Resources/subscriptions/operationresults/read"),
        ("GET", "/providers/Microsoft.Network/locations/x/operations/1", "Microsoft.Network/locations/operations/read"),
        ("PATCH", "/resourceGroups/rg/providers/Microsoft.Resources/tags/default", "Microsoft.Resources/tags/write"),
        (
            "POST",
            "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a/listKeys",
            "Microsoft.Storage/storageAccounts/listKeys/action",
        ),
    ],
)
def test_names_of_actions(arm: Arm, method: str, below: str, action: str) -> None:
    """Each sort of request has the name that ARM gives it."""
    arm.make_group()
    give(arm, "Nothing/at/all/read")

    refused = arm.send(method, arm.subscription + below, api=STORAGE)

    assert refused.code == "AuthorizationFailed"
    assert f"perform action '{action}'" in refused.body["error"]["message"]


def test_what_a_body_names_takes_a_right_there(arm: Arm) -> None:
    """A subnet that names a security group is refused without the right to join it, in ARM's words."""
    group = arm.make_group()
    network = arm.make_network(group)
    rules = f"{group}/providers/Microsoft.Network/networkSecurityGroups/rules"
    arm.put(rules, {"location": "westeurope"}, api=NETWORK)
    body = {"properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": rules}}}
    give(arm, "Microsoft.Network/virtualNetworks/subnets/write")

    refused = arm.put(f"{network}/subnets/a", body, api=NETWORK)
    give(arm, "Microsoft.Network/networkSecurityGroups/join/action", scope=rules)
    taken = arm.put(f"{network}/subnets/a", body, api=NETWORK)

    assert (refused.status, refused.code, taken.status) == (403, "LinkedAuthorizationFailed", 201)
    assert (
        "has permission to perform action 'Microsoft.Network/virtualNetworks/subnets/write' on scope "
        f"'{network}/subnets/a'; however, it does not have permission to perform action(s) "
        f"'Microsoft.Network/networkSecurityGroups/join/action' on the linked scope(s) '{rules}'"
    ) in refused.body["error"]["message"]


def test_a_role_without_scope_is_refused(arm: Arm) -> None:
    """What is no role is refused, and no role of the list is given."""
    from providers.emulator.gateway import Request
    from tests.emulator_driver import BASE

    for body in (b'{"role": {"Actions": ["*"]}}', b"[1]"):
        answer = arm.emulator.control(Request("POST", "/_emulator/roles", {}, {}, body, BASE))
        assert answer.status == 400

    assert arm.make_group()
