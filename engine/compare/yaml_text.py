"""Texts that hold YAML, plain or in base64: compared by what they say, not by how they are written."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

_MOST: Final = 262_144
"""Longer texts are compared as they are: a parser in Python is slow."""


def decode_yaml(text: str) -> str | None:
    """Return the YAML that a text holds, out of its base64 where it is in it; None when it is too long or no text."""
    if len(text) > _MOST:
        return None
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed, validate=True).decode() if len(packed) % 4 == 0 else text
    except (binascii.Error, UnicodeDecodeError):
        return text


def is_same_yaml(desired: str, actual: str) -> bool:
    """Compare two texts as YAML documents; False when either is none.

    Comments, quotes, order of keys and layout carry nothing here. Texts with aliases are left alone: what they expand
    to may be far larger than they are.
    """
    left, right = _form(desired), _form(actual)
    return left is not None and left == right


def _form(text: str) -> list[Any] | None:
    # Imported late: most runs never compare such a text.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    plain = decode_yaml(text)
    if plain is None:
        return None
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(plain, Loader=loader)):
            return None
        return [_of(node) for node in yaml.compose_all(plain, Loader=loader)]
    except (yaml.YAMLError, RecursionError):
        return None


def _of(node: Any) -> Any:
    """Return a node's tag and contents; scalars by the text they stand for, so that "1" is not 1."""
    if node is None or isinstance(node.value, str):
        return None if node is None else (node.tag, node.value)
    if node.tag.endswith(":map"):
        members = [(_of(key), _of(value)) for key, value in node.value]
        return (node.tag, sorted(members, key=repr))
    return (node.tag, [_of(item) for item in node.value])
