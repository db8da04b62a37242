"""``python -m schemas.build.all SOURCE_FOLDER``: compiles everything in schemas/data again.

The folder holds ``arm/bicep-types.tar.xz`` (or ``arm/generated/``), ``arm/operations.json``, ``aso/catalog/`` and
``aso/extensions.yaml``, and ``corpus/`` with the recordings. ARM types and kinds come first: other tables are made
from them.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Sequence
from pathlib import Path

from schemas.build import arm, behaviours, descriptions, durations, kinds, operations, pack, poll_actions, secret_members
from schemas.store import DATA


def compile_all(source: Path, *, with_arm: bool = True) -> dict[str, int]:
    """Write all data files in place and return the size of each part in bytes.

    Args:
        source: The folder of published facts.
        with_arm: Compile the ARM types too, which takes half a minute; the rest takes seconds.

    Raises:
        FileNotFoundError: A source is missing; nothing has been written then.
    """
    archive, folder = source / "arm" / "bicep-types.tar.xz", source / "arm" / "generated"
    types = archive if archive.is_file() else folder
    catalogue, extensions = source / "aso" / "catalog", source / "aso" / "extensions.yaml"
    rest, corpus = source / "arm" / "operations.json", source / "corpus"
    for needed in (catalogue, extensions, rest, corpus, *([types] if with_arm else [])):
        if not needed.exists():
            raise FileNotFoundError(f"missing source: {needed}")
    sizes: dict[str, int] = {}
    if with_arm:
        _, sizes["arm"] = arm.compile_types(types, catalogue=catalogue, out=DATA / "arm")
    sizes["kinds"] = kinds.compile_folder(catalogue, DATA / "kinds")
    if with_arm:
        sizes["descriptions"] = descriptions.write(types, DATA / "descriptions")
    sizes["secrets"] = (DATA / "secret_members.json").write_bytes(secret_members.compile_secret_members())
    sizes["operations"] = pack.write(DATA / "operations.zst", operations.compile_operations(rest))
    sizes["behaviours"] = pack.write(DATA / "behaviours.zst", behaviours.compile_behaviours(extensions, catalogue))
    sizes["durations"] = (DATA / "durations.json").write_bytes(durations.compile_durations(corpus))
    with lzma.open(corpus / "lro.jsonl.xz") as writes:
        sizes["polls"] = (DATA / "poll_actions.json").write_bytes(poll_actions.compile_poll_actions(writes))
    return sizes


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.all", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--without-arm", action="store_true", help="leave the ARM types as they are")
    args = parser.parse_args(argv)
    for part, size in compile_all(args.source, with_arm=not args.without_arm).items():
        print(f"{part:12} {size:>9} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
