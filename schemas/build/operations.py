"""``python -m schemas.build.operations OPERATIONS.JSON [--out DIR]``: compiles the facts about REST operations.

Source: ``operations.json``, read off the public Azure client packages; one entry per ARM type.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from schemas.build import pack

DATA = Path(__file__).parent.parent / "data"
_DROPPED = ("package", "packageVersion", "style", "mutability", "notInPatch", "readOnly")
_KNOWN = frozenset(
    (
        *_DROPPED,
        *("apiVersion", "versions", "ops", "lists", "actions", "etag", "etagRequired", "ifNoneMatch", "etagPath"),
        *("systemData", "query", "headers", "createOnly", "createOnlyText", "updateOnly", "updateViaPatch"),
        *("writeOnly", "notReturned"),
    )
)


def compile_operations(source: Path) -> bytes:
    """Return the data file's content: a line of names, then one line per type.

    Raises:
        ValueError: An entry holds a fact this compiler does not know; dropping it silently would lose it.
    """
    entries = orjson.loads(source.read_bytes())
    names = sorted(entries, key=str.lower)
    return b"\n".join([pack.encode(names), *(pack.encode(_row(name, entries[name])) for name in names)])


def _row(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    unknown = entry.keys() - _KNOWN
    if unknown:
        raise ValueError(f"{name}: unknown facts {sorted(unknown)}")
    return {"type": name} | {k: v for k, v in entry.items() if k not in _DROPPED and v not in ([], {}, None)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.operations", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    size = pack.write(args.out / "operations.zst", compile_operations(args.source))
    print(f"{size} bytes in {args.out / 'operations.zst'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
