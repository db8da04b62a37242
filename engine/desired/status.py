"""An ARM answer becomes a status, driven by the kind catalog alone: the other direction of ``convert``.

Answers are never refused: members the kind does not have are left out, a value of an unexpected type is kept as it is,
an enum value in another letter case is spelled as the kind spells it, and a member's name in another letter case counts
as that member.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from engine.desired.converter import Converter, Makers, keep, make_converter
from engine.model.document import ABSENT
from schemas.kind_types import EnumType, Kind, Member, ObjectType, Special, TypeExpr

_Reader = tuple[str, tuple[str, ...], Converter]


def convert_status(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status that an ARM body stands for, without conditions.

    Args:
        kind: An ARM kind.
        body: What a GET returned, parsed; not changed. Parts that need no conversion are shared with the result.
    """
    status = _compile(kind.status)(body)
    return status if isinstance(status, dict) else {}


@cache
def _compile(expr: TypeExpr) -> Converter:
    return make_converter(expr, _MAKERS, _compile)


def _compile_leaf(expr: TypeExpr) -> Converter:
    if isinstance(expr, EnumType):
        return _compile_enum(expr)
    return _leave_out if isinstance(expr, Special) else keep


def _leave_out(_: Any) -> Any:
    return ABSENT


def _compile_enum(expr: EnumType) -> Converter:
    spelled = {value.lower(): value for value in expr.values if isinstance(value, str)}

    def convert(value: Any) -> Any:
        return spelled.get(value.lower(), value) if isinstance(value, str) else value

    return convert


def _compile_list(item: Converter) -> Converter:
    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        converted = (item(element) for element in value)
        return [None if element is ABSENT else element for element in converted]

    return convert


def _compile_map(item: Converter) -> Converter:
    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        converted = ((key, item(element)) for key, element in value.items())
        return {key: element for key, element in converted if element is not ABSENT}

    return convert


def _compile_object(expr: ObjectType) -> Converter:
    readers = [_reader(member) for member in expr.members.values() if member.place]
    variants = {value.lower(): _variant(expr.members[name]) for value, name in expr.variants.items()}
    discriminator = expr.discriminator
    names = _Names.of([*(place for _, place, _ in readers), *((discriminator,) if discriminator else (),)])

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = names.spell(value)
        out: dict[str, Any] = {}
        for name, place, read in readers:
            item = _find(value, place)
            if item is None:
                continue
            converted = read(item)
            if converted is not ABSENT:
                out[name] = converted
        if variants:
            chosen = variants.get(str(value.get(discriminator, "")).lower())
            if chosen is not None:
                out[chosen[0]] = chosen[1](value)
        return out

    return convert


@dataclass(slots=True)
class _Names:
    """The names of an object's members as the kind spells them, and those of the containers they lie in."""

    folded: dict[str, str] = field(default_factory=dict)
    inner: dict[str, _Names] = field(default_factory=dict)

    @classmethod
    def of(cls, places: Iterable[tuple[str, ...]]) -> _Names:
        """Take the places of members apart."""
        root = cls()
        for place in places:
            at = root
            for depth, name in enumerate(place, 1):
                at.folded.setdefault(name.lower(), name)
                at = at.inner.setdefault(name, cls()) if depth < len(place) else at
        return root

    def spell(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return the object with its members spelled as the kind spells them; itself where they are."""
        out = value
        for key in value:
            known = self.folded.get(key.lower(), key)
            if known != key and known not in value:
                out = {**out, known: value[key]}
        for name, inner in self.inner.items():
            held = out.get(name)
            spelled = inner.spell(held) if isinstance(held, dict) else held
            if spelled is not held:
                out = {**out, name: spelled}
        return out


def _reader(member: Member) -> _Reader:
    return (member.name, member.place or (), _compile(member.type))


def _variant(member: Member) -> tuple[str, Converter]:
    return (member.name, _compile(member.type))


def _find(value: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


_MAKERS = Makers(_compile_object, _compile_list, _compile_map, _compile_leaf)
