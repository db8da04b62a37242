"""What a status can show of an ARM body: the way back from ``convert_status``, and which places it covers.

A status leaves out what its type lacks and spells some values anew. Two bodies seen through the same status type can be
compared exactly; of places it does not cover nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from engine.desired.converter import Converter, Makers, keep, make_converter
from engine.desired.status import convert_status
from engine.model.document import Body
from engine.model.path import Segment
from schemas.kind_types import Kind, ListType, MapType, Member, ObjectType, RuledType, Scalar, Special, TypeExpr


class StatusView:
    """ARM bodies as the status of one kind shows them."""

    __slots__ = ("_kind",)

    def __init__(self, kind: Kind) -> None:
        """Look through the status type of an ARM kind."""
        self._kind = kind

    def project(self, body: Body) -> Body:
        """Return what is left of an ARM body after it was a status; list positions stay."""
        return body_of_status(self._kind, convert_status(self._kind, body))

    def shows(self, place: Sequence[Segment]) -> bool:
        """Whether the status type has a member for a place in an ARM body, at least for a part of it."""
        return _shows(self._kind.status, tuple(place))


def body_of_status(kind: Kind, status: Mapping[str, Any]) -> Body:
    """Return the part of the ARM body that a status holds.

    Args:
        kind: The object's kind.
        status: As stored; not changed, parts of it may be shared with the result. Conditions are left out.
    """
    body = _compile(kind.status)(status)
    return body if isinstance(body, dict) else {}


@cache
def _compile(expr: TypeExpr) -> Converter:
    return make_converter(expr, _MAKERS, _compile)


def _compile_list(item: Converter) -> Converter:
    return lambda value: [item(element) for element in value] if isinstance(value, list) else value


def _compile_map(item: Converter) -> Converter:
    return lambda value: {k: item(v) for k, v in value.items()} if isinstance(value, dict) else value


def _compile_object(expr: ObjectType) -> Converter:
    writers = {m.name: (m.place, _compile(m.type)) for m in expr.members.values() if m.place is not None}

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        out: Body = {}
        for name, item in value.items():
            place, write = writers.get(name, (None, keep))
            if place is not None and item is not None:
                _put(out, place, write(item))
        return out

    return convert


def _put(out: Body, place: tuple[str, ...], item: Any) -> None:
    """Set the value at its place; a union's variant becomes part of the object itself."""
    for name in place[:-1]:
        held = out.get(name)
        out[name] = out = held if isinstance(held, dict) else {}
    if place:
        held = out.get(place[-1])
        out[place[-1]] = {**held, **item} if isinstance(held, dict) and isinstance(item, dict) else item
    elif isinstance(item, dict):
        for name, inner in item.items():
            _put(out, (name,), inner)


def _shows(expr: TypeExpr, rest: tuple[Segment, ...]) -> bool:
    if isinstance(expr, RuledType):
        return _shows(expr.base, rest)
    if isinstance(expr, Special):
        return False
    if not rest or expr is Scalar.ANY:
        return True
    if isinstance(expr, ListType | MapType):
        return _shows(expr.item, rest[1:])
    return isinstance(expr, ObjectType) and any(_member_shows(m, rest) for m in expr.members.values())


def _member_shows(member: Member, rest: tuple[Segment, ...]) -> bool:
    """Whether the place is this member's, or inside it; all variants of a union count, Azure may have changed it."""
    if member.place is None:
        return False
    place = tuple(name.lower() for name in member.place)
    names = tuple(str(s).lower() for s in rest[: len(place)])
    if len(rest) < len(place):
        return place[: len(rest)] == names
    return names == place and _shows(member.type, rest[len(place) :])


_MAKERS = Makers(_compile_object, _compile_list, _compile_map, lambda _expr: keep)
