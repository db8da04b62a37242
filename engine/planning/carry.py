"""What lives in Azure and must survive a PUT of the desired body."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.compare.leaving import RULE as LEFT
from engine.model.change import Suppressed
from engine.model.document import ABSENT, Body
from engine.model.path import ByKey, Segment
from schemas.behaviour_types import Behaviour

CARRIED_RULES = frozenset({"owned", "ignore", LEFT, "moved-by-azure", "no-opinion", "shared-list"})
"""Suppressions whose live value a PUT must send back, or it would undo what the rule promised to leave alone."""
HELD_BACK = frozenset({"ignore", LEFT})
"""What is missing in Azure at such a place stays missing: a request leaves it out."""


def carry_over(
    desired: Body,
    actual: Any,
    suppressed: Iterable[Suppressed],
    behaviour: Behaviour | None,
    *,
    removed: Collection[tuple[Segment, ...]] = (),
) -> Body:
    """Return the body to PUT: desired, with children and live values of Azure put back.

    Args:
        desired: Body as converted; not changed.
        actual: Body as read; None when the resource does not exist.
        suppressed: Receipts of the comparison; those in ``CARRIED_RULES`` keep Azure's value.
        behaviour: What the type needs: child lists that a PUT without them would empty, members it would set anew.
        removed: Places that the plan removes: they stay away.
    """
    if not isinstance(actual, Mapping):
        return desired
    body: Body = desired
    suppressed = tuple(suppressed)
    children = [c.path for c in behaviour.carried if c.path not in removed] if behaviour is not None else []
    kept = [path for path in behaviour.kept if path not in removed] if behaviour is not None else []
    live = [s for s in suppressed if s.rule in CARRIED_RULES and s.held is not ABSENT]
    gone = [s for s in suppressed if s.rule in HELD_BACK and s.held is ABSENT and s.path.segments]
    if children or kept or live or gone:
        body = copy.copy(desired)
    for path in children:
        if _carry_children(body, actual, path, removed):
            live = [s for s in live if s.path.segments[:-1] != path]
    for path in kept:
        _keep_member(body, actual, path)
    for receipt in live:
        _carry_value(body, receipt.path.segments, receipt)
    # From the back, so that positions of elements still to be left out stay true.
    for receipt in sorted(gone, key=lambda s: s.path.sort_key(), reverse=True):
        _leave_out(body, receipt.path.segments)
    return body


def _carry_children(
    body: Body, actual: Mapping[str, Any], path: tuple[str, ...], removed: Collection[tuple[Segment, ...]]
) -> bool:
    """Put the child list that Azure holds, without what is removed, into a body that has none of its own."""
    held: Any = actual
    for name in path:
        held = held.get(name) if isinstance(held, Mapping) else None
    parent = _open(body, path[:-1]) if isinstance(held, list) and held else None
    if parent is None or parent.get(path[-1]):
        return False
    gone = {_index_of(place[-1]) for place in removed if place[:-1] == path}
    parent[path[-1]] = [element for n, element in enumerate(held) if n not in gone]
    return True


def _index_of(segment: Segment) -> Segment:
    return segment.index if isinstance(segment, ByKey) else segment


def _keep_member(body: Body, actual: Any, path: tuple[str, ...]) -> None:
    """Put a member of Azure into a body that says nothing about it, of list elements into those of the same name."""
    name, *rest = path
    if not isinstance(actual, Mapping) or actual.get(name) is None:
        return
    if not rest:
        if body.get(name) is None:
            body[name] = actual[name]
    elif rest[0] == "[]" and isinstance(body.get(name), list):
        held = {e["name"]: e for e in actual[name] if isinstance(e, Mapping) and "name" in e}
        body[name] = [copy.copy(e) if isinstance(e, dict) else e for e in body[name]]
        for element in body[name]:
            if isinstance(element, dict):
                _keep_member(element, held.get(element.get("name")), tuple(rest[1:]))
    elif isinstance(body.get(name), dict):
        body[name] = copy.copy(body[name])
        _keep_member(body[name], actual[name], tuple(rest))


def _carry_value(body: Body, segments: tuple[Segment, ...], receipt: Suppressed) -> None:
    """Set Azure's value at the receipt's place; an element that only Azure has is appended."""
    last = segments[-1]
    parent = _open(body, segments[:-1])
    if isinstance(parent, dict) and isinstance(last, str):
        parent[last] = receipt.held
    elif isinstance(parent, list):
        index = last.index if isinstance(last, ByKey) else int(last)
        if receipt.after is ABSENT:
            parent.append(receipt.held)
        elif index < len(parent):
            parent[index] = receipt.held


def _leave_out(body: Body, segments: tuple[Segment, ...]) -> None:
    """Take the member or element at the place out of the body."""
    last = segments[-1]
    parent = _open(body, segments[:-1])
    if isinstance(parent, dict) and isinstance(last, str):
        parent.pop(last, None)
    elif isinstance(parent, list) and not isinstance(last, str):
        index = last.index if isinstance(last, ByKey) else last
        del parent[index : index + 1]


def _open(body: Body, segments: tuple[Segment, ...]) -> Any:
    """Walk to the container at the place, copying each level on the way; None when the way ends."""
    at: Any = body
    for segment in segments:
        key: Any = segment if isinstance(segment, str) else segment.index if isinstance(segment, ByKey) else segment
        if isinstance(at, dict):
            held = at.get(key)
            at[key] = copy.copy(held) if held is not None else {}
        elif isinstance(at, list) and isinstance(key, int) and key < len(at):
            at[key] = copy.copy(at[key])
        else:
            return None
        at = at[key]
    return at


def find_key(mapping: Mapping[str, Any], key: str) -> str | None:
    """Return the key as the mapping spells it, compared without letter case; None when it has none."""
    lowered = key.lower()
    return next((k for k in mapping if k.lower() == lowered), None)
