"""What a type definition has a place for: bodies of two api-versions are compared by what both versions have."""

from __future__ import annotations

from typing import Any

from engine.compare.finding import Place
from engine.compare.shapes import item_of
from schemas.nodes import ANY, ListNode, Node, ObjectNode, UnionNode


def reach(node: Node, place: Place) -> Node | None:
    """Return the shape of a place; None where the type has no such member. All variants of a union count."""
    at: Node | None = node
    for step in place:
        if at is None or at == ANY:
            return at
        at = _member(at, step) if isinstance(step, str) else _element(at)
    return at


def narrow(value: Any, node: Node) -> Any:
    """Return a value without the members that a shape has no place for; the value itself where there are none."""
    if type(value) is dict:
        members = ((key, held, _member(node, key)) for key, held in value.items())
        kept = {key: narrow(held, inner) for key, held, inner in members if inner is not None}
        is_same = len(kept) == len(value) and all(kept[key] is held for key, held in value.items())
        return value if is_same else kept
    if type(value) is list:
        items = [narrow(element, item_of(node)) for element in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def _element(node: Node) -> Node | None:
    return node.item if isinstance(node, ListNode) else None


def _member(node: Node, name: str) -> Node | None:
    if isinstance(node, ObjectNode):
        return _member_of_object(node, name)
    if isinstance(node, UnionNode):
        shapes = (node.select(""), *(node.select(key) for key in node.variants))
        return next((found for shape in shapes if (found := _member_of_object(shape, name)) is not None), None)
    return ANY


def _member_of_object(node: ObjectNode, name: str) -> Node | None:
    found = node.find(name)
    if found is not None:
        return found.node
    return node.additional if node.properties or node.additional is not None else ANY
