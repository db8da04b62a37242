"""What is sent for a difference: the request, its headers and its body as Azure gets them."""

from __future__ import annotations

import pytest

from tests.verbs_desk import Desk, Object, group, make_object

pytestmark = pytest.mark.loopback

ROLE = "/providers/Microsoft.Authorization/roleDefinitions/11111111-2222-3333-4444-555555555555"
ASSIGNMENT = "99999999-8888-7777-6666-555555555555"


def assignment(owner: str, principal: str) -> Object:
    """Return a role assignment on a group."""
    spec = {
        "azureName": ASSIGNMENT,
        "owner": {"group": "resources.azure.com", "kind": "ResourceGroup", "name": owner},
        "principalId": principal,
        "principalType": "ServicePrincipal",
        "roleDefinitionReference": {"armId": ROLE},
    }
    return make_object("RoleAssignment", "authorization/v1api20220401", "reader", spec)


def test_another_principal_is_a_replace_and_never_a_refused_put(desk: Desk) -> None:
    """Azure gives no role assignment to somebody else: the plan blocks it, and --allow-replace makes it anew."""
    first, second = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
    desk.write(group(desk.name), assignment(desk.name, first))
    desk.apply()
    desk.write(group(desk.name), assignment(desk.name, second))

    held = desk.plan()
    desk.apply("--allow-replace", "reader")

    assert (held.code, held.step("reader")["reason"]) == (4, "ImmutableChange")
    assert "properties.principalId" in held.step("reader")["detail"]
    assert [w.split()[0] for w in desk.azure.writes] == ["DELETE", "PUT"]
    desk.check_clean()
