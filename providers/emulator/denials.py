"""Deny assignments: what they refuse, in ARM's words. They exist only where a test or a snapshot put them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from providers.emulator.address import parse_address
from providers.emulator.answer import RefusedError, gateway_error
from providers.emulator.store import Record, Store

DENIALS = "microsoft.authorization/denyassignments"
_EVERYONE = "00000000-0000-0000-0000-000000000000"
_GROUPS = "microsoft.resources/resourcegroups"


def check_denials(store: Store, key: str, action: str) -> None:
    """Check deny assignments at a resource and everything it lies in, for an identity that none excludes.

    Raises:
        RefusedError: 403 DenyAssignmentAuthorizationFailed.
    """
    scope = key
    while scope:
        for record in store.collection(scope, DENIALS):
            if record.parent == scope:
                _check_one(record, key, action, is_own=scope == key)
        scope = parse_address(scope).parent_id.lower() if scope.count("/") > 2 else ""


def action_on(arm_type: str, verb: str) -> str:
    """Return the name of an action as ARM checks it: ``Microsoft.Storage/storageAccounts/write``."""
    is_group = arm_type.lower() == _GROUPS
    return f"{'Microsoft.Resources/subscriptions/resourceGroups' if is_group else arm_type}/{verb}"


def _check_one(record: Record, key: str, action: str, *, is_own: bool) -> None:
    properties = record.value.get("properties", {})
    everyone = any(p.get("id") == _EVERYONE for p in properties.get("principals", ()))
    if not everyone or (properties.get("doNotApplyToChildScopes") and not is_own):
        return
    if any(_denies(p, action) for p in properties.get("permissions", ())):
        raise _refuse(record, properties, key, action)


def _denies(permission: Mapping[str, Any], action: str) -> bool:
    return _fits(permission.get("actions", ()), action) and not _fits(permission.get("notActions", ()), action)


def _fits(patterns: Iterable[str], action: str) -> bool:
    return any(re.fullmatch(".*".join(map(re.escape, p.lower().split("*"))), action.lower()) for p in patterns)


def _refuse(record: Record, properties: Mapping[str, Any], key: str, action: str) -> RefusedError:
    return gateway_error(
        403,
        "DenyAssignmentAuthorizationFailed",
        f"The client has permission to perform action '{action}' on scope '{key}'; however, the access is denied "
        f"because of the deny assignment with name '{properties.get('denyAssignmentName')}' and Id "
        f"'{record.id.rpartition('/')[2]}' at scope '{properties.get('scope') or record.parent}'.",
    )
