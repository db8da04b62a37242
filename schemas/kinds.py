"""Every ASO kind: names, ARM type, scope, owner, and the types of spec and status with their places in the ARM body.

One group is read when one of its kinds is first asked for; nothing is read at import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import orjson

from schemas import store
from schemas.kind_types import (
    EnumType,
    Kind,
    ListType,
    MapType,
    Member,
    ObjectType,
    OwnerRule,
    RuledType,
    Rules,
    Scalar,
    Scope,
    Special,
    TypeExpr,
)

GROUP_SUFFIX = ".azure.com"
_NEAR_GROUP = 0.85
_NEAR_SUFFIX = 0.7


def lookup_kind(group: str, version: str, kind: str) -> Kind | None:
    """Return a kind; None when it is not known at exactly that version."""
    table = _group(group)
    return table.kind(version, kind) if table is not None else None


def groups() -> Sequence[str]:
    """Return all group names, sorted."""
    return tuple(_index())


def kinds_of(group: str) -> Sequence[str]:
    """Return the names of all kinds of a group, sorted; empty for an unknown group."""
    return sorted({kind for kinds in _index().get(group, {}).values() for kind in kinds})


def is_group(group: str) -> bool:
    """Whether ASO has kinds in this group."""
    return group in _index()


@lru_cache(maxsize=1024)
def similar_group(group: str) -> str:
    """Return the known group that a writer may have meant by an unknown one; empty when it is another vendor's.

    The name must be close as a whole and so must what follows its first label: ``network.azure.upbound.io`` is no
    misspelling.
    """
    from difflib import SequenceMatcher, get_close_matches

    name = group.lower()
    suffix = name.partition(".")[2]
    is_near = SequenceMatcher(None, suffix, GROUP_SUFFIX[1:]).ratio() >= _NEAR_SUFFIX
    if not is_near and not name.endswith(GROUP_SUFFIX[1:]):
        return ""
    return next(iter(get_close_matches(name, groups(), n=1, cutoff=_NEAR_GROUP)), "")


def versions(group: str, kind: str) -> Sequence[str]:
    """Return the versions in which a kind is known, oldest first; empty for an unknown kind."""
    found = (version for version, kinds in _index().get(group, {}).items() if kind in kinds)
    return tuple(sorted(found, key=_age))


def is_known(group: str, kind: str) -> bool:
    """Whether a kind exists in any version."""
    return any(kind in kinds for kinds in _index().get(group, {}).values())


@lru_cache(maxsize=1024)
def is_kind_name(kind: str) -> bool:
    """Whether some group has a kind of this name."""
    return any(kind in kinds for versions in _index().values() for kinds in versions.values())


def all_kinds() -> Iterator[Kind]:
    """Yield every kind at every version, sorted; reads all groups."""
    for group in groups():
        for version, kinds in _index()[group].items():
            for kind in kinds:
                found = lookup_kind(group, version, kind)
                assert found is not None
                yield found


def nearest_kind(group: str, version: str, kind: str) -> Sequence[str]:
    """Return up to three known ``group/version Kind`` texts that the writer may have meant, best first."""
    if is_known(group, kind):
        near = sorted(versions(group, kind), key=lambda known: _distance(known, version))
        return tuple(f"{group}/{known} {kind}" for known in near[:3])
    return _similar(group, kind)


def _similar(group: str, kind: str) -> Sequence[str]:
    from difflib import get_close_matches

    names = {f"{g} {k}".lower(): (g, k) for g, by_version in _index().items() for ks in by_version.values() for k in ks}
    close = get_close_matches(f"{group} {kind}".lower(), names, n=3, cutoff=0.75)
    found = [names[name] for name in close]
    found += [(g, k) for g, k in names.values() if k.lower() == kind.lower() and (g, k) not in found]
    return tuple(f"{g}/{versions(g, k)[-1]} {k}" for g, k in found[:3])


def _distance(known: str, wanted: str) -> tuple[bool, int, str]:
    a, b = _date(known), _date(wanted)
    return (("preview" in known) != ("preview" in wanted), abs(a - b), known)


def _date(version: str) -> int:
    digits = re.search(r"\d{8}", version)
    return int(digits.group()) if digits else 0


def _age(version: str) -> tuple[int, bool, bool]:
    return (_date(version), "preview" not in version, "api" not in version)


@cache
def _index() -> Mapping[str, Mapping[str, Sequence[str]]]:
    content = store.read("kinds/index.zst")
    return orjson.loads(content) if content is not None else {}


@cache
def _group(group: str) -> _GroupTable | None:
    content = store.read(f"kinds/{group.removesuffix(GROUP_SUFFIX)}.zst") if group in _index() else None
    return _GroupTable(orjson.loads(content)) if content is not None else None


class _GroupTable:
    """One group's compiled facts; types are made when first asked for and shared."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._name: str = raw["group"]
        self._types: list[dict[str, Any]] = raw["types"]
        self._versions: Mapping[str, Mapping[str, Any]] = raw["versions"]
        self._made: dict[int, TypeExpr] = {}
        self._kinds: dict[tuple[str, str], Kind] = {}

    def kind(self, version: str, name: str) -> Kind | None:
        facts = self._versions.get(version, {}).get(name)
        if facts is None:
            return None
        made = self._kinds.get((version, name))
        if made is None:
            made = self._kinds[version, name] = self._make_kind(version, name, facts)
        return made

    def _make_kind(self, version: str, name: str, facts: Mapping[str, Any]) -> Kind:
        return Kind(
            group=self._name,
            version=version,
            name=name,
            arm_type=facts.get("armType", ""),
            api_version=facts.get("apiVersion", ""),
            scope=Scope(facts.get("scope", "")),
            owner=_owner(facts.get("owner")),
            fixed_name=facts.get("fixedName", ""),
            operations=frozenset(facts.get("ops", ())),
            plural=facts["plural"],
            categories=tuple(facts["categories"]),
            is_hub=bool(facts.get("hub")),
            hooks=tuple(facts.get("hooks", ())),
            config_map_exports=facts.get("configMapExports", {}),
            resolve=lambda side: self._object(facts[side]),
        )

    def _object(self, index: int) -> ObjectType:
        made = self._expression(index)
        if not isinstance(made, ObjectType):
            raise TypeError(f"{self._name}: type {index} is not an object")
        return made

    def _expression(self, raw: Any) -> TypeExpr:
        if isinstance(raw, int):
            if raw not in self._made:
                self._made[raw] = self._definition(self._types[raw])
            return self._made[raw]
        if isinstance(raw, str):
            return Special(raw) if raw.startswith("$") else Scalar(raw)
        if "[]" in raw:
            return ListType(self._expression(raw["[]"]))
        return MapType(self._expression(raw["{}"]))

    def _definition(self, raw: Mapping[str, Any]) -> TypeExpr:
        if raw["k"] == "e":
            return EnumType(tuple(raw["v"]))
        if raw["k"] == "s":
            return RuledType(self._expression(raw["t"]), _rules(raw["v"]))
        return ObjectType(
            members={name: self._member(name, prop) for name, prop in raw["p"].items()},
            required=frozenset(raw.get("r", ())),
            discriminator=raw.get("one", ""),
            variants=raw.get("dv", {}),
            always_sent={tuple(place.split("/")): value for place, value in raw.get("x", {}).items()},
        )

    def _member(self, name: str, raw: Any) -> Member:
        prop = raw if isinstance(raw, dict) and "t" in raw else {"t": raw}
        return Member(
            name=name,
            place=_place(prop.get("a", name)),
            resolve=lambda: self._expression(prop["t"]),
            rules=_rules(prop["v"]) if "v" in prop else None,
            is_id_map=prop.get("m") == "idmap",
            default=prop.get("d"),
        )


def _place(raw: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if raw is None:
        return None
    return (raw,) if isinstance(raw, str) else tuple(raw)


def _owner(raw: Any) -> OwnerRule | None:
    if raw is None:
        return None
    if raw == "*":
        return OwnerRule("", "*")
    return OwnerRule(raw["group"], raw["kind"], bool(raw.get("k8sOnly")))


def _rules(raw: Mapping[str, Any]) -> Rules:
    return Rules(
        pattern=raw.get("pattern"),
        min_length=raw.get("minLength"),
        max_length=raw.get("maxLength"),
        minimum=raw.get("minimum"),
        maximum=raw.get("maximum"),
        multiple_of=raw.get("multipleOf"),
        min_items=raw.get("minItems"),
        max_items=raw.get("maxItems"),
        values=tuple(raw.get("enum", ())),
    )
