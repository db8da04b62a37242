"""Finds a planted secret in anything: as it is, escaped, encoded, compressed, or encoded and then compressed."""

from __future__ import annotations

import binascii
import gzip
import lzma
import re
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import orjson
import zstandard

_DEPTH = 3
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_MAGICS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def find_canaries(data: bytes, canaries: Iterable[str]) -> list[str]:
    """Return those of the secrets that the data hold in any form."""
    wanted = {canary: _spellings(canary) for canary in canaries}
    views = list(_views(data, _DEPTH))
    return [canary for canary, forms in wanted.items() if any(form in view for view in views for form in forms)]


def files_with(folder: Path, canaries: Iterable[str]) -> dict[str, list[str]]:
    """Return the files below a folder that hold a secret, with the secrets."""
    canaries = tuple(canaries)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {str(path.relative_to(folder)): find_canaries(path.read_bytes(), canaries) for path in files}
    return {name: held for name, held in found.items() if held}


def _spellings(canary: str) -> set[bytes]:
    raw = canary.encode()
    texts = {canary, orjson.dumps(canary).decode()[1:-1], quote(canary, safe=""), quote_plus(canary), canary[::-1]}
    # The middle of a base64 text depends on where in its group of three bytes it begins.
    parts = {b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)}
    return {t.encode() for t in texts} | parts | {raw.hex().encode(), canary.encode("utf-16-le")}


def _views(data: bytes, depth: int) -> Iterator[bytes]:
    """Yield the data and everything that can be decoded out of them."""
    yield data
    if depth == 0:
        return
    for inner in (*_unpacked(data), *_decoded(data)):
        yield from _views(inner, depth - 1)


def _unpacked(data: bytes) -> Iterator[bytes]:
    for magic in _MAGICS:
        at = data.find(magic)
        while at >= 0:
            for unpack in _UNPACKERS:
                with_at = _attempt(unpack, data[at:])
                if with_at:
                    yield with_at
            at = data.find(magic, at + 1)


_UNPACKERS: tuple[Callable[[bytes], bytes], ...] = (
    gzip.decompress,
    lambda raw: zlib.decompressobj().decompress(raw, 10_000_000),
    lambda raw: lzma.LZMADecompressor().decompress(raw, 10_000_000),
    lambda raw: zstandard.ZstdDecompressor().decompressobj().decompress(raw),
)


def _decoded(data: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(data):
        text = match.group().rstrip(b"=")
        text += b"=" * (-len(text) % 4)
        decode = urlsafe_b64decode if b"-" in text or b"_" in text else b64decode
        found = _attempt(decode, text)
        if found:
            yield found
    for match in _HEX.finditer(data):
        yield binascii.unhexlify(match.group())


def _attempt(decode: Callable[[bytes], bytes], data: bytes) -> bytes:
    try:
        return decode(data)
    except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError):
        return b""
