"""Writes compiled facts: the same content gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import orjson
import zstandard

_LEVEL = 19


def compress(content: bytes) -> bytes:
    """Compress at the level that pays off for data read far more often than written."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(content)


def encode(value: object) -> bytes:
    """Encode as compact JSON, members in the order given."""
    return orjson.dumps(value)


def write(target: Path, content: bytes) -> int:
    """Write one compressed file, folder included, and return its size in bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = compress(content)
    target.write_bytes(packed)
    return len(packed)
