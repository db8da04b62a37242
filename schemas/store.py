"""Reads the compiled facts that lie beside the code: zstandard-compressed, in ``schemas/data``."""

from __future__ import annotations

from pathlib import Path

import zstandard

DATA = Path(__file__).parent / "data"


def read(name: str) -> bytes | None:
    """Return one data file's content, decompressed; None when there is none of that name."""
    try:
        packed = (DATA / name).read_bytes()
    except FileNotFoundError:
        return None
    return zstandard.ZstdDecompressor().decompress(packed)


def require(name: str) -> bytes:
    """Return one data file's content, decompressed.

    Raises:
        FileNotFoundError: The file is not there: the installation is incomplete, or the compilers were never run.
    """
    content = read(name)
    if content is None:
        raise FileNotFoundError(f"compiled facts are missing: {DATA / name} (make schemas writes them)")
    return content
