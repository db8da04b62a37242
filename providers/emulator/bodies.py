"""Small operations on JSON bodies: paths, merge patches, decoding what came over the wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from providers.emulator.answer import RefusedError

MISSING: Any = object()
_DEEPEST = 100


def decode_object(raw: bytes) -> dict[str, Any]:
    """Read a request body that must be a JSON object.

    Raises:
        RefusedError: 400 InvalidRequestContent.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise RefusedError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{exc}'.",
        ) from exc
    if not isinstance(value, dict):
        raise RefusedError(
            400, "InvalidRequestContent", "The request content was invalid: the body must be a JSON object."
        )
    if _is_deeper_than(value, _DEEPEST):
        raise RefusedError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid: it is nested deeper than {_DEEPEST} levels.",
        )
    return value


def _is_deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) without changing either side; keys meet without letter case."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    spelled = {k.lower(): k for k in merged}
    for key, value in patch.items():
        own = spelled.get(key.lower(), key)
        if value is None:
            merged.pop(own, None)
        else:
            merged[own] = merge_patch(merged.get(own), value)
    return merged


def read_path(value: Any, path: Sequence[str]) -> Any:
    """Return what a path of names leads to, MISSING when it leads nowhere. Names meet without letter case."""
    for name in path:
        if not isinstance(value, dict):
            return MISSING
        value = value.get(name, MISSING) if name in value else _folded(value, name)
        if value is MISSING:
            return MISSING
    return value


def _folded(value: dict[str, Any], name: str) -> Any:
    folded = name.lower()
    return next((v for k, v in value.items() if k.lower() == folded), MISSING)


def find_all(value: Any, path: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Yield the containers, and the key in each, that a path with ``[]`` and ``{}`` marks leads to.

    A last ``[]`` yields every position of the list; a last ``{}`` yields the map once, with ``{}`` as key.
    """
    head, rest = path[0], path[1:]
    if not rest:
        yield from _last(value, head)
    elif head == "[]":
        for item in value if isinstance(value, list) else ():
            yield from find_all(item, rest)
    elif head == "{}":
        for item in value.values() if isinstance(value, dict) else ():
            yield from find_all(item, rest)
    elif isinstance(value, dict) and head in value:
        yield from find_all(value[head], rest)


def _last(value: Any, key: str) -> Iterator[tuple[Any, Any]]:
    if key == "[]":
        for index in range(len(value) if isinstance(value, list) else 0):
            yield value, index
    elif isinstance(value, dict):
        yield value, key


def set_path(value: dict[str, Any], path: Sequence[str], content: Any) -> None:
    """Set a member, making the objects on the way; nothing happens below something that is no object."""
    for name in path[:-1]:
        inner = value.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        value = inner
    value[path[-1]] = content
