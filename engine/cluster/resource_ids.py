"""An ARM id as expressions see it: ``aso.parseResourceId``."""

from __future__ import annotations

from typing import Any, Final

_TENANT: Final = {"namespace": "Microsoft.Resources", "type": "tenants"}
_SCOPES: Final = {"subscriptions": "subscriptions", "resourcegroups": "resourceGroups"}


def describe_id(text: str) -> dict[str, Any]:
    """Return the parts of an ARM id; empty texts for what it does not have, None for the parent of a tenant.

    Raises:
        ValueError: It is no ARM id.
    """
    segments = text.strip("/").split("/") if text.strip("/") else []
    if not text.startswith("/") or "" in segments:
        raise ValueError(f"{text!r} is no resource id")
    described: dict[str, Any] = {
        "parent": None, "subscriptionId": "", "resourceGroupName": "", "provider": "", "location": "",
        "resourceType": dict(_TENANT), "name": "",
    }  # fmt: skip
    while segments:
        described, segments = _next(described, segments, text)
    return described


def _next(parent: dict[str, Any], segments: list[str], text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the id one level deeper, and what is left of the segments."""
    folded = segments[0].lower()
    if folded == "providers" and len(segments) >= 4:
        kind = {"namespace": segments[1], "type": segments[2]}
        return {**parent, "parent": parent, "provider": "", "resourceType": kind, "name": segments[3]}, segments[4:]
    if folded == "providers" and len(segments) == 2:
        kind = {"namespace": "Microsoft.Resources", "type": "providers"}
        return {**parent, "parent": parent, "provider": segments[1], "resourceType": kind, "name": segments[1]}, []
    if len(segments) < 2 or folded == "providers":
        raise ValueError(f"{text!r} is no resource id: {segments[0]!r} has no name")
    name = segments[1]
    deeper = {**parent, "parent": parent, "name": name, "resourceType": _kind(parent["resourceType"], segments[0])}
    if folded == "subscriptions":
        deeper["subscriptionId"] = name
    elif folded == "resourcegroups":
        deeper["resourceGroupName"] = name
    elif folded == "locations":
        deeper["location"] = name
    return deeper, segments[2:]


def _kind(parent: dict[str, str], segment: str) -> dict[str, str]:
    folded = segment.lower()
    if folded == "resourcegroups" or (folded == "subscriptions" and parent == _TENANT):
        return {"namespace": "Microsoft.Resources", "type": _SCOPES[folded]}
    return {"namespace": parent["namespace"], "type": f"{parent['type']}/{segment}"}
