"""Where a place in the spec lies in the ARM body, and the other way round. For messages and reports only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.model.path import ByKey, FieldPath, Segment
from schemas.kind_types import Kind, ListType, MapType, Member, ObjectType, RuledType, TypeExpr


def body_path_of(kind: Kind, spec_path: FieldPath) -> FieldPath | None:
    """Return the place in the ARM body of a place below ``/spec``; None for what is not sent.

    A place inside a list that becomes a map by id is the map: its keys are not known by position.
    """
    expr: TypeExpr = kind.spec
    out: list[Segment] = []
    for segment in spec_path.segments[1:]:
        expr = expr.base if isinstance(expr, RuledType) else expr
        if isinstance(expr, ObjectType):
            member = expr.members.get(str(segment))
            if member is None or member.place is None:
                return None
            out.extend(member.place)
            if member.is_id_map:
                break
            expr = member.type
        elif isinstance(expr, ListType | MapType):
            out.append(segment)
            expr = expr.item
    return FieldPath(tuple(out))


def spec_path_of(kind: Kind, spec: Any, body_path: FieldPath) -> FieldPath | None:
    """Return the place in the object (``/spec/...``) of a place in the ARM body.

    Args:
        kind: The object's kind.
        spec: The object's spec, which decides between variants and alternatives.
        body_path: Place in the ARM body.

    Returns:
        The place, or of the nearest container that the spec has a member for; None when the spec cannot say it.
    """
    out = _descend(kind.spec, spec, body_path.segments)
    return FieldPath(("spec", *out)) if out is not None else None


def _descend(expr: TypeExpr, value: Any, rest: Sequence[Segment]) -> tuple[Segment, ...] | None:
    if not rest:
        return ()
    if isinstance(expr, RuledType):
        return _descend(expr.base, value, rest)
    if isinstance(expr, ListType | MapType):
        inner = _descend(expr.item, _item(value, rest[0]), rest[1:])
        return (rest[0], *inner) if inner is not None else None
    if isinstance(expr, ObjectType):
        return _descend_object(expr, value if isinstance(value, dict) else {}, rest)
    return ()


def _descend_object(expr: ObjectType, value: dict[str, Any], rest: Sequence[Segment]) -> tuple[Segment, ...] | None:
    names = tuple(str(s).lower() for s in rest)
    ranked = sorted(expr.members.values(), key=lambda m: (value.get(m.name) is None, m.name))
    for member in ranked:
        if member.place is None or (member.place == () and value.get(member.name) is None):
            continue
        place = tuple(s.lower() for s in member.place)
        if names[: len(place)] == place:
            inner = _inside(member, value.get(member.name), rest[len(place) :])
            if inner is not None:
                return (member.name, *inner)
        elif place[: len(names)] == names:
            return ()
    return None


def _inside(member: Member, value: Any, rest: Sequence[Segment]) -> tuple[Segment, ...] | None:
    return () if member.is_id_map else _descend(member.type, value, rest)


def _item(value: Any, segment: Segment) -> Any:
    index = segment.index if isinstance(segment, ByKey) else segment
    if isinstance(value, list):
        position = int(index) if str(index).isdigit() else -1
        return value[position] if 0 <= position < len(value) else None
    return value.get(str(index)) if isinstance(value, dict) else None
