"""Compiles ``data/readback.json``: what Azure adds to, leaves out of and respells in a body it was sent.

``python -m providers.emulator.build.readback PAIRS.jsonl.xz`` reads recorded pairs (body sent, body read back). A
member is taken as a default when most recordings of its type show the same value for it, after everything that
depends on the single resource was replaced by a placeholder.
"""

from __future__ import annotations

import collections
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from providers.emulator.build.tables import compile_file
from providers.emulator.build.templates import Context
from schemas import arm
from schemas.nodes import ListNode, Node, ObjectNode, UnionNode

# The engine of the emulator makes these itself.
_MADE_ELSEWHERE = frozenset({"id", "name", "type", "location", "tags", "etag", "eTag", "systemData", "identity"})
_MADE_FOR_ELEMENTS = frozenset({"id", "etag"})
_STATE = "properties.provisioningState"
_SHARE = 0.6
_LONGEST_LIST = 4


class Table:
    """What was seen of one type."""

    def __init__(self) -> None:
        """Start empty."""
        self.pairs = 0
        self.added: dict[str, collections.Counter[bytes]] = collections.defaultdict(collections.Counter)
        self.chances: collections.Counter[str] = collections.Counter()
        self.lost: collections.Counter[str] = collections.Counter()
        self.kept: set[str] = set()
        self.tags: collections.Counter[str] = collections.Counter()
        self.location: collections.Counter[str] = collections.Counter()
        self.spelling: collections.Counter[str] = collections.Counter()
        self.group_word: collections.Counter[str] = collections.Counter()
        self.name: collections.Counter[str] = collections.Counter()
        self.states = 0

    def add(self, pair: Mapping[str, Any]) -> None:
        """Learn from one pair."""
        desired, actual = pair["desired"], pair["actual"]
        if not isinstance(actual, dict) or not isinstance(desired, dict):
            return
        self.pairs += 1
        context = Context.of(pair["id"], str(actual.get("location") or desired.get("location") or ""))
        self._envelope(pair, desired, actual)
        self.states += "provisioningState" in (actual.get("properties") or {})
        shape = arm.lookup_nearest(pair["type"], pair["api"])
        self._walk("", desired, actual, context, shape.type.body if shape else None)

    def _envelope(self, pair: Mapping[str, Any], desired: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
        if not desired.get("tags"):
            self.tags["absent" if "tags" not in actual else orjson.dumps(actual["tags"]).decode()[:4]] += 1
        if "location" in desired:
            self.location[_location_form(str(desired["location"]), actual.get("location"))] += 1
        elif actual.get("location"):
            self.location["inherited"] += 1
        self.spelling[str(actual.get("type", ""))] += 1
        words = str(actual.get("id", "")).split("/")
        if len(words) > 3 and words[3].lower() == "resourcegroups":
            self.group_word[words[3]] += 1
        parts = str(pair["id"]).split("/")
        if len(parts) > 10:
            self.name[_name_form(parts, str(actual.get("name", "")))] += 1

    def _walk(self, path: str, desired: Any, actual: Any, context: Context, node: Node | None) -> None:
        if isinstance(desired, dict) and isinstance(actual, dict):
            self._walk_object(path, desired, actual, context, node)
        elif isinstance(desired, list) and isinstance(actual, list) and len(desired) == len(actual):
            item = node.item if isinstance(node, ListNode) else None
            for d, a in zip(desired, actual, strict=True):
                self._walk(path + "[]", d, a, context, item)

    def _walk_object(
        self, path: str, desired: dict[str, Any], actual: dict[str, Any], context: Context, node: Node | None
    ) -> None:
        members = _members(node, desired)
        if members is None and path:
            return
        folded = {k.lower() for k in desired}
        for key, value in actual.items():
            place = f"{path}.{key}" if path else key
            if key.lower() in folded or (not path and key in _MADE_ELSEWHERE) or place == _STATE:
                continue
            if path.endswith("[]") and key in _MADE_FOR_ELEMENTS:
                continue
            for leaf, inner in _leaves(place, value):
                self.added[leaf][orjson.dumps(context.template(inner, leaf.rpartition(".")[2]))] += 1
        self.chances[path] += 1
        for key, value in desired.items():
            place = f"{path}.{key}" if path else key
            member = (members or {}).get(key)
            if actual.get(key) is None and value not in (None, "", [], {}) and place not in ("name", "tags"):
                self.lost[place] += 1
            elif key in actual:
                if member is not None and member.is_write_only and _plain(actual[key]) == _plain(value):
                    self.kept.add(place)
                self._walk(place, value, actual[key], context, member.node if member else None)

    def row(self) -> dict[str, Any]:
        """Return what the emulator needs of it."""
        row: dict[str, Any] = {
            "state": self.states * 2 >= self.pairs,
            "tags": _most(self.tags),
            "location": _most(self.location),
            "type": _most(self.spelling),
            "group": _most(self.group_word),
            "name": _most(self.name),
            "set": dict(self._defaults()),
            "drop": sorted(p for p, n in self.lost.items() if n >= _SHARE * self.chances[_parent(p)]),
            "keep": sorted(self.kept),
        }
        usual = {"tags": "absent", "location": "same", "group": "resourceGroups", "name": "same"}
        return {k: v for k, v in row.items() if v not in ("", [], {}) and usual.get(k) != v}

    def _defaults(self) -> Iterator[tuple[str, Any]]:
        for path, values in sorted(self.added.items()):
            value, count = values.most_common(1)[0]
            chances = self.chances[_nearest_parent(path, self.chances)] or self.pairs
            if count >= _SHARE * chances:
                yield path, orjson.loads(value)


def compile_table(lines: Iterator[bytes]) -> dict[str, Any]:
    """Return the whole table: type in lower case to its row."""
    tables: dict[str, Table] = collections.defaultdict(Table)
    for line in lines:
        pair = orjson.loads(line)
        tables[pair["type"].lower()].add(pair)
    return {name: table.row() for name, table in sorted(tables.items())}


def _plain(value: Any) -> Any:
    return value.rstrip("/").lower() if isinstance(value, str) else value


def _members(node: Node | None, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if isinstance(node, UnionNode):
        node = node.select(value.get(node.discriminator))
    return node.properties if isinstance(node, ObjectNode) and not node.is_map else None


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value and all("/" not in k and "." not in k for k in value):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif not isinstance(value, list) or len(value) <= _LONGEST_LIST:
        yield path, value


def _nearest_parent(path: str, chances: Mapping[str, int]) -> str:
    path = _parent(path)
    while path and path not in chances:
        path = _parent(path)
    return path


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _location_form(desired: str, actual: Any) -> str:
    if actual is None:
        return "absent"
    text = str(actual)
    if text == desired:
        return "same"
    if text.replace(" ", "").lower() == desired.replace(" ", "").lower():
        return "display" if " " in text else ("lower" if text.islower() else "title")
    return "other"


def _name_form(parts: list[str], name: str) -> str:
    own = parts[-1]
    if name == own:
        return "same"
    if name.lower() == "/".join((*parts[8:-1:2], own)).lower() and "/" in name:
        return "parent/child"
    return "Capital" if name.lower() == own.lower() else "other"


def _most(counter: collections.Counter[str]) -> str:
    return counter.most_common(1)[0][0] if counter else ""


if __name__ == "__main__":
    sys.stdout.write(compile_file(sys.argv[1], "readback.json", compile_table) + "\n")
