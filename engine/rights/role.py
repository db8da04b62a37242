"""A custom role as ``az role definition create`` takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.rights.actions import smallest
from engine.rights.needs import Need


def role_definition(name: str, description: str, needs: Iterable[Need], scopes: Sequence[str]) -> dict[str, Any]:
    """Return the document: actions of the control plane alone, sorted, none twice."""
    return {
        "Name": name,
        "IsCustom": True,
        "Description": description,
        "Actions": smallest(need.action for need in needs),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": list(scopes),
    }


def purposes(needs: Iterable[Need], actions: Iterable[str]) -> dict[str, list[str]]:
    """Return for each of the actions that are left what it is for, in the order the needs came."""
    found: dict[str, list[str]] = {action: [] for action in actions}
    by_name = {action.lower(): action for action in found}
    for need in needs:
        action = by_name.get(need.action.lower())
        if action is not None and need.purpose not in found[action]:
            found[action].append(need.purpose)
    return found
