"""Specs as ASO stores them, read back as their authors wrote them.

ASO's storage versions note the version that was written (``originalVersion``) and keep members that they lack as JSON
texts (``$propertyBag``), at any depth.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

_NOTED: Final = "originalVersion"
_BAG: Final = "$propertyBag"
_SIGNS: Final = (b'"originalVersion"', b'"$propertyBag"')


def as_written(spec: bytes) -> bytes:
    """Return a spec without what only storage versions have; the very same bytes where there is nothing of it."""
    if not any(sign in spec for sign in _SIGNS):
        return spec
    found = orjson.loads(spec)
    if not isinstance(found, dict):
        return spec
    return orjson.dumps(_unpack({name: value for name, value in found.items() if name != _NOTED}))


def _unpack(value: Any) -> Any:
    """Put members back from bags; what stands beside a bag wins."""
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    bag = value.get(_BAG)
    kept = {name: _unpack(item) for name, item in value.items() if name != _BAG or not isinstance(bag, dict)}
    return {**{name: _read(text) for name, text in bag.items()}, **kept} if isinstance(bag, dict) else kept


def _read(text: Any) -> Any:
    try:
        return _unpack(orjson.loads(text)) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return text
