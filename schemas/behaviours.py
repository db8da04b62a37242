"""What one type does differently: a table read by a handful of mechanisms, never a class per kind.

Rows come from the behaviour facts of Azure Service Operator's hand-written customizations and from tables of ours
(``schemas.build.behaviours``). Types and kinds are found without letter case; a type without a row is like any other.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

import orjson

from schemas import store

Path = tuple[str, ...]
"""Member names from the root of the ARM body; ``[]`` stands for every element of a list."""


class CarryMode(enum.StrEnum):
    """What a PUT does with children that live in the parent's body."""

    REPLACE = "replace"
    MERGE_BY_NAME = "merge_by_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedChildren:
    """A child list that a PUT without it would empty.

    Attributes:
        path: Where the list is.
        mode: REPLACE: the body gets the list Azure holds. MERGE_BY_NAME: the body's own elements win, the others
            are appended.
        child_kind: ``group/Kind`` of the objects that manage such children; empty when there is no such kind.
    """

    path: Path
    mode: CarryMode
    child_kind: str = ""

    @property
    def by_name(self) -> bool:
        """Whether the body's own elements are kept, by name."""
        return self.mode is CarryMode.MERGE_BY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGate:
    """A state that must be reached before a PUT is sent.

    Attributes:
        path: Where the state is in what Azure returns (for a list: every element counts).
        proceed: States that let a PUT through; empty: all but those in ``block``.
        block: States that do not.
        ignores_case: States compare without letter case.
    """

    path: Path
    proceed: frozenset[str] = frozenset()
    block: frozenset[str] = frozenset()
    ignores_case: bool = True

    def lets_through(self, state: str | None) -> bool:
        """Whether the state, None when Azure does not say one, lets a request through."""
        if state is None:
            return True
        seen = state.lower() if self.ignores_case else state
        return seen in self.proceed if self.proceed else seen not in self.block

    def read(self, body: Any) -> tuple[str, ...]:
        """Return the states in a body, in order; empty when there are none."""
        return tuple(v for v in _read(body, self.path) if isinstance(v, str))

    def is_open(self, body: Any) -> bool:
        """Whether every state in the body lets a request through."""
        return all(self.lets_through(state) for state in self.read(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request beside the resource's own.

    Attributes:
        path: Template; ``{id}`` is the resource's id, ``{status.…}`` what its status says.
        paged: The answer may go on at ``nextLink``.
    """

    name: str
    method: str
    path: str
    api_version: str
    is_long_running: bool = False
    paged: bool = False
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportKey:
    """A value that can be written to a Secret or a ConfigMap.

    Attributes:
        name: Key under ``operatorSpec.secrets`` or ``operatorSpec.configMaps``.
        action: Name of the call whose answer holds it; empty when the resource's own body does.
        response: Where in that answer, as ``member[index or filter].member``.
        status: Where in the object's status; empty for an action.
        path: The same place in the ARM body.
        decode: ``base64`` when the answer is encoded so.
        source: What else it is made from, in words; empty for the two cases above.
        versions: Kind versions that offer it; empty for all.
    """

    name: str
    action: str = ""
    response: str = ""
    status: Path = ()
    path: Path = ()
    decode: str = ""
    source: str = ""
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildList:
    """A list in the parent's body whose elements are resources of their own.

    Attributes:
        children: Full ARM types of the elements, as Azure spells them; usually one.
    """

    path: Path
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDelete:
    """A type whose deleted resources keep their name until purged.

    Attributes:
        mode_path: Member that says what to do about one.
        modes: Values of it that are not Azure's -> (value to send when nothing deleted is found, when something is).
        purges: Values of it for which a deleted resource is purged first, for good.
    """

    mode_path: Path
    deleted_url: str
    purge_url: str
    api_version: str
    modes: Mapping[str, tuple[str, str]]
    purges: frozenset[str]


class Speed(enum.StrEnum):
    """How soon to try again."""

    SLOW = "slow"
    VERY_SLOW = "very-slow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error means; ``speed`` counts only when it is not fatal."""

    is_fatal: bool
    speed: Speed = Speed.SLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """One exception of a type to the default classification; ``code`` ``*`` is any code."""

    code: str
    contains: tuple[str, ...] = ()
    pattern: str = ""
    is_fatal: bool | None = None
    speed: Speed | None = None
    why: str = ""

    def fits(self, code: str, message: str) -> bool:
        """Whether the error is meant."""
        if self.code not in ("*", code) or not all(text in message for text in self.contains):
            return False
        return not self.pattern or re.search(self.pattern, message) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMark:
    """A tag that a tool leaves on what it manages; name and value are patterns, in lower case."""

    owner: str
    tag: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Everything special about one ARM type.

    Attributes:
        carried: Children to put back into a PUT.
        kept: Members that a PUT without them would set anew: they are put back where the object says nothing.
        gate: State of the resource itself to wait for before a PUT.
        owner_gate: State of its owner to wait for; the resource itself may not even be readable before.
        post_check: State that tells that the work is really done.
        post_check_call: What to send when that state is a user's error.
        secrets, config_maps: What can be exported.
        calls: The calls that exports need, by name.
        before_delete: Calls to send before the DELETE.
        delete_query, delete_headers: What the DELETE itself needs beyond the id.
        delete_takes: What goes with it, in words for a plan; empty for nothing but the resource.
        resolves_role: Member that takes a built-in role's name, to be looked up.
        status_limit: Member of the status that is cleared beyond so many elements: (path, limit).
        quirks: What the reference implementation gets wrong, for people: (severity, fact).
    """

    arm_type: str
    kind: str = ""
    carried: tuple[CarriedChildren, ...] = ()
    kept: tuple[Path, ...] = ()
    gate: StateGate | None = None
    owner_gate: StateGate | None = None
    post_check: StateGate | None = None
    post_check_call: Call | None = None
    secrets: tuple[ExportKey, ...] = ()
    config_maps: tuple[ExportKey, ...] = ()
    calls: Mapping[str, Call] = field(default_factory=dict)
    before_delete: tuple[Call, ...] = ()
    delete_query: str = ""
    delete_headers: tuple[tuple[str, str], ...] = ()
    delete_takes: str = ""
    soft_delete: SoftDelete | None = None
    child_lists: tuple[ChildList, ...] = ()
    error_rules: tuple[ErrorRule, ...] = ()
    resolves_role: Path = ()
    status_limit: tuple[Path, int] | None = None
    quirks: tuple[tuple[str, str], ...] = ()


def lookup_behaviour(arm_type: str) -> Behaviour | None:
    """Return what is special about a type; None when nothing is."""
    return _lookup(arm_type.lower())


def lookup_kind_behaviour(group: str, kind: str) -> Behaviour | None:
    """Return the same by Kubernetes group and kind; kinds outside ARM have rows only here."""
    arm_type = _table()["kinds"].get(f"{group}/{kind}".lower())
    return _lookup(arm_type) if arm_type is not None else None


def child_lists(arm_type: str) -> tuple[ChildList, ...]:
    """Return the lists in a type's body whose elements are resources of their own."""
    behaviour = lookup_behaviour(arm_type)
    return behaviour.child_lists if behaviour else ()


@lru_cache(maxsize=1024)
def why_data_bearing(arm_type: str) -> str:
    """Return what a resource of the type holds that no manifest brings back after a delete; empty for nothing."""
    folded = arm_type.lower()
    return next((why for p, why in _table()["dataBearing"].items() if fnmatchcase(folded, p)), "")


@cache
def owner_marks() -> tuple[OwnerMark, ...]:
    """Return every tag that tells of another owner."""
    return tuple(OwnerMark(**row) for row in _table()["otherOwners"])


def is_managed_by_relation(arm_type: str) -> bool:
    """Whether the type's ``managedBy`` says to what a resource is attached, not whose it is."""
    return arm_type.lower() in _table()["managedByRelations"]


def classify_error(arm_type: str, code: str, message: str, *, http_status: int | None = None) -> Verdict:
    """Decide what an error of a PUT or DELETE means: the type's own rules first, then the table by code.

    Any code in no table is tried again, at leisure when the request itself was refused (HTTP 400).
    """
    default = _default_verdict(code, http_status)
    behaviour = lookup_behaviour(arm_type)
    for rule in behaviour.error_rules if behaviour else ():
        if rule.fits(code, message):
            is_fatal = default.is_fatal if rule.is_fatal is None else rule.is_fatal
            return Verdict(is_fatal, rule.speed or default.speed)
    return default


def _default_verdict(code: str, http_status: int | None) -> Verdict:
    codes = _table()["errors"]
    if code in codes["fatal"]:
        return Verdict(is_fatal=True)
    if code in codes["slow"]:
        return Verdict(is_fatal=False)
    if code in codes["verySlow"] or http_status == 400:
        return Verdict(False, Speed.VERY_SLOW)
    return Verdict(is_fatal=False)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = orjson.loads(store.require("behaviours.zst"))
    return table


@lru_cache(maxsize=1024)
def _lookup(folded: str) -> Behaviour | None:
    row = _table()["types"].get(folded)
    return _decode(folded, row) if row is not None else None


def _decode(folded: str, row: Mapping[str, Any]) -> Behaviour:
    calls = {c["name"]: _call(c) for c in row.get("calls", ())}
    limit = row.get("statusLimit")
    return Behaviour(
        arm_type=row.get("type", folded),
        kind=row.get("kind", ""),
        carried=tuple(
            CarriedChildren(path=tuple(c["path"]), mode=CarryMode(c["mode"]), child_kind=c.get("child", ""))
            for c in row.get("carried", ())
        ),
        kept=tuple(tuple(path) for path in row.get("kept", ())),
        gate=_gate(row.get("gate")),
        owner_gate=_gate(row.get("ownerGate")),
        post_check=_gate(row.get("postCheck")),
        post_check_call=_call(row["postCheckCall"]) if "postCheckCall" in row else None,
        secrets=tuple(_key(k) for k in row.get("secrets", ())),
        config_maps=tuple(_key(k) for k in row.get("configMaps", ())),
        calls=calls,
        before_delete=tuple(_call(c) for c in row.get("beforeDelete", ())),
        delete_query="&".join(f"{k}={v}" for k, v in row.get("deleteQuery", {}).items()),
        delete_headers=tuple(row.get("deleteHeaders", {}).items()),
        delete_takes=row.get("deleteTakes", ""),
        soft_delete=_soft_delete(row.get("softDelete")),
        child_lists=tuple(
            ChildList(path=tuple(c["path"]), children=tuple(c["children"])) for c in row.get("childLists", ())
        ),
        error_rules=tuple(_error_rule(r) for r in row.get("errors", ())),
        resolves_role=tuple(row.get("resolvesRole", ())),
        status_limit=(tuple(limit[0]), limit[1]) if limit else None,
        quirks=tuple((q[0], q[1]) for q in row.get("quirks", ())),
    )


def _gate(raw: Mapping[str, Any] | None) -> StateGate | None:
    if raw is None:
        return None
    return StateGate(
        path=tuple(raw["path"]),
        proceed=frozenset(raw.get("proceed", ())),
        block=frozenset(raw.get("block", ())),
        ignores_case=raw.get("ignoresCase", True),
    )


def _call(raw: Mapping[str, Any]) -> Call:
    return Call(
        name=raw["name"],
        method=raw["method"],
        path=raw["path"],
        api_version=raw["apiVersion"],
        is_long_running=raw.get("lro", False),
        paged=raw.get("paged", False),
        body=raw.get("body"),
    )


def _key(raw: Mapping[str, Any]) -> ExportKey:
    return ExportKey(
        name=raw["name"],
        action=raw.get("action", ""),
        response=raw.get("response", ""),
        status=tuple(raw.get("status", ())),
        path=tuple(raw.get("path", ())),
        decode=raw.get("decode", ""),
        source=raw.get("source", ""),
        versions=tuple(raw.get("versions", ())),
    )


def _error_rule(raw: Mapping[str, Any]) -> ErrorRule:
    return ErrorRule(
        code=raw["code"],
        contains=tuple(raw.get("contains", ())),
        pattern=raw.get("pattern", ""),
        is_fatal=raw.get("fatal"),
        speed=Speed(raw["speed"]) if "speed" in raw else None,
        why=raw.get("why", ""),
    )


def _soft_delete(raw: Mapping[str, Any] | None) -> SoftDelete | None:
    if raw is None:
        return None
    return SoftDelete(
        mode_path=tuple(raw["mode"].split(".")),
        deleted_url=raw["deleted"],
        purge_url=raw["purge"],
        api_version=raw["apiVersion"],
        modes={name: (values[0], values[1]) for name, values in raw["modes"].items()},
        purges=frozenset(raw["purges"]),
    )


def _read(value: Any, path: Path) -> list[Any]:
    if not path:
        return [value]
    if path[0] == "[]":
        return [found for item in value for found in _read(item, path[1:])] if isinstance(value, list) else []
    return _read(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []
