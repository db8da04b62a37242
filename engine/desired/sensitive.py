"""Values that a manifest writes in plain although they are secrets: wrapped, so that nothing prints or stores them.

Kinds take most secrets by reference. What is left are members that type definitions, other versions of the kind or
their own name call a secret. The places are worked out once per kind; most kinds have none and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from engine.model.document import Body, Secret
from schemas.arm import lookup_nearest
from schemas.comparison_facts import secret_places
from schemas.kind_types import EnumType, Kind, ListType, MapType, ObjectType, RuledType, Scalar, Special, TypeExpr
from schemas.nodes import ListNode, Node, ObjectNode, TextNode, UnionNode
from schemas.secret_names import is_secret_name

_ELEMENT: Final = "[]"
_KEY: Final = "{}"
Place = tuple[str, ...]
"""Member names; ``[]`` is every element of a list, ``{}`` every value of a map."""
_Nodes = tuple[Node, ...]
"""What the type definition may mean: one node, of unions several."""


class _Tree(dict[str, "_Tree"]):
    """Places as nested names; an empty tree is a secret as a whole."""


def hide_plain_secrets(kind: Kind, body: Body) -> Body:
    """Return the body with every plain text at a secret place wrapped; the body itself when there is none."""
    tree = _tree_of(kind)
    return body if tree is None else _hide(body, tree)


@cache
def _tree_of(kind: Kind) -> _Tree | None:
    root = _Tree()
    for place in plain_secret_places(kind):
        tree = root
        for step in place[:-1]:
            tree = tree.setdefault(step, _Tree())
        tree[place[-1]] = _Tree()
    return root or None


def plain_secret_places(kind: Kind) -> frozenset[Place]:
    """Return the places in the ARM body that hold secrets although the kind takes plain values there."""
    found = lookup_nearest(kind.arm_type, kind.api_version) if kind.is_arm else None
    nodes: _Nodes = (found.type.body,) if found is not None else ()
    known = secret_places(kind.arm_type, kind.api_version)
    return frozenset(_plain(kind.spec, nodes, (), (), is_secret=False, known=known))


def _plain(
    expr: TypeExpr, nodes: _Nodes, at: Place, above: tuple[ObjectType, ...], *, is_secret: bool, known: frozenset[Place]
) -> Iterator[Place]:
    is_secret = is_secret or _is_secret(nodes, at, known)
    if isinstance(expr, RuledType):
        yield from _plain(expr.base, nodes, at, above, is_secret=is_secret, known=known)
    elif isinstance(expr, ListType | MapType):
        step = _ELEMENT if isinstance(expr, ListType) else _KEY
        inner = _inside(nodes, step)
        yield from _plain(expr.item, inner, (*at, step), above, is_secret=is_secret, known=known)
    elif isinstance(expr, ObjectType):
        if expr not in above:
            for place, item in _members(expr):
                there = nodes
                for step in place:
                    there = _inside(there, step)
                yield from _plain(item, there, (*at, *place), (*above, expr), is_secret=is_secret, known=known)
    elif (
        at and (isinstance(expr, EnumType) or expr in (Scalar.TEXT, Scalar.ANY)) and (is_secret or _is_named(nodes, at))
    ):
        yield at


def _members(expr: ObjectType) -> Iterable[tuple[Place, TypeExpr]]:
    return ((m.place, m.type) for m in expr.members.values() if m.place is not None and m.type not in _SPECIALS)


_SPECIALS: Final = frozenset(Special)


def _is_secret(nodes: _Nodes, at: Place, known: frozenset[Place]) -> bool:
    if any(getattr(node, "sensitive", False) for node in nodes):
        return True
    folded = tuple(step.lower() for step in at)
    return folded in known or (*folded[:-1], _KEY) in known


def _is_named(nodes: _Nodes, at: Place) -> bool:
    """Whether the value itself, or the list it is in, has the name of a secret; a container's name says nothing."""
    name = next((step for step in reversed(at) if step != _ELEMENT), "")
    return is_secret_name(name) and not any(isinstance(node, TextNode) and node.arm_id for node in nodes)


def _inside(nodes: _Nodes, step: str) -> _Nodes:
    """Return the shapes one step further in; of a union those of all its variants."""
    out: list[Node] = []
    for node in nodes:
        if isinstance(node, ListNode) and step == _ELEMENT:
            out.append(node.item)
        for shape in _shapes(node):
            member = shape.find(step)
            if member is not None:
                out.append(member.node)
            elif shape.additional is not None:
                out.append(shape.additional)
    return tuple(out)


def _shapes(node: Node) -> Iterator[ObjectNode]:
    if isinstance(node, ObjectNode):
        yield node
    elif isinstance(node, UnionNode):
        yield ObjectNode(node.base)
        yield from (resolve() for resolve in node.variants.values())


def _hide(value: Any, tree: Mapping[str, _Tree]) -> Any:
    """Return a copy with the texts below the places wrapped; nothing of the value is changed."""
    if not tree:
        return _hide_all(value)
    if type(value) is dict:
        rest = tree.get(_KEY)
        trees = ((key, tree.get(key, rest)) for key in value)
        return value | {key: _hide(value[key], inner) for key, inner in trees if inner is not None}
    if type(value) is list and _ELEMENT in tree:
        return [_hide(item, tree[_ELEMENT]) for item in value]
    return value


def _hide_all(value: Any) -> Any:
    if type(value) is str:
        return Secret(value) if value else value
    if type(value) is dict:
        return {key: _hide_all(item) for key, item in value.items()}
    return [_hide_all(item) for item in value] if type(value) is list else value
