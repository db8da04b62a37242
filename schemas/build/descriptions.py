"""``python -m schemas.build.descriptions FOLDER|TAR.XZ [--out DIR]``: what Azure says of each member of each kind.

Source: the type definitions Azure publishes for Bicep, which carry the sentences of its API documentation. The compiled
kinds say where in the ARM body a member lies; a type that is not published at a kind's api-version gives the
descriptions of the nearest one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.arm import lookup_nearest
from schemas.build import pack
from schemas.build.sources import NodeList, read_files, target
from schemas.kind_types import Kind, ListType, MapType, ObjectType, RuledType, TypeExpr
from schemas.kinds import GROUP_SUFFIX, all_kinds

DATA = Path(__file__).parent.parent / "data" / "descriptions"
NO_TEXT = -1
Tree = Mapping[str, "tuple[str, Tree]"]
"""Member -> what is said of it, and of the members below it."""


@dataclass(slots=True)
class Bodies:
    """The published bodies of one file, walked along the types of kinds."""

    nodes: NodeList
    _made: dict[tuple[int, int], dict[str, tuple[str, Tree]]] = field(default_factory=dict)

    def describe(self, index: int, shape: ObjectType) -> Tree:
        """Return what the object at that place says of the members of a type."""
        key = (index, id(shape))
        if key not in self._made:
            made = self._made[key] = {}
            made.update(self._members(index, shape))
        return self._made[key]

    def _members(self, index: int, shape: ObjectType) -> Iterable[tuple[str, tuple[str, Tree]]]:
        elements = self.nodes[index].get("elements", {})
        variants = {
            name: target(elements[value])
            for value, name in shape.variants.items()
            if isinstance(elements, dict) and value in elements
        }
        for name, member in shape.members.items():
            if name in variants:
                yield name, ("", {**self._below(index, member.type), **self._below(variants[name], member.type)})
            elif member.place is not None:
                yield from self._placed(name, index, member.place, member.type)

    def _placed(
        self, name: str, index: int, place: Sequence[str], expr: TypeExpr
    ) -> Iterable[tuple[str, tuple[str, Tree]]]:
        text = ""
        for step in place:
            found = self._find(index, step)
            if found is None:
                return
            text, index = " ".join(found.get("description", "").split()), self._innermost(target(found["type"]))
        below = self._below(index, expr)
        if text or below:
            yield name, (text, below)

    def _find(self, index: int, name: str) -> Mapping[str, Any] | None:
        node = self.nodes[index]
        members: Mapping[str, Mapping[str, Any]] = node.get("properties") or node.get("baseProperties") or {}
        return members.get(name) or next((m for n, m in members.items() if n.lower() == name.lower()), None)

    def _below(self, index: int, expr: TypeExpr) -> Tree:
        index = self._innermost(index)
        while isinstance(expr, ListType | MapType | RuledType):
            if isinstance(expr, MapType) and "additionalProperties" in self.nodes[index]:
                index = self._innermost(target(self.nodes[index]["additionalProperties"]))
            expr = expr.base if isinstance(expr, RuledType) else expr.item
        return self.describe(index, expr) if isinstance(expr, ObjectType) else {}

    def _innermost(self, index: int) -> int:
        while self.nodes[index]["$type"] == "ArrayType":
            index = target(self.nodes[index]["itemType"])
        return index


@dataclass(slots=True)
class GroupFile:
    """One group's descriptions: each text and each tree once."""

    _kinds: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    _texts: dict[str, int] = field(default_factory=dict)
    _trees: dict[bytes, int] = field(default_factory=dict)

    def add(self, kind: Kind, spec: Tree, status: Tree) -> None:
        """Take in one kind at one version."""
        self._kinds.setdefault(kind.version, {})[kind.name] = [self._tree(spec), self._tree(status)]

    def content(self) -> bytes:
        """Return the file: kinds, texts, then a tree a line."""
        return b"\n".join([pack.encode(self._kinds), pack.encode(list(self._texts)), *self._trees])

    def _tree(self, tree: Tree) -> int:
        line = pack.encode({name: self._entry(text, below) for name, (text, below) in tree.items()})
        return self._trees.setdefault(line, len(self._trees))

    def _entry(self, text: str, below: Tree) -> int | list[int]:
        number = self._texts.setdefault(text, len(self._texts)) if text else NO_TEXT
        return [number, self._tree(below)] if below else number


def compile_descriptions(source: Path) -> dict[str, bytes]:
    """Return the content of each group's file, by the group's short name."""
    wanted: dict[str, list[Kind]] = {}
    for kind in all_kinds():
        published = lookup_nearest(kind.arm_type, kind.api_version) if kind.is_arm else None
        if published is not None:
            wanted.setdefault(f"{kind.arm_type}@{published.type.api_version}".lower(), []).append(kind)
    described: dict[Kind, tuple[Tree, Tree]] = {}
    for _, nodes in read_files(source):
        bodies = Bodies(nodes)
        for node in nodes:
            name = node["name"].lower() if node.get("$type") == "ResourceType" else ""
            for kind in wanted.pop(name, ()):
                body = target(node["body"])
                described[kind] = bodies.describe(body, kind.spec), bodies.describe(body, kind.status)
    files: dict[str, GroupFile] = {}
    for kind in all_kinds():
        if kind in described:
            files.setdefault(kind.group.removesuffix(GROUP_SUFFIX), GroupFile()).add(kind, *described[kind])
    return {name: made.content() for name, made in files.items()}


def write(source: Path, out: Path) -> int:
    """Write a file per group, in place of those that are there; return the bytes written."""
    files = compile_descriptions(source)
    for stale in out.glob("*.zst"):
        stale.unlink()
    return sum(pack.write(out / f"{name}.zst", content) for name, content in sorted(files.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.descriptions", description=__doc__)
    parser.add_argument("source", type=Path, help="folder or tar archive with types.json files")
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    print(f"{write(args.source, args.out)} bytes in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
