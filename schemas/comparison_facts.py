"""What Azure does to single members of single types: values it forces, renames, completes, adds or never returns.

Rows live in ``data/comparison_facts.json``; each says which types and versions it holds for, what happens, how many
recorded writes show it and where it comes from, so that a row nobody can justify is visible.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

import orjson

from schemas.store import DATA

_TYPES_IN_MEMORY = 1_024


class Effect(enum.StrEnum):
    """What happens to a value between PUT and GET."""

    NOT_RETURNED = "not-returned"
    FORCED = "forced"
    GENERATED = "generated"
    RAISED = "raised"
    FILLED = "filled"
    DROPPED_ELEMENT = "dropped-element"
    ADDED_ELEMENT = "added-element"
    ADDED_KEY = "added-key"
    KEY_CASE = "key-case"
    ALIAS = "alias"
    ALIAS_PREFIX = "alias-prefix"
    COMPLETED = "completed"
    CASE = "case"
    SLASH = "slash"
    ID_BELOW_PROVIDER = "id-below-provider"
    SECRET = "secret"  # noqa: S105 - what the member is, no value
    XML = "xml-text"
    JSON = "json-text"
    YAML = "yaml-text"
    RETURNED = "returned"
    MOVED_BY_AZURE = "moved-by-azure"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFact:
    """One row.

    Attributes:
        types: ARM types in lower case; ``*`` and ``?`` as in file names.
        since, before: Api-versions it holds for (dates, ``before`` exclusive); empty for no bound.
        path: Member names in lower case; ``[]`` any list element, ``{}`` any key.
        sent: Values sent it holds for; empty for any.
        held: Values Azure then holds; what it means depends on the effect.
        pattern: For generated texts: what they look like; empty for anything.
        values: For aliases: what is sent, in lower case, to what is held.
        match: For added elements: members that tell the element.
        when: Conditions, ``name`` beside the member or ``/name/name`` from the body's root, to the values allowed:
            null also stands for absent, ``*`` for anything but that.
        when_scaled: It holds only while another object, an autoscale setting, sets the resource's capacity.
        pairs: How many recorded writes show it; 0 when only the source says so.
    """

    types: tuple[str, ...]
    path: tuple[str, ...]
    effect: Effect
    note: str
    source: str
    since: str = ""
    before: str = ""
    sent: tuple[Any, ...] = ()
    held: tuple[Any, ...] = ()
    pattern: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    match: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    when_scaled: bool = False
    pairs: int = 0

    @property
    def is_documented(self) -> bool:
        """Whether the row could have been written without any recording."""
        return "https://" in self.source or "read model" in self.source

    def holds_for(self, arm_type: str, api_version: str) -> bool:
        """Whether the row speaks of this type (in lower case) at this version."""
        if not any(fnmatchcase(arm_type, pattern) for pattern in self.types):
            return False
        return (not self.since or api_version >= self.since) and (not self.before or api_version < self.before)


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def facts_for(arm_type: str, api_version: str) -> tuple[ComparisonFact, ...]:
    """Return the rows of one type@version; letter case of the type is ignored."""
    folded = arm_type.lower()
    return tuple(fact for fact in all_facts() if fact.holds_for(folded, api_version))


@cache
def all_facts() -> tuple[ComparisonFact, ...]:
    """Return every row, in the order of the table."""
    rows = orjson.loads((DATA / "comparison_facts.json").read_bytes())
    return tuple(_decode(row) for row in rows["facts"])


def _decode(row: dict[str, Any]) -> ComparisonFact:
    return ComparisonFact(
        types=tuple(t.lower() for t in row["types"]),
        path=parse_path(row["path"]),
        effect=Effect(row["effect"]),
        note=row["note"],
        source=row["source"],
        since=row.get("since", ""),
        before=row.get("before", ""),
        sent=tuple(row.get("sent", ())),
        held=tuple(row.get("held", ())),
        pattern=row.get("pattern", ""),
        values=row.get("values", {}),
        match=row.get("match", {}),
        when={name: tuple(values) for name, values in row.get("when", {}).items()},
        when_scaled=row.get("whenScaled", False),
        pairs=row.get("pairs", 0),
    )


def parse_path(text: str) -> tuple[str, ...]:
    """Split ``properties.items[].name`` into lower-case segments; ``[]`` and ``{}`` become segments of their own."""
    return tuple(part for part in text.lower().replace("[]", ".[]").replace("{}", ".{}").split(".") if part)


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def secret_places(arm_type: str, api_version: str) -> frozenset[tuple[str, ...]]:
    """Return the members that hold a secret by a row or by ASO's kinds, whatever the type definition says."""
    rows = (fact.path for fact in facts_for(arm_type, api_version) if fact.effect is Effect.SECRET)
    return frozenset((*rows, *secret_members(arm_type)))


def secret_members(arm_type: str) -> tuple[tuple[str, ...], ...]:
    """Return the members whose value comes from a Secret in ASO's kinds of this type, as paths like a row's.

    ``{}`` stands for every key of a map.
    """
    return tuple(parse_path(path) for path in _secret_table().get(arm_type.lower(), ()))


@cache
def _secret_table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = orjson.loads((DATA / "secret_members.json").read_bytes())["types"]
    return table
