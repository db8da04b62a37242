"""``python -m schemas.build.behaviours EXTENSIONS.YAML CATALOGUE [--out DIR]``: compiles the behaviour table.

Sources: the facts about Azure Service Operator's hand-written customizations (``extensions.yaml``), its kind catalogue
(which ARM type a kind is, where a status member lies in the ARM body), the compiled ARM types (which list elements are
resources of their own) and ``own_behaviours.yaml``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from schemas import arm
from schemas.build import pack
from schemas.build.behaviour_rows import KindRows
from schemas.build.status_paths import Catalogue
from schemas.nodes import ListNode, ObjectNode, UnionNode
from schemas.operations import parse_path

DATA = Path(__file__).parent.parent / "data"
OWN_TABLE = Path(__file__).parent / "own_behaviours.yaml"
_ERROR_TABLES = {"retryable": "slow", "retryable_very_slow": "verySlow", "fatal": "fatal"}


def compile_behaviours(extensions: Path, catalogue: Path, own: Path = OWN_TABLE) -> bytes:
    """Return the data file's content.

    Raises:
        ValueError: The sources disagree or say something this compiler cannot express; the message names the kind.
    """
    facts = yaml.safe_load(extensions.read_text(encoding="utf-8"))
    tables = yaml.safe_load(own.read_text(encoding="utf-8"))
    kinds = Catalogue(catalogue)
    types: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for entry in facts["resources"]:
        row = KindRows(entry, kinds).row()
        key = row["type"].lower()
        types[key] = row
        names[f"{entry['group']}/{entry['kind']}".lower()] = key
    _add_own(types, tables)
    table = {
        "generator": "schemas.build.behaviours",
        "source": "extensions.yaml, own_behaviours.yaml",
        "errors": _error_tables(facts["common"]["default_error_classifier"]),
        "dataBearing": {glob: row["holds"] for row in tables["dataBearing"] for glob in row["types"]},
        "otherOwners": tables["otherOwners"],
        "managedByRelations": tables["managedByRelations"],
        "kinds": dict(sorted(names.items())),
        "types": dict(sorted(types.items())),
    }
    return pack.encode(table)


def _error_tables(raw: Mapping[str, Any]) -> dict[str, list[str]]:
    return {ours: sorted(raw[theirs]) for theirs, ours in _ERROR_TABLES.items()}


def _add_own(types: dict[str, dict[str, Any]], tables: Mapping[str, Any]) -> None:
    for name, special in tables["deletes"].items():
        row = _row_of(types, name)
        row |= {f"delete{key.capitalize()}": value for key, value in special.items()}
    for name, special in tables["softDelete"].items():
        _row_of(types, name)["softDelete"] = special
    for name, kept in tables["kept"].items():
        _row_of(types, name)["kept"] = [list(parse_path(path)) for path in kept["paths"]]
    for name, said in tables["postChecks"].items():
        _row_of(types, name)["postCheck"] |= said
    for name, offered in tables["exports"].items():
        row = _row_of(types, name)
        row["calls"] = [{"name": n, "method": "POST", **call} for n, call in offered["actions"].items()]
        row["secrets"] = [{"name": n, **key} for n, key in offered["secrets"].items()]
    lists = {name: list(found) for name, found in _named_lists()}
    for name, rows in tables["childLists"].items():
        lists.setdefault(name, []).extend(
            {"path": r["path"].split("."), "children": _below(name, r["children"])} for r in rows
        )
    for name, found in lists.items():
        _row_of(types, name)["childLists"] = sorted(found, key=lambda row: str(row["path"]))


def _row_of(types: dict[str, dict[str, Any]], folded: str) -> dict[str, Any]:
    name = arm.canonical_name(folded)
    if name is None:
        raise ValueError(f"{OWN_TABLE.name}: no ARM type {folded!r}")
    return types.setdefault(folded, {"type": name})


def _below(parent: str, children: Sequence[str]) -> list[str]:
    names = [arm.canonical_name(f"{parent}/{child}".lower()) for child in children]
    if None in names:
        raise ValueError(f"{OWN_TABLE.name}: {parent} has no such children: {', '.join(children)}")
    return [name for name in names if name is not None]


def _named_lists() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the types with lists below ``properties`` that are named as a child type is that can be PUT on its own."""
    names = {name.lower(): name for name in arm.type_names()}
    children: dict[str, dict[str, str]] = {}
    for folded, name in names.items():
        parent, _, last = folded.rpartition("/")
        children.setdefault(parent, {})[last] = name
    for parent in sorted(children.keys() & names.keys()):
        found = [
            {"path": ["properties", member], "children": [children[parent][member.lower()]]}
            for member in _writable_lists(parent)
            if member.lower() in children[parent] and _is_writable(children[parent][member.lower()])
        ]
        if found:
            yield parent, found


def _is_writable(arm_type: str) -> bool:
    resource = arm.lookup(arm_type, arm.versions(arm_type)[-1])
    return resource is not None and not resource.readable_only


def _writable_lists(arm_type: str) -> list[str]:
    """Return the lists of objects below ``properties`` that a PUT takes, at the newest version."""
    resource = arm.lookup(arm_type, arm.versions(arm_type)[-1])
    member = _members(resource.body).get("properties") if resource else None
    inner = _members(member.node) if member else {}
    return sorted(
        name
        for name, below in inner.items()
        if not below.is_read_only
        and isinstance(below.node, ListNode)
        and isinstance(below.node.item, ObjectNode | UnionNode)
    )


def _members(node: object) -> Mapping[str, Any]:
    if isinstance(node, ObjectNode):
        return node.properties
    return node.base if isinstance(node, UnionNode) else {}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m schemas.build.behaviours", description=__doc__)
    parser.add_argument("extensions", type=Path)
    parser.add_argument("catalogue", type=Path)
    parser.add_argument("--out", type=Path, default=DATA)
    args = parser.parse_args(argv)
    size = pack.write(args.out / "behaviours.zst", compile_behaviours(args.extensions, args.catalogue))
    print(f"{size} bytes in {args.out / 'behaviours.zst'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
