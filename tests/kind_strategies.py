"""Hypothesis strategies that make specs out of the kind catalog: fitting ones, and nearly fitting ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

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
from schemas.kinds import all_kinds
from tests.strategies import json_values, texts

_LISTED = 4
_DEPTH = 5
_SCALARS: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.TEXT: texts,
    Scalar.INTEGER: st.integers(min_value=-(2**63), max_value=2**63 - 1),
    Scalar.NUMBER: st.one_of(st.integers(min_value=0, max_value=10), st.floats(allow_nan=False, allow_infinity=False)),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.ANY: json_values(),
}
_NAMES = st.sampled_from(("one", "two"))
_REFERENCE = st.one_of(
    st.fixed_dictionaries(
        {
            "group": st.just("resources.azure.com"),
            "kind": st.just("ResourceGroup"),
            "name": st.sampled_from(("rg", "gone")),
        }
    ),
    st.just({"armId": "/subscriptions/s/resourceGroups/g"}),
)
_SPECIALS: dict[Special, st.SearchStrategy[Any]] = {
    Special.REFERENCE: _REFERENCE,
    Special.WELL_KNOWN_REFERENCE: st.one_of(_REFERENCE, st.just({"wellKnownName": "Reader"})),
    Special.SECRET: st.fixed_dictionaries({"name": _NAMES, "key": _NAMES}),
    Special.SECRET_MAP: st.fixed_dictionaries({"name": _NAMES}),
    Special.CONFIG_MAP: st.fixed_dictionaries({"name": _NAMES, "key": _NAMES}),
    Special.ARBITRARY_OWNER: _REFERENCE,
    Special.OWNER: st.fixed_dictionaries({"name": st.sampled_from(("rg", "gone"))}),
    Special.KUBERNETES_OWNER: st.fixed_dictionaries({"name": _NAMES}),
    Special.SECRET_DESTINATION: st.fixed_dictionaries({"name": _NAMES, "key": _NAMES}),
    Special.CONFIG_MAP_DESTINATION: st.fixed_dictionaries({"name": _NAMES, "key": _NAMES}),
    Special.EXPRESSION: st.fixed_dictionaries({"name": _NAMES, "value": texts}),
    Special.CONDITION: st.just({}),
}


@cache
def arm_kinds() -> Sequence[Kind]:
    """Return every kind that stands for an ARM resource."""
    return tuple(kind for kind in all_kinds() if kind.is_arm)


kinds = st.deferred(lambda: st.sampled_from(arm_kinds()))


def values(expr: TypeExpr, depth: int = _DEPTH) -> st.SearchStrategy[Any]:
    """Return values of a type; rules beyond the type are not kept."""
    if isinstance(expr, Scalar):
        return _SCALARS[expr]
    if isinstance(expr, Special):
        return _SPECIALS[expr]
    if isinstance(expr, EnumType):
        return st.sampled_from(expr.values)
    if isinstance(expr, RuledType):
        return values(expr.base, depth)
    if isinstance(expr, ListType):
        return st.lists(values(expr.item, depth - 1), max_size=2 if depth > 0 else 0)
    if isinstance(expr, MapType):
        return st.dictionaries(texts, values(expr.item, depth - 1), max_size=2 if depth > 0 else 0)
    return objects(expr, depth)


@st.composite
def objects(draw: st.DrawFn, expr: ObjectType, depth: int = _DEPTH) -> dict[str, Any]:
    """Return an object: what is required, and a few other members; of a union at most one variant."""
    variants = [name for name, member in expr.members.items() if member.place == ()]
    optional = sorted(set(expr.members) - expr.required - set(variants))
    chosen = draw(st.lists(st.sampled_from(optional), unique=True, max_size=_LISTED)) if optional and depth > 0 else []
    one = [draw(st.sampled_from(variants))] if variants and depth > 0 else []
    names = draw(st.permutations([*sorted(expr.required), *chosen, *one]))
    return {name: draw(_member_values(expr.members[name], depth)) for name in names}


def _member_values(member: Member, depth: int) -> st.SearchStrategy[Any]:
    return values(member.type, depth - 1)


def specs(kind: Kind) -> st.SearchStrategy[Any]:
    """Return specs that have the kind's shape."""
    return objects(kind.spec)


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """Return the value with one place in it replaced, renamed or removed."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(json_values())
    if isinstance(value, list):
        index = draw(st.integers(0, len(value) - 1))
        return [draw(spoilt(item)) if at == index else item for at, item in enumerate(value)]
    name = draw(st.sampled_from(sorted(value)))
    other = draw(st.sampled_from((name, name.upper(), name + "x", "")))
    return {(other if key == name else key): draw(spoilt(item)) if key == name else item for key, item in value.items()}
