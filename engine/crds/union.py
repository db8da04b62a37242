"""One type that holds every member that any version of a kind has: what is stored loses nothing.

The API server checks what is written against the version it is written in, and nothing when it stores: what the leading
version says of its own members stays as strict as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schemas.kind_types import EnumType, ListType, MapType, Member, ObjectType, RuledType, Scalar, TypeExpr


@dataclass(slots=True)
class Unifier:
    """Merges types; the same types are merged once.

    Attributes:
        with_bag: Merged objects with members that the leading version lacks: ASO keeps those in a property bag.
    """

    with_bag: set[int] = field(default_factory=set)
    _made: dict[tuple[bool, tuple[int, ...]], ObjectType] = field(default_factory=dict)

    def unite(self, types: Sequence[ObjectType], *, leads: bool = False) -> ObjectType:
        """Return an object type with the members of all of them; required is what the first one requires.

        Args:
            types: What to join.
            leads: The first one is the leading version's: what it says of its own members holds.
        """
        distinct = list({id(t): t for t in types}.values())
        key = leads, tuple(id(t) for t in distinct)
        made = self._made.get(key)
        if made is None:
            made = distinct[0] if len(distinct) == 1 else self._join(distinct, leads=leads)
            self._made[key] = made
        return made

    def _join(self, types: Sequence[ObjectType], *, leads: bool) -> ObjectType:
        first = types[0]
        names = dict.fromkeys(name for t in types for name in t.members)
        members = {
            n: self._member([t.members[n] for t in types if n in t.members], leads=leads and n in first.members)
            for n in names
        }
        variants = {value: name for t in reversed(types) for value, name in t.variants.items()}
        made = ObjectType(
            members=members, required=first.required, discriminator=first.discriminator, variants=variants
        )
        if len(names) > len(first.members):
            self.with_bag.add(id(made))
        return made

    def _member(self, same: Sequence[Member], *, leads: bool) -> Member:
        first = same[0]
        merged = self.merge([m.type for m in same], leads=leads)
        rules = first.rules if leads or all(m.rules == first.rules for m in same) else None
        return Member(name=first.name, place=first.place, resolve=_constant(merged), rules=rules, default=first.default)

    def merge(self, types: Sequence[TypeExpr], *, leads: bool = False) -> TypeExpr:
        """Return a type that holds what any of them holds; texts are those of the first one if it leads."""
        first = types[0]
        if all(t is first or t == first for t in types):
            return first
        bare = [t.base if isinstance(t, RuledType) else t for t in types]
        objects = [t for t in bare if isinstance(t, ObjectType)]
        if len(objects) == len(bare):
            return self.unite(objects, leads=leads)
        lists = [t.item for t in bare if isinstance(t, ListType)]
        if len(lists) == len(bare):
            return ListType(self.merge(lists, leads=leads))
        maps = [t.item for t in bare if isinstance(t, MapType)]
        if len(maps) == len(bare):
            return MapType(self.merge(maps, leads=leads))
        return first if leads and all(_is_text(t) for t in bare) else _wider_scalar(bare)


def _wider_scalar(types: Sequence[TypeExpr]) -> TypeExpr:
    enums = [t for t in types if isinstance(t, EnumType)]
    if len(enums) == len(types):
        return EnumType(tuple(dict.fromkeys(v for t in enums for v in t.values)))
    if all(_is_text(t) for t in types):
        return Scalar.TEXT
    if all(t in (Scalar.INTEGER, Scalar.NUMBER) for t in types):
        return Scalar.NUMBER
    return types[0] if all(t == types[0] for t in types) else Scalar.ANY


def _is_text(expr: TypeExpr) -> bool:
    return expr is Scalar.TEXT or (isinstance(expr, EnumType) and all(isinstance(v, str) for v in expr.values))


def _constant(expr: TypeExpr) -> Callable[[], TypeExpr]:
    return lambda: expr
