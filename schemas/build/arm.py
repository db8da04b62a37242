"""``python -m schemas.build.arm FOLDER|TAR.XZ [--aso CATALOGUE] [--out DIR]``: compiles all ARM types.

Source: the type definitions Azure publishes for Bicep (``types.json`` per provider and api-version). Descriptions are
read once, for the verdicts of :mod:`schemas.build.verdicts`, and dropped.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.arm import version_key
from schemas.build import pack
from schemas.build.aso_facts import Tree, read_catalogue
from schemas.build.graph import FileGraph
from schemas.build.sharing import Digest, Shape, digest_graph
from schemas.build.sources import NodeList, read_files, target

DATA = Path(__file__).parent.parent / "data" / "arm"


class Definition(NamedTuple):
    """One type@version as found in one file."""

    name: str
    body: Digest
    readable: int
    writable: int
    path: str


@dataclass
class Compiler:
    """Collects files, then writes one data file per provider."""

    aso_facts: Mapping[str, Tree] = field(default_factory=dict)
    shapes: dict[Digest, Shape] = field(default_factory=dict)
    definitions: dict[tuple[str, str], list[Definition]] = field(default_factory=dict)

    def add(self, path: str, nodes: NodeList) -> None:
        """Take in the resource types of one file."""
        resources = [n for n in nodes if n.get("$type") == "ResourceType"]
        graph = FileGraph(nodes)
        for resource in resources:
            arm_type = resource["name"].partition("@")[0].lower()
            graph.mark(target(resource["body"]), self.aso_facts.get(arm_type, {}))
        roots = {target(r["body"]): graph.add_body(target(r["body"]), r["name"]) for r in resources}
        digests = digest_graph(graph.drafts)
        for key, draft in graph.drafts.items():
            self.shapes.setdefault(digests[key], Shape(draft.content, tuple(digests[c] for c in draft.children)))  # type: ignore[index]  # children are keys of the same graph
        for resource in resources:
            name, _, version = resource["name"].partition("@")
            body = digests[roots[target(resource["body"])]]
            found = Definition(name, body, resource["readableScopes"], resource["writableScopes"], path)
            self.definitions.setdefault((name.lower(), version), []).append(found)

    def write(self, folder: Path) -> int:
        """Write all data files and return their size; a provider's older file is replaced, a vanished one removed."""
        names: dict[str, list[str]] = {}
        files: dict[str, bytes] = {}
        for provider, types in self._by_provider().items():
            files[provider], names[provider] = self._provider_file(types)
        index = {
            "generator": "schemas.build.arm",
            "source": "bicep-types-az",
            "versions": len(self.definitions),
            "types": names,
        }
        files["index"] = pack.encode(index)
        for stale in folder.glob("*.zst"):
            stale.unlink()
        return sum(pack.write(folder / f"{name}.zst", content) for name, content in files.items())

    def _by_provider(self) -> dict[str, dict[str, dict[str, Definition]]]:
        providers: dict[str, dict[str, dict[str, Definition]]] = {}
        weights = Counter(_home(d) for found in self.definitions.values() for d in found)
        for arm_type, version in sorted(self.definitions, key=lambda key: (key[0], version_key(key[1]))):
            types = providers.setdefault(arm_type.partition("/")[0], {})
            types.setdefault(arm_type, {})[version] = self._choose(self.definitions[arm_type, version], weights)
        return providers

    def _choose(self, found: Sequence[Definition], weights: Mapping[tuple[str, str], int]) -> Definition:
        """Prefer, of several definitions, the one in the folder that defines most of the provider, then the first."""
        return min(found, key=lambda d: (-weights[_home(d)], d.path))

    def _provider_file(self, types: Mapping[str, Mapping[str, Definition]]) -> tuple[bytes, list[str]]:
        places = _places(self.shapes, (d.body for versions in types.values() for d in versions.values()))
        names = [list(versions.values())[-1].name for versions in types.values()]
        rows = [pack.encode({v: _entry(places[d.body], d) for v, d in versions.items()}) for versions in types.values()]
        lines = [_line(self.shapes[digest], places) for digest in places]
        return b"\n".join([pack.encode(names), *rows, *lines]), names


def _home(definition: Definition) -> tuple[str, str]:
    """Return the folder of a service's definitions (``.../<service>/<provider>/<version>/types.json``) and provider."""
    return definition.path.rsplit("/", 3)[0], definition.name.partition("/")[0].lower()


def _entry(place: int, definition: Definition) -> list[int]:
    scopes = (
        [definition.readable]
        if definition.readable == definition.writable
        else [
            definition.readable,
            definition.writable,
        ]
    )
    return [place, *scopes]


def _places(shapes: Mapping[Digest, Shape], roots: Iterable[Digest]) -> dict[Digest, int]:
    """Number every shape below the roots, newest type first, parents before children."""
    places: dict[Digest, int] = {}
    stack = list(roots)
    while stack:
        digest = stack.pop()
        if digest not in places:
            places[digest] = len(places)
            stack.extend(reversed(shapes[digest].children))
    return places


def _line(shape: Shape, places: Mapping[Digest, int]) -> bytes:
    """Put the children's numbers in the places of a node's content that name them by position."""
    if not shape.children:
        return shape.content
    numbers = [places[child] for child in shape.children]
    return pack.encode(_fill(orjson.loads(shape.content), numbers))


def _fill(value: Any, numbers: Sequence[int]) -> Any:
    match value:
        case ["e", *_]:
            return value
        case ["o", members, *rest]:
            additional = [_reference(rest[0], numbers), *rest[1:]] if rest else []
            return ["o", _fill_members(members, numbers), *additional]
        case ["u", discriminator, base, variants]:
            filled = {name: _reference(ref, numbers) for name, ref in variants.items()}
            return ["u", discriminator, _fill_members(base, numbers), filled]
        case ["l", item, *rest]:
            return ["l", _reference(item, numbers), *rest]
    return value


def _fill_members(members: Mapping[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
    return {
        name: [_reference(entry[0], numbers), entry[1]] if isinstance(entry, list) else _reference(entry, numbers)
        for name, entry in members.items()
    }


def _reference(reference: Any, numbers: Sequence[int]) -> Any:
    return numbers[reference] if isinstance(reference, int) else reference


def compile_types(source: Path, *, catalogue: Path | None, out: Path) -> tuple[int, int]:
    """Compile all definitions; return how many type@versions there are and the size of the data in bytes."""
    compiler = Compiler(read_catalogue(catalogue) if catalogue else {})
    for path, nodes in read_files(source):
        compiler.add(path, nodes)
    return len(compiler.definitions), compiler.write(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.arm", description=__doc__)
    parser.add_argument("source", type=Path, help="folder or tar archive with types.json files")
    parser.add_argument("--aso", type=Path, help="folder of the ASO catalogue: tells floats and references")
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    count, size = compile_types(args.source, catalogue=args.aso, out=args.out)
    print(f"{count} type@versions, {size} bytes in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
