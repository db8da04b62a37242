"""Reads recordings, writes tables: one row a line, so that a change shows as a change."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

DATA = Path(__file__).parent.parent / "data"


def compile_file(source: str, name: str, compiler: Callable[[Iterator[bytes]], Mapping[str, Any]]) -> str:
    """Compile an xz file of lines into ``data/NAME``; return what was written, in words."""
    with lzma.open(source) as lines:
        table = compiler(iter(lines))
    target = DATA / name
    rows = [f"{orjson.dumps(k).decode()}: {orjson.dumps(v).decode()}" for k, v in table.items()]
    target.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    return f"{target}: {len(table)} types, {target.stat().st_size} bytes"
