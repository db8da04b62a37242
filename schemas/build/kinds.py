"""Compiles the catalog of ASO kinds: ``python -m schemas.build.kinds FOLDER [TARGET]``.

The folder holds one JSON file per API group (spec and status types, places in the ARM body, kind facts). One compressed
file per group comes out, and an index of all names, so that a look-up reads one group only.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from schemas.build import pack
from schemas.store import DATA

_LEFT_OUT = ("swagger", "uri")
"""Kind facts that nothing asks for at run time."""

SUFFIX = ".azure.com"


def compile_group(catalog: Mapping[str, Any]) -> dict[str, Any]:
    """Return one group as it is stored: members sorted, provenance left out.

    Raises:
        ValueError: A kind points at a type that is not there.
    """
    count = len(catalog["types"])
    versions: dict[str, Any] = {}
    for version, content in sorted(catalog["versions"].items()):
        kinds = {name: _compile_kind(name, facts, count) for name, facts in sorted(content["kinds"].items())}
        versions[version] = kinds
    return {"group": catalog["group"], "types": catalog["types"], "versions": versions}


def _compile_kind(name: str, facts: Mapping[str, Any], count: int) -> dict[str, Any]:
    for side in ("spec", "status"):
        if not 0 <= facts.get(side, 0) < count:
            raise ValueError(f"{name}: {side} points at type {facts[side]}, there are {count}")
    return {key: value for key, value in facts.items() if key not in _LEFT_OUT}


def compile_folder(source: Path, target: Path) -> int:
    """Write every group and the index; return the bytes written.

    Raises:
        FileNotFoundError: The folder holds no catalog.
    """
    files = sorted(source.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"no catalog files (*.json) in {source}")
    index: dict[str, dict[str, list[str]]] = {}
    written = 0
    for path in files:
        group = compile_group(orjson.loads(path.read_bytes()))
        name = group["group"]
        index[name] = {version: list(kinds) for version, kinds in group["versions"].items()}
        written += pack.write(target / f"{name.removesuffix(SUFFIX)}.zst", pack.encode(group))
    return written + pack.write(target / "index.zst", pack.encode(dict(sorted(index.items()))))


def main(arguments: list[str]) -> int:
    """Compile and print the size."""
    if not 1 <= len(arguments) <= 2:
        print("usage: python -m schemas.build.kinds FOLDER [TARGET]", file=sys.stderr)
        return 1
    target = Path(arguments[1]) if len(arguments) == 2 else DATA / "kinds"
    print(f"{target}: {compile_folder(Path(arguments[0]), target)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
