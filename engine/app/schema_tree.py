"""Shapes as a tree of lines: one form for ARM types and for kinds, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from schemas.kind_types import EnumType, ListType, MapType, Member, ObjectType, RuledType, Scalar, Special, TypeExpr
from schemas.nodes import (
    AnyNode,
    BooleanNode,
    EnumNode,
    ListNode,
    Node,
    NumberNode,
    ObjectNode,
    Property,
    TextNode,
    UnionNode,
)

_VALUES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One member.

    Attributes:
        type: Its type in words; for an enum the word ``enum``.
        flags: What holds of it: required, read-only, secret, pattern …
        values: The values of an enum.
        is_open: Other values than those are allowed too.
        expand: Gives the members below it; None when there are none.
    """

    name: str
    type: str
    flags: tuple[str, ...] = ()
    values: tuple[str | int | bool, ...] = ()
    is_open: bool = False
    expand: Callable[[], Iterable[Entry]] | None = None


def render_text(entries: Iterable[Entry], depth: int, indent: str = "") -> list[str]:
    """Return one line per member, to the depth; deeper objects end in ``…``."""
    level = list(entries)
    width = max((len(e.name) for e in level), default=0)
    lines: list[str] = []
    for entry in level:
        more = " …" if entry.expand is not None and depth <= 1 else ""
        flags = f"  [{', '.join(entry.flags)}]" if entry.flags else ""
        lines.append(f"{indent}{entry.name:{width}}  {_type_text(entry)}{more}{flags}")
        if entry.expand is not None and depth > 1:
            lines += render_text(entry.expand(), depth - 1, indent + "  ")
    return lines


def render_json(entries: Iterable[Entry], depth: int) -> dict[str, Any]:
    """Return the same as nested objects; ``members`` is missing where the depth ends."""
    out: dict[str, Any] = {}
    for entry in entries:
        row: dict[str, Any] = {"type": entry.type}
        row |= {"flags": list(entry.flags)} if entry.flags else {}
        row |= {"values": list(entry.values), "open": entry.is_open} if entry.values else {}
        if entry.expand is not None and depth > 1:
            row["members"] = render_json(entry.expand(), depth - 1)
        out[entry.name] = row
    return out


def _type_text(entry: Entry) -> str:
    if not entry.values:
        return entry.type
    shown = [str(v) for v in entry.values[:_VALUES_SHOWN]]
    rest = len(entry.values) - len(shown)
    more = [f"({rest} more)"] if rest else []
    prefix = "" if entry.type == "enum" else f"{entry.type}: "
    return prefix + " | ".join([*shown, *more, *(["any other text"] if entry.is_open else [])])


def arm_entries(node: ObjectNode | UnionNode) -> Iterable[Entry]:
    """Yield the members of an ARM object; of a union first those all variants share, then each variant."""
    if isinstance(node, UnionNode):
        yield from (_arm_member(p) for p in node.base.values())
        for value, resolve in sorted(node.variants.items()):
            yield Entry(f"{node.discriminator}={value}", "variant", expand=_Expansion(resolve()))
        return
    yield from (_arm_member(p) for p in node.properties.values())
    if node.additional is not None:
        yield _arm_entry("<any key>", node.additional, ())


def _arm_member(member: Property) -> Entry:
    flags = [
        word
        for word, holds in (
            ("required", member.is_required),
            ("read-only", member.is_read_only),
            ("write-only", member.is_write_only),
        )
        if holds
    ]
    return _arm_entry(member.name, member.node, tuple(flags))


def _arm_entry(name: str, node: Node, flags: tuple[str, ...]) -> Entry:
    prefix = ""
    while isinstance(node, ListNode):
        prefix, flags = prefix + "list of ", (*flags, *_list_flags(node))
        node = node.item
    flags = (*flags, *_value_flags(node))
    match node:
        case EnumNode():
            return Entry(name, prefix + "enum" if not prefix else prefix.rstrip(), flags, node.values, node.is_open)
        case ObjectNode() if not node.properties and node.additional is None:
            return Entry(name, prefix + "object", flags)
        case ObjectNode() | UnionNode():
            word = "map" if isinstance(node, ObjectNode) and node.is_map else "object"
            return Entry(name, prefix + word, flags, expand=_Expansion(node))
    return Entry(name, prefix + _WORDS[type(node)], flags)


_WORDS: Mapping[type, str] = {TextNode: "text", NumberNode: "number", BooleanNode: "true or false", AnyNode: "anything"}


@dataclass(frozen=True, slots=True)
class _Expansion:
    """The members of an ARM object, made when asked for: types may be recursive."""

    node: ObjectNode | UnionNode

    def __call__(self) -> Iterable[Entry]:
        return arm_entries(self.node)


def _list_flags(node: ListNode) -> Iterable[str]:
    if node.identifiers:
        yield f"elements by {' + '.join(node.identifiers)}"
    if node.is_ordered:
        yield "order counts"
    if node.is_set:
        yield "order does not count"
    yield from _span("elements", node.min_length, node.max_length)


def _value_flags(node: Node) -> Iterable[str]:
    match node:
        case TextNode():
            yield from (w for w, on in (("ARM id", node.arm_id), ("region", node.location)) if on)
            yield from ("secret",) if node.sensitive else ()
            yield from (f"pattern {node.pattern}",) if node.pattern else ()
            yield from _span("characters", node.min_length, node.max_length)
        case NumberNode():
            yield from ("whole",) if node.is_float is False else ()
            yield from _span("", node.minimum, node.maximum)
        case ObjectNode() if node.sensitive:
            yield "secret"


def _span(unit: str, low: float | None, high: float | None) -> Iterable[str]:
    if low is not None or high is not None:
        yield f"{'' if low is None else low}..{'' if high is None else high} {unit}".strip()


def kind_entries(shape: ObjectType) -> Iterable[Entry]:
    """Yield the members of a kind's spec or status, with their place in the ARM body where it differs."""
    for member in shape.members.values():
        flags = [*(["required"] if member.name in shape.required else []), *_place_flag(member)]
        yield _kind_entry(member.name, member.type, tuple(flags))


@dataclass(frozen=True, slots=True)
class _KindExpansion:
    """The members of a kind's object, made when asked for."""

    shape: ObjectType

    def __call__(self) -> Iterable[Entry]:
        return kind_entries(self.shape)


def _place_flag(member: Member) -> Iterable[str]:
    if member.place is None:
        yield "not sent"
    elif member.place and member.place != (member.name,):
        yield f"sent as {'.'.join(member.place)}"


def _kind_entry(name: str, expression: TypeExpr, flags: tuple[str, ...]) -> Entry:
    prefix = ""
    while isinstance(expression, ListType | MapType | RuledType):
        prefix += {ListType: "list of ", MapType: "map of "}.get(type(expression), "")
        expression = expression.base if isinstance(expression, RuledType) else expression.item
    match expression:
        case ObjectType():
            return Entry(name, prefix + "object", flags, expand=_KindExpansion(expression))
        case EnumType():
            return Entry(name, prefix.rstrip() or "enum", flags, expression.values)
        case Scalar():
            return Entry(name, prefix + _SCALARS[expression], flags)
        case Special():
            return Entry(name, prefix + _SPECIALS.get(expression, expression.value.removeprefix("$")), flags)
    assert_never(expression)


_SCALARS = {
    Scalar.TEXT: "text",
    Scalar.INTEGER: "whole number",
    Scalar.NUMBER: "number",
    Scalar.BOOLEAN: "true or false",
    Scalar.ANY: "anything",
}
_SPECIALS = {
    Special.REFERENCE: "reference {group, kind, name} or {armId}",
    Special.WELL_KNOWN_REFERENCE: "reference {group, kind, name}, {armId} or {wellKnownName}",
    Special.SECRET: "secret {name, key}",
    Special.SECRET_MAP: "secret {name}, all its keys",
    Special.CONFIG_MAP: "config map {name, key}",
    Special.OWNER: "owner",
    Special.ARBITRARY_OWNER: "owner of any kind",
    Special.KUBERNETES_OWNER: "owner in the cluster",
}
