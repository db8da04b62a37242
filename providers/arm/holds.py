"""Locks and deny assignments as ARM lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.model.document import Document
from engine.model.hold import Denial, HoldKind, Holds, Lock
from engine.model.ids import ApiVersion, ArmId

LISTS: Final = {
    HoldKind.LOCK: ("/providers/Microsoft.Authorization/locks", ApiVersion("2020-05-01")),
    HoldKind.DENIAL: ("/providers/Microsoft.Authorization/denyAssignments", ApiVersion("2022-04-01")),
}
"""Both lists, asked at a scope, hold what was set above, at and below it."""
_EVERYONE: Final = "00000000-0000-0000-0000-000000000000"


def decode_holds(kind: HoldKind, documents: Iterable[Document]) -> Holds:
    """Return what a list holds.

    Raises:
        ValueError: An item is not what ARM documents; nothing is known then.
    """
    try:
        if kind is HoldKind.LOCK:
            return Holds(locks=tuple(_lock(d.value) for d in documents))
        values = [d.value for d in documents]
        return Holds(denials=tuple(_denial(v, p) for v in values for p in v["properties"]["permissions"]))
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise ValueError(f"an item is not as documented: {exc!r}") from exc


def _lock(value: Mapping[str, Any]) -> Lock:
    resource = str(value["id"])
    at = resource.lower().rindex("/providers/microsoft.authorization/locks/")
    level = str(value["properties"]["level"]).lower()
    return Lock(id=resource, scope=ArmId(resource[:at]), is_read_only=level != "cannotdelete")


def _denial(value: Mapping[str, Any], permission: Mapping[str, Any]) -> Denial:
    properties = value["properties"]
    principals = properties.get("principals") or ()
    return Denial(
        id=str(value["id"]),
        name=str(properties.get("denyAssignmentName") or value["id"]),
        scope=ArmId(str(properties["scope"])),
        actions=tuple(permission.get("actions") or ()),
        not_actions=tuple(permission.get("notActions") or ()),
        names_everyone=any(p.get("id") == _EVERYONE for p in principals),
        principals=_names(principals),
        excluded=_names(properties.get("excludePrincipals") or ()),
        children=not properties.get("doNotApplyToChildScopes"),
        conditional=bool(permission.get("condition") or properties.get("condition")),
    )


def _names(principals: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return names as people know them: the type and the name, else the id."""
    return tuple(f"{p.get('type') or 'principal'} {p.get('displayName') or p['id']}" for p in principals)
