"""A spec becomes an ARM body, driven by the kind catalog alone.

Every type is compiled once into a closure that checks and converts in the same walk, so that a value is looked at once
and a misfit is noted where it is. Rules of the conversion (they are ASO's):

1. A member goes to its place in the ARM object; containers on the way are made even when the value vanishes.
2. Empty lists and maps vanish unless the type always sends them; empty texts, zeros, false and empty objects stay.
3. null is the same as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from engine.desired.check import (
    Report,
    check_any,
    check_integer,
    check_number,
    compile_rules,
    suggest,
)
from engine.desired.inputs import Resolver, resolve_special
from engine.desired.sensitive import hide_plain_secrets
from engine.model.document import ABSENT, UNKNOWN, Body
from schemas.behaviours import lookup_kind_behaviour
from schemas.kind_types import (
    EnumType,
    Kind,
    ListType,
    MapType,
    Member,
    ObjectType,
    RuledType,
    Scalar,
    Special,
    TypeExpr,
)

Converter = Callable[[Any, Report, Resolver], Any]
"""Value, where misfits go, what resolves references. ABSENT: the value vanishes."""

Step = tuple[type | None, Converter, str | None, tuple[str, ...] | None]
"""Exact Python type that needs no conversion; converter; name, where the place is one step away; the whole place."""

_NAME_MEMBERS = frozenset({"azureName", "azureNameFromConfig"})
_EXACT = {Scalar.TEXT: str, Scalar.BOOLEAN: bool}
_WANTED = {Scalar.TEXT: "a text", Scalar.BOOLEAN: "a boolean"}


def convert_spec(kind: Kind, spec: Any, name: str, report: Report, resolver: Resolver) -> Body:
    """Return the ARM body of an object.

    Args:
        kind: An ARM kind.
        spec: The object's spec as parsed; not changed.
        name: The ARM name that goes into the body.
        report: Misfits are noted in it; with any of them the body is not fit to be sent.
        resolver: Gives values to references and inputs.
    """
    body = _compile_root(kind)(spec, report, resolver)
    if not isinstance(body, dict):
        return {}
    body["name"] = name
    return hide_plain_secrets(kind, body)


@cache
def _compile_root(kind: Kind) -> Converter:
    steps = {
        name: _compile_root_step(member, kind.spec.always_sent, role_place=role_place_of(kind))
        for name, member in kind.spec.members.items()
    }
    return _compile_steps(kind.spec, steps)


def role_place_of(kind: Kind) -> tuple[str, ...]:
    """Return the place in the ARM body where the kind takes a role by name; empty for most kinds."""
    behaviour = lookup_kind_behaviour(kind.group, kind.name)
    return behaviour.resolves_role if behaviour is not None else ()


def _compile_root_step(
    member: Member, always_sent: Mapping[tuple[str, ...], Any], *, role_place: tuple[str, ...]
) -> Step:
    """Compile a member of the spec itself: names do not go into the body this way, and some take roles by name."""
    if member.name in _NAME_MEMBERS:
        return (None, _drop(_compile_member(member)), None, None)
    if member.type is Special.WELL_KNOWN_REFERENCE and member.place and member.place == role_place:
        return (None, _compile_special(Special.WELL_KNOWN_REFERENCE, is_role=True), None, member.place)
    return _compile_step(member, always_sent)


@cache
def _compile(expr: TypeExpr) -> Converter:
    if isinstance(expr, Scalar):
        return _compile_scalar(expr)
    if isinstance(expr, Special):
        return _compile_special(expr)
    if isinstance(expr, EnumType):
        return _compile_enum(expr)
    if isinstance(expr, RuledType):
        return _with_rules(_compile(expr.base), compile_rules(expr.rules))
    if isinstance(expr, ListType):
        return _compile_list(expr)
    if isinstance(expr, MapType):
        return _compile_map(expr)
    return _compile_object(expr)


def _compile_scalar(expr: Scalar) -> Converter:
    if expr is Scalar.INTEGER:
        return lambda value, report, _: check_integer(value, report)
    if expr is Scalar.NUMBER:
        return lambda value, report, _: check_number(value, report)
    if expr is Scalar.ANY:
        return lambda value, report, _: check_any(value, report)
    exact, wanted = _EXACT[expr], _WANTED[expr]

    def convert(value: Any, report: Report, _: Resolver) -> Any:
        if type(value) is not exact:
            report.wrong_type(wanted, value)
        return value

    return convert


def _compile_special(expr: Special, *, is_role: bool = False) -> Converter:
    def convert(value: Any, report: Report, resolver: Resolver) -> Any:
        return resolve_special(expr, value, report, resolver, is_role=is_role)

    return convert


def _compile_enum(expr: EnumType) -> Converter:
    values = frozenset(expr.values)
    exact = type(expr.values[0]) if expr.values else str

    def convert(value: Any, report: Report, _: Resolver) -> Any:
        if type(value) is not exact:
            report.wrong_type("a text" if exact is str else "an integer", value)
        elif value not in values:
            report.misfit(f"{report.shown(value)} is not allowed", hint=suggest(str(value), map(str, expr.values)))
        return value

    return convert


def _with_rules(convert: Converter, check: Callable[[Any, Report], None]) -> Converter:
    def convert_and_check(value: Any, report: Report, resolver: Resolver) -> Any:
        before = len(report.misfits)
        converted = convert(value, report, resolver)
        if len(report.misfits) == before:
            check(value, report)
        return converted

    return convert_and_check


def _compile_list(expr: ListType) -> Converter:
    item = _compile(expr.item)

    def convert(value: Any, report: Report, resolver: Resolver) -> Any:
        if type(value) is not list:
            report.wrong_type("a list", value)
            return ABSENT
        path, out = report.path, []
        for index, element in enumerate(value):
            path.append(index)
            converted = item(element, report, resolver)
            out.append(None if converted is ABSENT else converted)
            path.pop()
        return out or ABSENT

    return convert


def _compile_map(expr: MapType) -> Converter:
    item = _compile(expr.item)

    def convert(value: Any, report: Report, resolver: Resolver) -> Any:
        if type(value) is not dict:
            report.wrong_type("an object", value)
            return ABSENT
        path, out = report.path, {}
        for key, element in value.items():
            path.append(key)
            converted = item(element, report, resolver)
            out[key] = None if converted is ABSENT else converted
            path.pop()
        return out

    return convert


def _compile_id_map(expr: TypeExpr) -> Converter:
    """Compile a list of references that ARM wants as a map from id to an empty object.

    A key that is not known makes the whole map unknown: a map without it would ask Azure for something else.
    """
    elements = _compile(expr)

    def convert(value: Any, report: Report, resolver: Resolver) -> Any:
        before = len(report.misfits)
        converted = elements(value, report, resolver)
        if converted is ABSENT:
            return ABSENT
        for index, element in enumerate(converted if len(report.misfits) == before else ()):
            if not isinstance(element, dict) or "reference" not in element:
                report.misfit("must have a 'reference'", at=index)
        ids = [element.get("reference", UNKNOWN) if isinstance(element, dict) else UNKNOWN for element in converted]
        return UNKNOWN if UNKNOWN in ids else {arm_id: {} for arm_id in ids}

    return convert


def _compile_member(member: Member) -> Converter:
    convert = _compile_id_map(member.type) if member.is_id_map else _compile(member.type)
    return _with_rules(convert, compile_rules(member.rules)) if member.rules is not None else convert


def _compile_step(member: Member, always_sent: Mapping[tuple[str, ...], Any]) -> Step:
    convert, place = _compile_member(member), member.place
    if place is None:
        return (None, _drop(convert), None, None)
    if isinstance(member.type, MapType) and place not in always_sent:
        convert = _vanish_when_empty(convert)
    exact = _EXACT.get(member.type) if isinstance(member.type, Scalar) and member.rules is None else None
    return (exact, convert, place[0] if len(place) == 1 else None, place)


def _drop(convert: Converter) -> Converter:
    """Check the value, send nothing."""

    def check(value: Any, report: Report, resolver: Resolver) -> Any:
        convert(value, report, resolver)
        return ABSENT

    return check


def _vanish_when_empty(convert: Converter) -> Converter:
    def convert_or_vanish(value: Any, report: Report, resolver: Resolver) -> Any:
        converted = convert(value, report, resolver)
        return ABSENT if converted == {} else converted

    return convert_or_vanish


def _compile_object(expr: ObjectType) -> Converter:
    return _compile_steps(expr, {name: _compile_step(m, expr.always_sent) for name, m in expr.members.items()})


def _compile_steps(expr: ObjectType, steps: Mapping[str, Step]) -> Converter:
    read = _compile_read(expr)
    finish = _compile_finish(expr)

    def convert(value: Any, report: Report, resolver: Resolver) -> Any:
        members = read(value, report)
        if members is None:
            return ABSENT
        out: Body = {}
        path = report.path
        for key, item in members.items():
            if item is None:
                continue
            exact, step, name, place = steps[key]
            if type(item) is not exact:
                path.append(key)
                item = step(item, report, resolver)
                path.pop()
            if name is None:
                _put(out, place, item)
            elif item is not ABSENT:
                out[name] = item
        for check in finish:
            check(members, out, report)
        return out

    return convert


def _compile_read(expr: ObjectType) -> Callable[[Any, Report], Mapping[str, Any] | None]:
    """Return what makes an object's members ready: known names only, and no plain form beside its reference form."""
    names = expr.members.keys()
    shadowed = {plain: better for plain, better, is_shadowed in _alternatives(expr) if is_shadowed}

    def read(value: Any, report: Report) -> Mapping[str, Any] | None:
        if type(value) is not dict:
            report.wrong_type("an object", value)
            return None
        members: Mapping[str, Any] = value if value.keys() <= names else report.fold(value, names)
        if shadowed and not shadowed.keys().isdisjoint(members.keys()):
            return _without_shadowed(members, shadowed, report)
        return members

    return read


def _without_shadowed(value: Mapping[str, Any], shadowed: Mapping[str, str], report: Report) -> Mapping[str, Any]:
    beaten = [
        name for name, better in shadowed.items() if value.get(name) is not None and value.get(better) is not None
    ]
    for name in beaten:
        report.remark(f"{name!r} is ignored: {shadowed[name]!r} is set", at=name)
    return {name: item for name, item in value.items() if name not in beaten}


def _put(out: Body, place: tuple[str, ...] | None, item: Any) -> None:
    """Place a value that is not one step away: a deeper one, a union's variant, or none at all."""
    if not place:
        if place is not None and isinstance(item, dict):
            out.update(item)
        return
    for name in place[:-1]:
        out = out.setdefault(name, {})
    if item is not ABSENT:
        out[place[-1]] = item


Finish = Callable[[Mapping[str, Any], Body, Report], None]


def _compile_finish(expr: ObjectType) -> Sequence[Finish]:
    """Return what remains to be done after all members; empty for most objects."""
    finish: list[Finish] = []
    if expr.required:
        finish.append(_check_required(tuple(sorted(expr.required))))
    if expr.discriminator:
        finish.append(_check_variants(tuple(n for n, m in expr.members.items() if m.place == ())))
    finish.extend(_check_exclusive(a, b) for a, b, is_shadowed in _alternatives(expr) if not is_shadowed)
    if expr.always_sent:
        finish.append(_add_always_sent(tuple(expr.always_sent.items())))
    return tuple(finish)


def _check_required(required: tuple[str, ...]) -> Finish:
    def check(value: Mapping[str, Any], _: Body, report: Report) -> None:
        for name in required:
            if value.get(name) is None:
                report.misfit(f"{name!r} is missing")

    return check


def _check_variants(variants: tuple[str, ...]) -> Finish:
    def check(value: Mapping[str, Any], _: Body, report: Report) -> None:
        given = [name for name in variants if value.get(name) is not None]
        if len(given) > 1:
            report.misfit(
                f"only one of {', '.join(map(repr, given))} may be set", hint="they are variants of one union"
            )

    return check


def _alternatives(expr: ObjectType) -> Sequence[tuple[str, str, bool]]:
    """Return pairs of members that end at the same place: plain form, other form, and whether the other one wins.

    A reference beats the plain id it replaced in later versions; a value and where to fetch it from exclude each other.
    """
    by_place: dict[tuple[str, ...], list[Member]] = {}
    for member in expr.members.values():
        if member.place:
            by_place.setdefault(member.place, []).append(member)
    pairs: list[tuple[str, str, bool]] = []
    for members in by_place.values():
        plain, *others = sorted(members, key=lambda m: (isinstance(m.type, Special), m.name))
        pairs.extend((plain.name, other.name, other.type is Special.REFERENCE) for other in others)
    return pairs


def _check_exclusive(first: str, second: str) -> Finish:
    def check(value: Mapping[str, Any], _: Body, report: Report) -> None:
        if value.get(first) is not None and value.get(second) is not None:
            report.misfit(f"only one of {first!r} and {second!r} may be set", hint="both say the same ARM member")

    return check


def _add_always_sent(members: tuple[tuple[tuple[str, ...], Any], ...]) -> Finish:
    def add(_: Mapping[str, Any], out: Body, __: Report) -> None:
        for place, default in members:
            at: Any = out
            for name in place[:-1]:
                at = at.get(name) if isinstance(at, dict) else None
            if isinstance(at, dict) and place[-1] not in at:
                at[place[-1]] = type(default)() if default is not None else None

    return add
