"""Reads type definitions as Azure publishes them for Bicep: ``types.json`` files in a folder or in a tar archive."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

NodeList = list[dict[str, Any]]
"""The nodes of one file; references between them are positions in the list."""


def read_files(source: Path) -> Iterator[tuple[str, NodeList]]:
    """Yield every ``types.json`` with its path, one at a time: an archive is never unpacked as a whole.

    Raises:
        FileNotFoundError: The source is neither a folder nor a file.
        ValueError, TypeError: A file is not the JSON list it should be; the message names it.
    """
    for name, content in _folder(source) if source.is_dir() else _archive(source):
        yield name, _decode(name, content)


def _decode(name: str, content: bytes) -> NodeList:
    try:
        nodes = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise ValueError(f"{name}: not JSON: {exc}") from exc
    if not isinstance(nodes, list):
        raise TypeError(f"{name}: not a list of nodes")
    return nodes


def _folder(source: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(source.rglob("types.json")):
        yield path.relative_to(source).as_posix(), path.read_bytes()


def _archive(source: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(source, mode="r|*") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.name.endswith("/types.json") else None
            if content is not None:
                yield member.name.removeprefix("./"), content.read()


def target(reference: dict[str, str]) -> int:
    """Return the position a ``{"$ref": "#/12"}`` points to."""
    return int(reference["$ref"][2:])
