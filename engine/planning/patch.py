"""The merge patch of the members that differ, where the type's PATCH takes them all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from engine.model.change import ChangeKind, FieldChange, Suppressed
from engine.model.document import ABSENT, UNKNOWN, Body
from engine.model.path import Segment
from engine.planning.carry import CARRIED_RULES
from engine.planning.finding import Finding
from engine.planning.soft_delete import choose_mode, lookup
from engine.planning.tags import is_tag, whole_tags
from schemas import arm
from schemas.behaviours import lookup_behaviour
from schemas.nodes import Node, ObjectNode, UnionNode
from schemas.operations import PatchFacts, TypeOperations


def plan_patch_body(
    finding: Finding, operations: TypeOperations | None, *, refused: Collection[str] = ()
) -> Body | None:
    """Return a merge patch of the changed members, or None when only a PUT does it.

    Lists go whole, null removes, tags go whole, and a member that tells what kind of object it stands in goes along:
    without it a service reads an object of the basic kind and drops what that does not have.

    Args:
        finding: What differs.
        operations: What the type's PATCH takes; None where that is not known.
        refused: Members, as names joined by dots, that Azure did not take in a PATCH.
    """
    desired = finding.desired
    facts = operations.patch_for(desired.api_version) if operations is not None else None
    if facts is None:
        return None
    body: Body = {}
    for change in finding.diff.changes:
        segments = ("tags",) if is_tag(change.path) else change.path.segments
        where = _up_to_list(segments)
        if not facts.accepts(names_of(segments)) or any(_is_within(where, r) for r in refused):
            return None
        if segments != ("tags",) and not _place(body, where, change, finding):
            return None
        if segments == ("tags",):
            body["tags"] = whole_tags(finding)
    if has_unknown(body):
        return None
    found = arm.lookup_nearest(desired.arm_type, desired.api_version)
    if found is not None:
        _tell_kinds(body, desired.body, found.type.body, facts)
    behaviour = lookup_behaviour(desired.arm_type)
    if behaviour is not None and behaviour.soft_delete is not None:
        body = choose_mode(body, behaviour.soft_delete, found=False)
    return body


def _place(body: Body, where: tuple[str, ...], change: FieldChange, finding: Finding) -> bool:
    """Put the desired value at the place into the patch; False when a merge patch cannot say it."""
    value = lookup(finding.desired.body, where)
    in_list = len(where) < len(change.path.segments)
    if in_list and _hides_elements(where, finding.diff.suppressed):
        return False
    if value is ABSENT:
        value = None
    elif isinstance(value, Mapping) and change.kind is ChangeKind.CHANGE and _shrinks(value, change.before):
        return False
    at = body
    for name in where[:-1]:
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            return True
    at[where[-1]] = value
    return True


def _tell_kinds(patch: Body, desired: Any, node: Node, facts: PatchFacts, path: tuple[str, ...] = ()) -> None:
    """Add the discriminator of every object on the way, in place; objects that are sent whole have it already."""
    if not isinstance(desired, Mapping):
        return
    if isinstance(node, UnionNode):
        name = node.discriminator
        kind = desired.get(name, ABSENT)
        if kind is not ABSENT and facts.knows((*path, name)):
            patch.setdefault(name, kind)
        node = node.select(kind)
    if not isinstance(node, ObjectNode):
        return
    for name, value in patch.items():
        member = node.find(name)
        inner = member.node if member is not None else node.additional
        if inner is not None and isinstance(value, dict) and value is not desired.get(name):
            _tell_kinds(value, desired.get(name), inner, facts, (*path, name))


def _is_within(where: tuple[str, ...], refused: str) -> bool:
    names = tuple(refused.lower().split("."))
    return tuple(n.lower() for n in where[: len(names)]) == names


def _shrinks(after: Mapping[str, Any], before: object) -> bool:
    """Whether a merge would leave members behind that the desired object does not have."""
    return isinstance(before, Mapping) and not set(before) <= set(after)


def _hides_elements(where: tuple[str, ...], suppressed: Iterable[Suppressed]) -> bool:
    """Whether Azure holds something in the list that a merge patch of the desired list would undo."""
    below = (s for s in suppressed if _up_to_list(s.path.segments) == where != s.path.segments)
    return any(s.after is ABSENT or s.rule in CARRIED_RULES for s in below)


def _up_to_list(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    """Return the leading member names: a merge patch replaces lists as a whole."""
    out: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
            break
        out.append(segment)
    return tuple(out)


def names_of(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    """Return the place as REST facts write it: member names, ``[]`` for any element."""
    return tuple(s if isinstance(s, str) else "[]" for s in segments)


def has_unknown(value: Any) -> bool:
    """Whether a body holds a value that is not known yet, at any depth."""
    if isinstance(value, Mapping):
        return any(has_unknown(v) for v in value.values())
    if isinstance(value, list):
        return any(has_unknown(v) for v in value)
    return value is UNKNOWN
