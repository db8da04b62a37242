"""What naming another resource takes there."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.linked_actions import linked_actions

NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network"
OWN = f"{NETWORK}/networkInterfaces/nic"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"subnet": {"id": f"{NETWORK}/virtualNetworks/n/subnets/a"}}, "virtualNetworks/subnets/join/action"),
        ({"remoteVirtualNetwork": {"id": f"{NETWORK}/virtualNetworks/n"}}, "virtualNetworks/peer/action"),
        ({"virtualNetwork": {"id": f"{NETWORK}/VIRTUALNETWORKS/n"}}, "virtualNetworks/join/action"),
        (
            {"ipConfigurations": [{"groups": [{"id": f"{NETWORK}/applicationSecurityGroups/a"}]}]},
            "applicationSecurityGroups/joinIpConfiguration/action",
        ),
        (
            {"sourceApplicationSecurityGroups": [{"id": f"{NETWORK}/applicationSecurityGroups/a"}]},
            "applicationSecurityGroups/joinNetworkSecurityRule/action",
        ),
        (
            {"pool": {"id": f"{NETWORK}/loadBalancers/l/backendAddressPools/p"}},
            "loadBalancers/backendAddressPools/join/action",
        ),
    ],
)
def test_the_member_may_decide(body: dict[str, Any], expected: str) -> None:
    """Each type that is named has its action; where the way of joining differs, the member tells which."""
    found = [action for action, _ in linked_actions(body, OWN, "Microsoft.Network/networkInterfaces")]

    assert found == [f"Microsoft.Network/{expected}"]


@pytest.mark.parametrize(
    "body",
    [
        {"id": f"{OWN}/ipConfigurations/a", "self": OWN.upper()},
        {"workspace": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"},
        {"text": "see /subscriptions/s", "number": 1, "nothing": None},
    ],
)
def test_what_is_not_joined_takes_nothing(body: dict[str, Any]) -> None:
    """The resource itself, types that nobody joins, and texts that are no ids."""
    assert list(linked_actions(body, OWN, "Microsoft.Network/networkInterfaces")) == []
