"""``trueup schema``: what an ARM type or an ASO kind allows, offline."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

if TYPE_CHECKING:  # the verb's module stays light: ``--help`` must not load facts
    from engine.app.schema_tree import Entry
    from schemas.kind_types import Kind
    from schemas.nodes import ResourceType

_DEPTH = 3
_GROUP_SUFFIX = ".azure.com"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take ``show`` and ``find``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|find")
    show = actions.add_parser("show", help="print the members of one type or kind")
    show.add_argument("name", metavar="TYPE[@VERSION]|GROUP/[VERSION/]KIND", help="newest version when none is given")
    show.add_argument("--depth", type=_depth, default=_DEPTH, help=f"levels to print (default {_DEPTH})")
    show.add_argument("--status", action="store_true", help="of a kind: the status instead of the spec")
    find = actions.add_parser("find", help="list types and kinds whose name holds a word")
    find.add_argument("word", metavar="WORD")
    for sub in (show, find):
        sub.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Print what was asked for.

    Raises:
        InvalidSpecError: Nothing has that name; the message names the nearest known ones.
    """
    if args.action == "find":
        return _find(args.word, args.output)
    kind = _parse_kind(args.name)
    return _show_kind(kind, args) if kind is not None else _show_type(_parse_type(args.name), args)


def _depth(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _parse_type(text: str) -> ResourceType:
    from schemas import arm

    name, _, version = text.partition("@")
    known = arm.versions(name)
    found = arm.lookup(name, version or _newest(known)) if known else None
    if found is not None:
        return found
    near = _one_of(arm.nearest(name, version))
    if known:
        raise InvalidSpecError(f"{name} has no api-version {version}", hint=near)
    raise InvalidSpecError(f"there is no ARM type {name}", hint=near)


def _newest(versions: Sequence[str]) -> str:
    stable = [v for v in versions if v.count("-") == 2]
    return (stable or list(versions))[-1]


def _parse_kind(text: str) -> Kind | None:
    """Return the kind; None when the text does not name a kind but an ARM type."""
    parts = text.split("/")
    if not parts[0].endswith(_GROUP_SUFFIX):
        return None
    from schemas import kinds

    group, name = parts[0], parts[-1]
    version = parts[1] if len(parts) == 3 else (kinds.versions(group, name) or ("",))[-1]
    found = kinds.lookup_kind(group, version, name)
    if found is None:
        near = _one_of([n.replace(" ", "/") for n in kinds.nearest_kind(group, version, name)])
        raise InvalidSpecError(f"there is no kind {text}", hint=near)
    return found


def _one_of(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return f"nearest: {text}" if text else "trueup schema find WORD searches all names"


def _show_type(found: ResourceType, args: argparse.Namespace) -> int:
    from engine.app.schema_tree import arm_entries
    from schemas import arm
    from schemas.operations import lookup_operations

    operations = lookup_operations(found.name)
    facts: dict[str, Any] = {
        "type": found.name,
        "apiVersion": found.api_version,
        "scopes": sorted(found.scopes),
        "readOnly": found.readable_only,
        "methods": sorted(operations.methods) if operations else [],
        "lists": sorted({e.scope for e in operations.lists}) if operations else [],
        "kinds": _kinds_of(found.name),
        "versions": list(arm.versions(found.name)),
    }
    return _print(f"{found.name}@{found.api_version}", facts, arm_entries(found.body), args)


def _kinds_of(arm_type: str) -> list[str]:
    from schemas import kinds

    folded = arm_type.lower()
    return sorted({f"{k.group}/{k.version}/{k.name}" for k in kinds.all_kinds() if k.arm_type.lower() == folded})


def _show_kind(kind: Kind, args: argparse.Namespace) -> int:
    from engine.app.schema_tree import kind_entries
    from schemas import kinds

    owner = kind.owner
    facts: dict[str, Any] = {
        "kind": kind.name,
        "group": kind.group,
        "version": kind.version,
        "type": f"{kind.arm_type}@{kind.api_version}" if kind.is_arm else "",
        "owner": "" if owner is None else "any" if owner.is_any else f"{owner.group}/{owner.kind}",
        "scope": str(kind.scope),
        "azureName": kind.fixed_name,
        "operations": sorted(kind.operations),
        "versions": list(kinds.versions(kind.group, kind.name)),
    }
    shape = kind.status if args.status else kind.spec
    return _print(f"{kind.group}/{kind.version}/{kind.name}", facts, kind_entries(shape), args)


def _print(title: str, facts: dict[str, Any], entries: Iterable[Entry], args: argparse.Namespace) -> int:
    from engine.app import schema_tree

    if args.output == "json":
        return _print_json(facts | {"members": schema_tree.render_json(entries, args.depth)})
    lines = [title, *(f"  {name}: {_words(value)}" for name, value in facts.items() if value), ""]
    lines += schema_tree.render_text(entries, args.depth)
    sys.stdout.write("\n".join(lines) + "\n")
    return ExitCode.CLEAN


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "yes" if value is True else str(value)


def _find(word: str, output: str) -> int:
    from schemas import arm

    types: list[dict[str, Any]] = [{"type": n, "versions": list(arm.versions(n))} for n in arm.search(word)]
    found_kinds = _find_kinds(word)
    if not types and not found_kinds:
        raise InvalidSpecError(f"no ARM type and no kind has {word!r} in its name", hint=_one_of(arm.nearest(word)))
    if output == "json":
        return _print_json({"types": types, "kinds": found_kinds})
    lines = [_found_line(k["kind"], k["versions"]) for k in found_kinds]
    lines += [_found_line(t["type"], t["versions"]) for t in types]
    sys.stdout.write("\n".join(lines) + "\n")
    return ExitCode.CLEAN


def _find_kinds(word: str) -> list[dict[str, Any]]:
    from schemas import kinds

    names = sorted({(k.group, k.name) for k in kinds.all_kinds() if word.lower() in f"{k.group}/{k.name}".lower()})
    return [{"kind": f"{g}/{n}", "versions": list(kinds.versions(g, n))} for g, n in names]


def _found_line(name: str, versions: Sequence[str]) -> str:
    span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}, {len(versions)} versions"
    return f"{name}  ({span})"


def _print_json(value: object) -> int:
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
    return ExitCode.CLEAN
