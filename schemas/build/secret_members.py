"""``python -m schemas.build.secret_members [--out DIR]``: lists the members of ARM bodies that hold a Secret's value.

Source: the compiled kind catalog. The custom resource is the best source there is: type definitions flag about half of
these members as write-only or sensitive.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from schemas.kind_types import Kind, ListType, MapType, ObjectType, RuledType, Special, TypeExpr
from schemas.kinds import all_kinds

DATA = Path(__file__).parent.parent / "data"


def compile_secret_members() -> bytes:
    """Return the data file's content: ARM type in lower case -> sorted paths."""
    types: dict[str, set[str]] = {}
    for kind in all_kinds():
        for path in secret_paths(kind):
            types.setdefault(kind.arm_type.lower(), set()).add(path)
    table = {
        "generator": "schemas.build.secret_members",
        "source": "kind catalog",
        "types": {name: sorted(paths) for name, paths in sorted(types.items())},
    }
    return orjson.dumps(table, option=orjson.OPT_INDENT_2) + b"\n"


def secret_paths(kind: Kind) -> Iterator[str]:
    """Yield the places in the ARM body that a kind fills from Secrets."""
    if kind.is_arm:
        yield from _paths(kind.spec, "", ())


def _paths(expression: TypeExpr, path: str, above: tuple[ObjectType, ...]) -> Iterator[str]:
    if expression is Special.SECRET:
        yield path
    elif expression is Special.SECRET_MAP:
        yield f"{path}.{{}}"
    elif isinstance(expression, RuledType):
        yield from _paths(expression.base, path, above)
    elif isinstance(expression, ListType):
        yield from _paths(expression.item, f"{path}[]", above)
    elif isinstance(expression, MapType):
        yield from _paths(expression.item, f"{path}.{{}}", above)
    elif isinstance(expression, ObjectType) and expression not in above:
        for member in expression.members.values():
            if member.place is not None:
                yield from _paths(member.type, ".".join(filter(None, (path, *member.place))), (*above, expression))


def main(arguments: list[str]) -> int:
    """Write ``secret_members.json``."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.secret_members", description=__doc__)
    parser.add_argument("--out", type=Path, default=DATA, help="folder of compiled facts")
    out = parser.parse_args(arguments).out / "secret_members.json"
    out.write_bytes(compile_secret_members())
    print(f"{out}: {out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
