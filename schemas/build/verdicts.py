"""What Azure's definitions do not flag but names, descriptions and ASO's catalogue tell; decided at build time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

IDENTIFIER_TABLE = Path(__file__).parent / "list_identifiers.yaml"
REGION_TABLE = Path(__file__).parent / "region_members.yaml"

_ID_NAME = re.compile(r"(^id$|resource_?ids?$|resource_?uris?$|arm_?ids?$)", re.IGNORECASE)
_ID_WORDING = re.compile(r"(/subscriptions/[^ ]*/resourcegroups/|\barm ?id\b|\bresource ?ids?\b)", re.IGNORECASE)


_UNREAD_WORDING = re.compile(
    r"(\bis a write-only property\b|- write only\b|\bheaders sent with the request\b"
    r"|\bwill not be included in any response\b"
    r"|\b(not|never) (be )?returned (in|on|from) (the )?(get\b|response\b(?! (until|to))|service\b)"
    r"|\bis masked in the response\b|\bfield will be empty following the creation\b)",
    re.IGNORECASE,
)


class Verdict(NamedTuple):
    """What a property adds to the node it points to.

    Attributes:
        text: ``r`` ARM id, ``l`` location, ``f`` float, ``I`` integer for certain; lists pass it on to their items.
        identifiers: Members that name an element.
        order: ``o`` significant, ``u`` insignificant, empty when nothing is known.
    """

    text: str = ""
    identifiers: tuple[str, ...] = ()
    order: str = ""


NONE = Verdict()


def judge_text(name: str, description: str) -> str:
    """Decide from name and description whether a text is an ARM id (``r``), a region (``l``) or neither."""
    if name.lower() in _region_members():
        return "l"
    return "r" if _ID_NAME.search(name) or _ID_WORDING.search(description) else ""


def is_unread(description: str) -> bool:
    """Whether a description says that reads leave the member out, which its flags may fail to say."""
    return bool(_UNREAD_WORDING.search(description))


@cache
def _region_members() -> frozenset[str]:
    return frozenset(yaml.safe_load(REGION_TABLE.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Row:
    properties: frozenset[str]
    provider: str
    members: frozenset[str]
    scalars: bool
    verdict: Verdict

    def fits(self, provider: str, name: str, members: frozenset[str] | None) -> bool:
        if name not in self.properties or not fnmatchcase(provider, self.provider):
            return False
        return members is None if self.scalars else self.members <= (members or frozenset())


@dataclass(frozen=True)
class ListTable:
    """The reviewed table of list identifiers."""

    rows: tuple[_Row, ...]
    general: tuple[tuple[str, ...], ...]

    def judge(self, provider: str, name: str, members: frozenset[str] | None) -> Verdict:
        """Decide what names the elements of a list and whether its order counts.

        Args:
            provider: Provider namespace in lower case.
            name: The list's own property name; ``[]`` for a list inside a list.
            members: The elements' writable members; None for plain values.
        """
        for row in self._by_property.get(name, ()):
            if row.fits(provider, name, members):
                return row.verdict
        if members is None:
            return NONE
        return Verdict(identifiers=next((ids for ids in self.general if members.issuperset(ids)), ()))

    @cached_property
    def _by_property(self) -> Mapping[str, Sequence[_Row]]:
        index: dict[str, list[_Row]] = {}
        for row in self.rows:
            for name in row.properties:
                index.setdefault(name, []).append(row)
        return index


@cache
def list_table(path: Path = IDENTIFIER_TABLE) -> ListTable:
    """Read the table; a row with an unknown key is an error, since it would silently do nothing."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return ListTable(tuple(_row(r) for r in raw["rows"]), tuple(tuple(g) for g in raw["general"]))


def _row(raw: dict[str, Any]) -> _Row:
    unknown = raw.keys() - {"property", "provider", "members", "scalars", "identifiers", "ordered", "set"}
    if unknown:
        raise ValueError(f"{IDENTIFIER_TABLE.name}: unknown keys {sorted(unknown)} in {raw}")
    names = raw["property"]
    order = "o" if raw.get("ordered") else "u" if raw.get("set") else ""
    return _Row(
        properties=frozenset([names] if isinstance(names, str) else names),
        provider=raw.get("provider", "*"),
        members=frozenset(raw.get("members", ())),
        scalars=raw.get("scalars", False),
        verdict=Verdict(identifiers=tuple(raw.get("identifiers", ())), order=order),
    )
