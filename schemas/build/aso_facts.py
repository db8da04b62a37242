"""Facts per ARM path that only ASO's catalogue knows: which numbers are floats, which texts are references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

Tree = dict[str, Any]
"""Facts by path: inner nodes are trees, leaves are verdict letters (``f`` float, ``I`` integer, ``r`` ARM id).

``[]`` stands for the elements of a list, ``{}`` for the values of a map.
"""

_LETTERS = {"number": "f", "int": "I", "$ResourceReference": "r", "$WellKnownResourceReference": "r"}
STRONGER = {"I": 0, "r": 1, "f": 2}
"""Which letter wins where versions disagree."""


def read_catalogue(folder: Path) -> dict[str, Tree]:
    """Return the facts of each ARM type (lower case), all its versions merged: a float anywhere is a float."""
    facts: dict[str, Tree] = {}
    for path in sorted(folder.glob("*.json")):
        document = orjson.loads(path.read_bytes())
        for version in document["versions"].values():
            for kind in version["kinds"].values():
                if "armType" in kind:
                    tree = facts.setdefault(kind["armType"].lower(), {})
                    for place, letter in _walk(document["types"], kind["spec"], ()):
                        _add(tree, place, letter)
    return facts


def _add(tree: Tree, place: tuple[str, ...], letter: str) -> None:
    for segment in place[:-1]:
        below = tree.setdefault(segment, {})
        if not isinstance(below, dict):
            return
        tree = below
    known = tree.get(place[-1])
    if known is None or (isinstance(known, str) and STRONGER[letter] > STRONGER[known]):
        tree[place[-1]] = letter


def _walk(types: list[Any], expression: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(expression, str):
        if expression in _LETTERS and place:
            yield place, _LETTERS[expression]
    elif isinstance(expression, dict):
        for mark in ("[]", "{}"):
            if mark in expression:
                yield from _walk(types, expression[mark], (*place, mark))
    elif isinstance(expression, int):
        yield from _walk_definition(types, types[expression], place)


def _walk_definition(
    types: list[Any], definition: Mapping[str, Any], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    if definition["k"] == "s":
        yield from _walk(types, definition["t"], place)
    for name, entry in definition.get("p", {}).items() if definition["k"] == "o" else ():
        detail = entry if isinstance(entry, dict) and "t" in entry else {"t": entry}
        arm = detail.get("a", name)
        if arm is not None and "m" not in detail:
            below = (arm,) if isinstance(arm, str) else tuple(arm)
            yield from _walk(types, detail["t"], (*place, *below))
