"""Which members' shape holds for a concrete object."""

from __future__ import annotations

from typing import Any

from schemas.nodes import ANY, ListNode, Node, ObjectNode, UnionNode


def shape_of(node: Node, desired: Any, actual: Any) -> ObjectNode | None:
    """Return the members' node of an object: of a union, the variant that either body names; None without schema."""
    if type(node) is ObjectNode:
        return node
    if type(node) is UnionNode:
        value = desired.get(node.discriminator) if type(desired) is dict else None
        if value is None and type(actual) is dict:
            value = actual.get(node.discriminator)
        return node.select(value)
    return None


def member_of(node: Node, desired: Any, actual: Any, key: str) -> Node:
    """Return the shape of one member of an object, or of one value of a map."""
    shape = shape_of(node, desired, actual)
    if shape is None:
        return ANY
    prop = shape.find(key)
    return prop.node if prop is not None else (shape.additional or ANY)


def item_of(node: Node) -> Node:
    """Return the shape of a list's elements."""
    return node.item if isinstance(node, ListNode) else ANY


def is_free_map(node: Node) -> bool:
    """Whether the keys of an object are data."""
    return isinstance(node, ObjectNode) and node.is_map
