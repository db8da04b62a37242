"""Children that are also members of their parent's body: subnets, rules, routes, node pools.

A PUT of the parent creates, replaces and removes them; a PUT of the child shows up in the parent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MARKS = frozenset({"id", "name", "type", "etag"})


@dataclass(frozen=True, slots=True)
class InlineList:
    """One list of a parent's ``properties``.

    Attributes:
        child: Last segment of the child's type.
        is_flat: Elements hold the child's properties directly.
        keeps_others: A PUT of the parent leaves children alone that it does not name.
    """

    member: str
    child: str
    is_flat: bool = False
    keeps_others: bool = False


_TABLE: Mapping[str, tuple[InlineList, ...]] = {
    "microsoft.network/virtualnetworks": (
        InlineList("subnets", "subnets"),
        InlineList("virtualNetworkPeerings", "virtualNetworkPeerings"),
    ),
    "microsoft.network/networksecuritygroups": (InlineList("securityRules", "securityRules"),),
    "microsoft.network/routetables": (InlineList("routes", "routes"),),
    "microsoft.network/loadbalancers": (InlineList("inboundNatRules", "inboundNatRules"),),
    "microsoft.network/expressroutecircuits": (
        InlineList("authorizations", "authorizations"),
        InlineList("peerings", "peerings"),
    ),
    "microsoft.network/routefilters": (InlineList("rules", "routeFilterRules"),),
    "microsoft.containerservice/managedclusters": (
        InlineList("agentPoolProfiles", "agentPools", is_flat=True, keeps_others=True),
    ),
}


def inline_lists(arm_type: str) -> tuple[InlineList, ...]:
    """Return the lists of a type whose elements are resources."""
    return _TABLE.get(arm_type.lower(), ())


def inline_list_of(child_type: str) -> InlineList | None:
    """Return the parent's list in which a child shows up; None for types that do not."""
    parent, _, child = child_type.rpartition("/")
    return next((i for i in inline_lists(parent) if i.child.lower() == child.lower()), None)


def take_children(inline: InlineList, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and body of every child in a parent's body; elements without a name are left out."""
    properties = body.get("properties")
    elements = properties.get(inline.member) if isinstance(properties, dict) else None
    for element in elements if isinstance(elements, list) else ():
        if not isinstance(element, dict) or not isinstance(element.get("name"), str) or not element["name"]:
            continue
        if inline.is_flat:
            yield element["name"], {"properties": {k: v for k, v in element.items() if k not in _MARKS}}
        else:
            yield element["name"], {k: v for k, v in element.items() if k not in _MARKS}


def has_list(inline: InlineList, body: Mapping[str, Any]) -> bool:
    """Whether a body says anything about the list."""
    properties = body.get("properties")
    return isinstance(properties, dict) and properties.get(inline.member) is not None


def without_lists(arm_type: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body without its inline children."""
    members = {i.member for i in inline_lists(arm_type)}
    properties = body.get("properties")
    if not members or not isinstance(properties, dict):
        return dict(body)
    return {**body, "properties": {k: v for k, v in properties.items() if k not in members}}


def element_of(inline: InlineList, child: dict[str, Any]) -> dict[str, Any]:
    """Return the element that a child's body is in its parent's list."""
    if inline.is_flat:
        return {"name": child["name"], **child.get("properties", {})}
    return child
