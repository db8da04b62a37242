"""Where a member of an object's status lies in the ARM body, by ASO's kind catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_INDEX = re.compile(r"\[[^\]]*\]")


class Catalogue:
    """The kind catalogue as published: one file per group."""

    def __init__(self, folder: Path) -> None:
        documents = [orjson.loads(p.read_bytes()) for p in sorted(folder.glob("*.json"))]
        self._groups: dict[str, dict[str, Any]] = {d["group"]: d for d in documents}

    def arm_type(self, group: str, kind: str) -> str | None:
        """Return a kind's ARM type; None for kinds outside ARM.

        Raises:
            ValueError: There is no such kind.
        """
        found = [v["kinds"][kind] for v in self._versions(group).values() if kind in v["kinds"]]
        if not found:
            raise ValueError(f"the catalogue has no kind {group}/{kind}")
        name: str | None = found[-1].get("armType")
        return name

    def status_to_body(self, group: str, kind: str, status: str) -> list[str] | None:
        """Translate ``status.a.b[*].c``; ``[]`` stands for list elements. None when no version has the member."""
        for version in sorted(self._versions(group).values(), key=lambda v: str(v.get("apiVersion", "")), reverse=True):
            entry = version["kinds"].get(kind)
            if entry is not None and "status" in entry:
                found = self._follow(group, entry["status"], split_status(status))
                if found is not None:
                    return found
        return None

    def _versions(self, group: str) -> Mapping[str, Any]:
        versions: Mapping[str, Any] = self._groups.get(group, {}).get("versions", {})
        return versions

    def _follow(self, group: str, expression: Any, names: list[str]) -> list[str] | None:
        if not names:
            return []
        if isinstance(expression, dict) and "[]" in expression and names[0] == "[]":
            rest = self._follow(group, expression["[]"], names[1:])
            return None if rest is None else ["[]", *rest]
        if not isinstance(expression, int):
            return None
        return self._follow_member(group, self._groups[group]["types"][expression], names)

    def _follow_member(self, group: str, definition: Mapping[str, Any], names: list[str]) -> list[str] | None:
        entry = definition.get("p", {}).get(names[0])
        if entry is None:
            return None
        detail = entry if isinstance(entry, dict) and "t" in entry else {"t": entry}
        place = detail.get("a", names[0])
        rest = self._follow(group, detail["t"], names[1:])
        if place is None or rest is None:
            return None
        return [*([place] if isinstance(place, str) else place), *rest]


def split_status(text: str) -> list[str]:
    """Split ``status.a[*].b`` into names; every index becomes ``[]``."""
    plain = _INDEX.sub(".[]", text.removeprefix("status."))
    return plain.split(".")
