"""What Azure asks for beside the right to write: joining what a body names takes a right there, too.

Source: the operations that Azure's resource providers document (``join``, ``assign``, ``peer``). Types are found
without letter case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_JOINED: Final = (
    "Microsoft.App/managedEnvironments",
    "Microsoft.Network/applicationGateways/backendAddressPools",
    "Microsoft.Network/ddosProtectionPlans",
    "Microsoft.Network/dnsForwardingRulesets",
    "Microsoft.Network/dnsResolvers/inboundEndpoints",
    "Microsoft.Network/dnsResolvers/outboundEndpoints",
    "Microsoft.Network/expressRouteCircuits",
    "Microsoft.Network/firewallPolicies",
    "Microsoft.Network/ipGroups",
    "Microsoft.Network/loadBalancers/backendAddressPools",
    "Microsoft.Network/loadBalancers/frontendIPConfigurations",
    "Microsoft.Network/loadBalancers/inboundNatPools",
    "Microsoft.Network/loadBalancers/inboundNatRules",
    "Microsoft.Network/loadBalancers/probes",
    "Microsoft.Network/natGateways",
    "Microsoft.Network/networkInterfaces",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/publicIPPrefixes",
    "Microsoft.Network/routeTables",
    "Microsoft.Network/serviceEndpointPolicies",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/virtualNetworks/subnets",
    "Microsoft.Network/virtualWans",
    "Microsoft.Web/serverFarms",
)
_ACTIONS: Final[Mapping[str, str]] = {
    **{name.lower(): f"{name}/join/action" for name in _JOINED},
    "microsoft.managedidentity/userassignedidentities": (
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
    ),
}
_BY_MEMBER: Final[Mapping[tuple[str, str], str]] = {
    ("microsoft.network/virtualnetworks/subnets", "virtualnetworkrules"): (
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action"
    ),
    ("microsoft.network/virtualnetworks", "remotevirtualnetwork"): "Microsoft.Network/virtualNetworks/peer/action",
    ("microsoft.network/applicationsecuritygroups", "ipconfigurations"): (
        "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action"
    ),
    **{
        ("microsoft.network/applicationsecuritygroups", member): (
            "Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action"
        )
        for member in ("sourceapplicationsecuritygroups", "destinationapplicationsecuritygroups")
    },
}
"""Type that is named and a member on the way to it -> the action, where that decides."""
_ID: Final = re.compile(r"(?i)/subscriptions/[^/]+/(?:.*/)?providers/([^/]+)/((?:[^/]+/[^/]+/)*[^/]+/[^/]+)$")


def linked_actions(body: Any, resource_id: str, arm_type: str) -> Iterator[tuple[str, str]]:
    """Yield each action that a write of this body takes elsewhere, and the id it takes it at.

    What lies within the resource is its own.
    """
    own = resource_id.lower() or "?"
    within = tuple(arm_type.lower().split("/")[1:])
    for members, text in _texts(body, within):
        found = _ID.match(text)
        if found is None or f"{text.lower()}/".startswith(f"{own}/"):
            continue
        action = _action("/".join((found[1], *found[2].split("/")[0::2])).lower(), members)
        if action:
            yield action, text


def joined_actions(arm_type: str) -> tuple[str, ...]:
    """Return every action that others may need at a resource of the type to name it."""
    folded = arm_type.lower()
    by_member = (action for (target, _), action in _BY_MEMBER.items() if target == folded)
    plain = (_ACTIONS[folded],) if folded in _ACTIONS else ()
    return tuple(dict.fromkeys((*plain, *by_member)))


def _action(target: str, members: tuple[str, ...]) -> str:
    special = (action for (name, member), action in _BY_MEMBER.items() if name == target and member in members)
    return next(special, _ACTIONS.get(target, ""))


def _texts(value: Any, members: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text of a body, keys of maps included, with the names of the members that lead to it."""
    if isinstance(value, str):
        yield members, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str):
                yield members, name
                yield from _texts(inner, (*members, name.lower()))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner, members)
