"""Locks and deny assignments in a snapshot file."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from engine.model.hold import Denial, HoldKind, Holds, Lock, Unread
from engine.model.ids import ArmId


def holds_json(holds: Holds) -> dict[str, Any]:
    """Return them as plain JSON values."""
    return {
        "locks": [_plain(one) for one in holds.locks],
        "denials": [_plain(one) for one in holds.denials],
        "unread": [_plain(one) for one in holds.unread],
    }


def decode_holds(value: dict[str, Any]) -> Holds:
    """Return what ``holds_json`` made.

    Raises:
        KeyError, TypeError, ValueError: It is something else.
    """
    return Holds(
        locks=tuple(Lock(**_members(Lock, one)) for one in value["locks"]),
        denials=tuple(Denial(**_members(Denial, one)) for one in value["denials"]),
        unread=tuple(Unread(**_members(Unread, one) | {"kind": HoldKind(one["kind"])}) for one in value["unread"]),
    )


def _plain(one: Lock | Denial | Unread) -> dict[str, Any]:
    return asdict(one) | {"scope": one.scope.text}


def _members(kind: type[Lock | Denial | Unread], one: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a value has, in the types it takes."""
    known = {f.name for f in fields(kind)}
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in one.items() if k in known}
    return plain | {"scope": ArmId(one["scope"])}
