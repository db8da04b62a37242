"""Secrets in remembered and shown bodies: replaced by keyed hashes in memory, by REDACTED in results."""

from __future__ import annotations

from typing import Any, Final

from engine.compare.shapes import item_of, member_of
from engine.model.document import REDACTED, Marker, Secret
from schemas.nodes import EnumNode, Node, ObjectNode, TextNode

HASH_KEY: Final = "$hash"


def is_hash(value: Any) -> bool:
    """Whether a remembered value stands for a secret."""
    return type(value) is dict and len(value) == 1 and HASH_KEY in value


def hash_secrets(value: Any, node: Node, key: bytes) -> Any:
    """Return a copy in which each secret is ``{"$hash": hex}``; the value itself when it holds none.

    Secrets are wrapped texts, and texts the schema calls sensitive. UNKNOWN becomes null.
    """
    return _replace(value, node, lambda text: {HASH_KEY: Secret(text).hash_with(key)}, None)


def conceal(value: Any, node: Node) -> Any:
    """Return a copy in which each secret is REDACTED; the value itself when it holds none."""
    return _replace(value, node, lambda _text: REDACTED, ())


def is_sensitive(node: Node) -> bool:
    """Whether the schema calls the place a secret."""
    return isinstance(node, TextNode | EnumNode | ObjectNode) and node.sensitive


def _replace(value: Any, node: Node, secret: Any, unknown: Any, *, hidden: bool = False) -> Any:
    hidden = hidden or is_sensitive(node)
    if isinstance(value, Secret):
        return secret(value.reveal())
    if isinstance(value, str):
        return secret(value) if hidden and value else value
    if isinstance(value, Marker):
        return value if unknown == () else unknown
    if type(value) is dict:
        return _same_or(
            value,
            {k: _replace(v, member_of(node, value, None, k), secret, unknown, hidden=hidden) for k, v in value.items()},
        )
    if type(value) is list:
        new = [_replace(v, item_of(node), secret, unknown, hidden=hidden) for v in value]
        return value if all(a is b for a, b in zip(new, value, strict=True)) else new
    return value


def _same_or(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old if all(new[key] is value for key, value in old.items()) else new
