"""Secrets in remembered and shown bodies: replaced by keyed hashes in memory, by REDACTED in results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from engine.compare.finding import Place
from engine.compare.shapes import item_of, member_of
from engine.model.document import REDACTED, Marker, Secret
from schemas.nodes import EnumNode, Node, ObjectNode, TextNode

HASH_KEY: Final = "$hash"


def never(_at: Place) -> bool:
    """Say of every place that it holds no secret but those the schema and the values tell."""
    return False


def is_hash(value: Any) -> bool:
    """Whether a remembered value stands for a secret."""
    return type(value) is dict and len(value) == 1 and HASH_KEY in value


def hash_secrets(value: Any, node: Node, key: bytes, *, texts: frozenset[str] = frozenset()) -> Any:
    """Return a copy in which each secret is ``{"$hash": hex}``; the value itself when it holds none.

    Secrets are wrapped texts and texts the schema calls sensitive. UNKNOWN becomes null.

    Args:
        value: A body.
        node: Its shape.
        key: Key of the hashes.
        texts: Secrets known from elsewhere: a text equal to one of them is hashed too, since Azure may echo it.
    """
    return _Replacement(lambda text: {HASH_KEY: Secret(text).hash_with(key)}, texts, is_memory=True).of(value, node)


def conceal(value: Any, node: Node, *, at: Place = (), is_secret: Callable[[Place], bool] = never) -> Any:
    """Return a copy in which each secret is REDACTED; the value itself when it holds none.

    Args:
        value: Anything a body may hold.
        node: Its shape.
        at: Its place in the body.
        is_secret: Says which places hold a secret although the schema does not say so.
    """
    return _Replacement(lambda _text: REDACTED, frozenset(), is_secret=is_secret).of(value, node, at)


def find_secrets(value: Any) -> frozenset[str]:
    """Return the wrapped texts in a body."""
    if isinstance(value, Secret):
        return frozenset((value.reveal(),))
    if type(value) is dict:
        return frozenset().union(*map(find_secrets, value.values()))
    if type(value) is list:
        return frozenset().union(*map(find_secrets, value))
    return frozenset()


def is_sensitive(node: Node) -> bool:
    """Whether the schema calls the place a secret."""
    return isinstance(node, TextNode | EnumNode | ObjectNode) and node.sensitive


@dataclass(frozen=True, slots=True)
class _Replacement:
    """What stands for a secret, and how to tell one."""

    make: Callable[[str], Any]
    texts: frozenset[str]
    is_memory: bool = False
    is_secret: Callable[[Place], bool] = never

    def of(self, value: Any, node: Node, at: Place = (), *, hidden: bool = False) -> Any:
        hidden = hidden or is_sensitive(node) or self.is_secret(at)
        if type(value) is dict:
            new = {k: self.of(v, member_of(node, value, None, k), (*at, k), hidden=hidden) for k, v in value.items()}
            return value if all(new[k] is v for k, v in value.items()) else new
        if type(value) is list:
            items = [self.of(v, item_of(node), (*at, i), hidden=hidden) for i, v in enumerate(value)]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return self._leaf(value, hidden=hidden)

    def _leaf(self, value: Any, *, hidden: bool) -> Any:
        if isinstance(value, Secret):
            return self.make(value.reveal())
        if isinstance(value, str):
            return self.make(value) if (hidden and value) or value in self.texts else value
        return None if self.is_memory and isinstance(value, Marker) else value
