"""``python -m schemas.build.operations OPERATIONS.JSON [--out DIR]``: compiles the facts about REST operations.

Sources: ``operations.json``, read off the public Azure client packages, one entry per ARM type; and
``own_create_only.yaml``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from schemas.build import pack

DATA = Path(__file__).parent.parent / "data"
OWN_TABLE = Path(__file__).parent / "own_create_only.yaml"
_DROPPED = ("package", "packageVersion", "style", "mutability", "notInPatch", "readOnly")
_USUAL_REFUSAL = "PropertyChangeNotAllowed"
_KNOWN = frozenset(
    (
        *_DROPPED,
        *("apiVersion", "versions", "ops", "lists", "actions", "etag", "etagRequired", "ifNoneMatch", "etagPath"),
        *("systemData", "query", "headers", "createOnly", "createOnlyText", "updateOnly", "updateViaPatch"),
        "createOnlyRefusal",
        *("writeOnly", "notReturned"),
    )
)


def compile_operations(source: Path, own: Path = OWN_TABLE) -> bytes:
    """Return the data file's content: a line of names, then one line per type.

    Raises:
        ValueError: An entry holds a fact this compiler does not know; dropping it silently would lose it. Or a row of
            the own table is about a type without an entry.
    """
    entries = orjson.loads(source.read_bytes())
    for name, entry in entries.items():
        if unknown := entry.keys() - _KNOWN:
            raise ValueError(f"{name}: unknown facts {sorted(unknown)}")
    for row in yaml.safe_load(own.read_text(encoding="utf-8")):
        for name in row["types"]:
            if name not in entries:
                raise ValueError(f"{own.name}: {name} has no entry in {source.name}")
            _add_create_only(entries[name], row)
    names = sorted(entries, key=str.lower)
    return b"\n".join([pack.encode(names), *(pack.encode(_row(name, entries[name])) for name in names)])


def _row(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": name} | {k: v for k, v in entry.items() if k not in _DROPPED and v not in ([], {}, None)}


def _add_create_only(entry: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Add members to those that are only taken at creation, with the code of the refusal where it is an own one."""
    known = entry.get("createOnly", [])
    entry["createOnly"] = [*known, *(p for p in row["paths"] if p not in known)]
    entry["createOnlyText"] = [p for p in entry.get("createOnlyText", ()) if p not in row["paths"]]
    if row["refused"] != _USUAL_REFUSAL:
        entry["createOnlyRefusal"] = row["refused"]


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
