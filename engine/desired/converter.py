"""Make a function of a type expression: what is common to both ways between ARM bodies and statuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.kind_types import ListType, MapType, ObjectType, RuledType, TypeExpr

Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Makers:
    """What a way does of its own.

    Attributes:
        of_object, of_leaf: Take the type.
        of_list, of_map: Take the converter of their items.
    """

    of_object: Callable[[ObjectType], Converter]
    of_list: Callable[[Converter], Converter]
    of_map: Callable[[Converter], Converter]
    of_leaf: Callable[[TypeExpr], Converter]


def make_converter(expr: TypeExpr, makers: Makers, inner: Callable[[TypeExpr], Converter]) -> Converter:
    """Return the function that converts values of a type.

    Args:
        expr: The type.
        makers: What to do with each form of a type.
        inner: Returns the converter of a part; may keep those it made, as kinds share their parts.
    """
    if isinstance(expr, ObjectType):
        return makers.of_object(expr)
    if isinstance(expr, ListType):
        return makers.of_list(inner(expr.item))
    if isinstance(expr, MapType):
        return makers.of_map(inner(expr.item))
    return inner(expr.base) if isinstance(expr, RuledType) else makers.of_leaf(expr)


def keep(value: Any) -> Any:
    """Return the value."""
    return value
