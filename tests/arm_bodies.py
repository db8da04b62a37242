"""Random bodies that the type definitions allow, of random ARM types; the same seed gives the same body."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas import arm
from schemas.nodes import (
    AnyNode,
    BooleanNode,
    EnumNode,
    Flag,
    ListNode,
    Node,
    NumberNode,
    ObjectNode,
    Property,
    ResourceType,
    UnionNode,
)

TEXTS = (
    "alpha",
    "Beta gamma",
    "v1",
    "10.0.0.0/16",
    "https://example.org/Path",
    "SELECT * FROM c",
    "a\nb",
    "0",
    "x-y_z",
)
GUID = "1C793267-c310-d4ae-7BD5-5Af5BEF875D3"
REGIONS = {
    "westus2": "West US 2",
    "eastus": "East US",
    "northeurope": "North Europe",
    "australiaeast": "Australia East",
}
ID = "/subscriptions/0/resourceGroups/Rg/providers/Microsoft.Network/virtualNetworks/Net"
_DEEPEST, _WIDEST = 7, 6


@dataclass(frozen=True, slots=True)
class Body:
    """A body and the type it is of."""

    type: ResourceType
    value: dict[str, Any]


@cache
def some_types(count: int, seed: int) -> tuple[ResourceType, ...]:
    """Return random types at random versions, at most a few of each provider, so that little has to be loaded."""
    rng = random.Random(seed)
    names = sorted(arm.type_names())
    found = []
    for name in rng.sample(names, count):
        known = arm.lookup(name, rng.choice(arm.versions(name)))
        if known is not None and not known.readable_only:
            found.append(known)
    return tuple(found)


def make_body(known: ResourceType, rng: random.Random) -> Body:
    """Return a body of a type."""
    value = _Maker(rng).make(known.body, "", 0)
    return Body(known, {k: v for k, v in value.items() if k not in ("name", "id", "type")} | {"name": "child"})


@dataclass(frozen=True, slots=True)
class _Maker:
    rng: random.Random

    def make(self, node: Node, name: str, depth: int) -> Any:
        if isinstance(node, ObjectNode):
            return self._object(node, depth)
        if isinstance(node, UnionNode):
            return self._union(node, depth)
        if isinstance(node, ListNode):
            return self._list(node, name, depth)
        return self._scalar(node, name)

    def _scalar(self, node: Node, name: str) -> Any:
        if isinstance(node, NumberNode):
            low = int(node.minimum or 0)
            return low + self.rng.randrange(5)
        if isinstance(node, BooleanNode):
            return self.rng.random() < 0.5
        if isinstance(node, EnumNode):
            return self.rng.choice(node.values)
        if isinstance(node, AnyNode):
            return self.rng.choice((self._text(), 3, True, {"inner": self._text()}))
        if getattr(node, "location", False) or name == "location":
            return self.rng.choice(sorted(REGIONS))
        return ID + str(self.rng.randrange(9)) if getattr(node, "arm_id", False) else self._text()

    def _text(self) -> str:
        return self.rng.choice((*TEXTS, GUID))

    def _object(self, node: ObjectNode, depth: int) -> dict[str, Any]:
        if node.is_map:
            inner = node.additional or AnyNode()
            return {f"Key{n}": self.make(inner, "", depth + 1) for n in range(self.rng.randrange(3))}
        return self._members(node.properties, depth)

    def _members(self, properties: Mapping[str, Property], depth: int) -> dict[str, Any]:
        writable = [p for p in properties.values() if not p.is_read_only]
        if depth >= _DEEPEST:
            return {}
        chosen = self.rng.sample(writable, min(len(writable), self.rng.randint(1, _WIDEST)))
        if depth == 0:
            chosen = [p for p in writable if p in chosen or p.name == "properties"]
        return {p.name: self.make(p.node, p.name, depth + 1) for p in chosen}

    def _union(self, node: UnionNode, depth: int) -> dict[str, Any]:
        kind = self.rng.choice(sorted(node.variants)) if node.variants else ""
        members = self._members(node.select(kind).properties, depth)
        return members | ({node.discriminator: kind} if kind else {})

    def _list(self, node: ListNode, name: str, depth: int) -> list[Any]:
        if depth >= _DEEPEST:
            return []
        items = [self.make(node.item, name, depth + 1) for _ in range(self.rng.randrange(4))]
        if all(isinstance(i, dict) for i in items):
            return [self._named(item, node, n) for n, item in enumerate(items)]
        return _distinct(items)

    @staticmethod
    def _named(item: dict[str, Any], node: ListNode, number: int) -> dict[str, Any]:
        """Give an element of a list with identifiers a name of its own; of a list without, no name at all."""
        names = node.identifiers[:1] or ("name",)
        members = _members_of(node.item)
        writable = [n for n in names if n in members and not members[n].flags & Flag.READ_ONLY]
        return item | {n: _name(members[n].node, number) for n in writable}


def _name(node: Node, number: int) -> Any:
    return (
        number
        if isinstance(node, NumberNode)
        else f"{ID}/n/{number}"
        if getattr(node, "arm_id", False)
        else f"n{number}"
    )


def _members_of(node: Node) -> Mapping[str, Property]:
    if isinstance(node, UnionNode):
        return node.base
    return node.properties if isinstance(node, ObjectNode) else {}


def _distinct(items: list[Any]) -> list[Any]:
    return [item for n, item in enumerate(items) if str(item).lower() not in {str(i).lower() for i in items[:n]}]
