"""How services respell what they were sent, as rows of data: ``data/rewrite.json``.

A row is ``[verb, path, argument ...]``; paths have ``[]`` for list elements and ``{}`` for map values. Each row was
seen on real traffic. A service that writes a value differently gets a row here, never a branch elsewhere.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from providers.emulator.bodies import MISSING, find_all, read_path
from providers.emulator.facts import load_table
from providers.emulator.invent import Context, expand
from providers.emulator.regions import spell_region
from schemas.operations import parse_path

Verb = Callable[[Any, Sequence[Any], Context], Any]


def rewrite(arm_type: str, body: dict[str, Any], context: Context) -> None:
    """Apply a type's rows in their order, in place."""
    for verb, text, *arguments in _rows(arm_type.lower()):
        path = parse_path(text)
        if verb == "add":
            _add_element(body, path, arguments, context)
            continue
        for holder, name in list(find_all(body, path)):
            if name == "{}":
                _rename_keys(holder, _VERBS[verb], arguments, context)
            elif isinstance(name, int) or name in holder:
                value = _VERBS[verb](holder[name], arguments, context)
                if value is MISSING:
                    del holder[name]
                else:
                    holder[name] = value


def has_own_names(arm_type: str) -> bool:
    """Whether the name in a type's bodies is not the one in its address."""
    return arm_type.lower() in _table()["names"]


def merges_on_put(arm_type: str) -> bool:
    """Whether a PUT that leaves a member out keeps its value: the service treats PUT as PATCH."""
    return arm_type.partition("/")[0].lower() in _table()["mergeOnPut"]


def drops_empty(arm_type: str) -> bool:
    """Whether explicit empty lists and objects are not returned."""
    return arm_type.partition("/")[0].lower() in _table()["dropEmpty"]


def respell_name(arm_type: str, name: str, context: Context) -> str:
    """Return the name a type's bodies show instead of the one in the address."""
    row = _table()["names"].get(arm_type.lower())
    return re.sub(row[0], expand(row[1], context, "name"), name, count=1) if row else name


@cache
def _table() -> Mapping[str, Any]:
    return load_table("rewrite.json")


@cache
def _rows(folded: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(row) for row in _table()["types"].get(folded, ()))


def _add_element(body: dict[str, Any], path: Sequence[str], arguments: Sequence[Any], context: Context) -> None:
    """``add path key element``: the list gets the element unless one has the same key."""
    key, template = arguments
    element = expand(template, context, ".".join(path))
    found = read_path(body, path)
    if isinstance(found, list) and all(not isinstance(i, dict) or i.get(key) != element[key] for i in found):
        found.append(element)


def _rename_keys(holder: dict[str, Any], verb: Verb, arguments: Sequence[Any], context: Context) -> None:
    renamed = {verb(key, arguments, context): value for key, value in holder.items()}
    holder.clear()
    holder.update(renamed)


def _map(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    return arguments[0].get(value, value) if isinstance(value, str) else value


def _force(_value: Any, arguments: Sequence[Any], context: Context) -> Any:
    return expand(arguments[0], context, "force")


def _regex(value: Any, arguments: Sequence[Any], context: Context) -> Any:
    pattern, replacement = arguments
    return (
        re.sub(pattern, expand(replacement, context, "regex"), value, flags=re.IGNORECASE)
        if isinstance(value, str)
        else value
    )


def _case(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    if not isinstance(value, str):
        return value
    return {"lower": value.lower(), "upper": value.upper(), "capital": value[:1].upper() + value[1:]}[arguments[0]]


def _drop(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    """``drop path [value]``: leave out, always or only this value."""
    return value if arguments and value != arguments[0] else MISSING


def _at_least(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    text = str(value)
    return arguments[0] if text.isdecimal() and int(text) < int(arguments[0]) else value


def _region(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    return spell_region(value, arguments[0]) if isinstance(value, str) else value


def _id_case(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    """``id-case path [provider]``: ``resourcegroups``, and the provider part in lower case too if asked for."""
    if not isinstance(value, str):
        return value
    value = re.sub("/resourcegroups/", "/resourcegroups/", value, flags=re.IGNORECASE)
    if not arguments:
        return value
    head, mark, tail = value.partition("/providers/")
    parts = tail.split("/")
    parts[0] = parts[0].lower()
    parts[1::2] = [p.lower() for p in parts[1::2]]
    return head + mark + "/".join(parts)


def _sort(value: Any, arguments: Sequence[Any], _context: Context) -> Any:
    """``sort path key``: the service keeps the list in an order of its own."""
    if not isinstance(value, list):
        return value
    return sorted(value, key=lambda i: str(i.get(arguments[0], "")) if isinstance(i, dict) else str(i))


def _xml(value: Any, _arguments: Sequence[Any], _context: Context) -> Any:
    """White space between tags becomes line ends and tabs; text that is no XML stays."""
    if not isinstance(value, str):
        return value
    try:
        root = ET.fromstring(value)  # noqa: S314  # parsed by whoever runs the emulator on the own machine
    except ET.ParseError:
        return value
    ET.indent(root, "\t")
    return ET.tostring(root, encoding="unicode").replace("\n", "\r\n")


_VERBS: Mapping[str, Verb] = {
    "map": _map,
    "force": _force,
    "regex": _regex,
    "case": _case,
    "drop": _drop,
    "at-least": _at_least,
    "region": _region,
    "id-case": _id_case,
    "sort": _sort,
    "xml": _xml,
}
