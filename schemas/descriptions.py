"""What Azure's API documentation says of the members of a kind; read only where somebody asks for it.

The data are made by ``schemas.build.descriptions``: one compressed file per group (kinds, texts, then a line per tree
of members). The sentences are Microsoft's, published with the type definitions under the MIT licence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from schemas import store
from schemas.kinds import GROUP_SUFFIX

_GROUPS_IN_MEMORY: Final = 4


@dataclass(frozen=True, slots=True)
class Notes:
    """What is said of the members of one object, by one version of a kind or by several: the first that says something.

    Elements of lists and values of maps are at the place of the list or map itself.
    """

    _table: _Table | None = None
    _trees: tuple[int, ...] = ()

    def text(self, name: str) -> str:
        """Return what is said of a member; empty when nothing is."""
        return next((text for text, _ in self._entries(name) if text), "")

    def below(self, name: str) -> Notes:
        """Return what is said of the members of a member."""
        return Notes(self._table, tuple(dict.fromkeys(tree for _, tree in self._entries(name) if tree is not None)))

    def _entries(self, name: str) -> Iterator[tuple[str, int | None]]:
        if self._table is not None:
            for tree in self._trees:
                found = self._table.entry(tree, name)
                if found is not None:
                    yield found


NOTHING: Final = Notes()


def notes_of(group: str, kind: str, versions: Iterable[str], side: Literal["spec", "status"]) -> Notes:
    """Return what is said of a kind's members; the versions in the order in which they are asked."""
    table = _table(group)
    if table is None:
        return NOTHING
    number = 0 if side == "spec" else 1
    return Notes(table, tuple(trees[number] for v in versions if (trees := table.kind(v, kind)) is not None))


class _Table:
    """One group's texts and trees; a tree is decoded when first asked for."""

    def __init__(self, raw: bytes) -> None:
        kinds, texts, *lines = raw.split(b"\n")
        self._kinds: dict[str, dict[str, Sequence[int]]] = orjson.loads(kinds)
        self._texts: list[str] = orjson.loads(texts)
        self._lines = lines
        self._trees: dict[int, dict[str, Any]] = {}

    def kind(self, version: str, kind: str) -> Sequence[int] | None:
        return self._kinds.get(version, {}).get(kind)

    def entry(self, tree: int, name: str) -> tuple[str, int | None] | None:
        """Return a member's text and the tree below it."""
        if tree not in self._trees:
            self._trees[tree] = orjson.loads(self._lines[tree])
        found = self._trees[tree].get(name)
        if found is None:
            return None
        text, below = found if isinstance(found, list) else (found, None)
        return (self._texts[text] if text >= 0 else ""), below


@lru_cache(maxsize=_GROUPS_IN_MEMORY)
def _table(group: str) -> _Table | None:
    raw = store.read(f"descriptions/{group.removesuffix(GROUP_SUFFIX)}.zst")
    return _Table(raw) if raw is not None else None
