"""What one type does differently: a table read by a handful of mechanisms, never a class per kind.

Rows come from the behaviour facts of Azure Service Operator's hand-written customizations and from tables of ours
(``schemas.build.behaviours``). Types and kinds are found without letter case; a type without a row is like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

import orjson

from schemas import store
from schemas.behaviour_types import (
    Behaviour,
    Call,
    CarriedChildren,
    CarryMode,
    ChildList,
    ErrorRule,
    ExportKey,
    OwnerMark,
    PostCheck,
    SoftDelete,
    Speed,
    StateGate,
    Verdict,
)


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
        post_check=_post_check(row.get("postCheck")),
        child_id=row.get("childId", ""),
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


def _post_check(raw: Mapping[str, Any] | None) -> PostCheck | None:
    gate = _gate(raw)
    if raw is None or gate is None:
        return None
    when = raw.get("callWhen", {})
    return PostCheck(
        gate=gate,
        says=raw["says"],
        call=_call(raw["call"]) if "call" in raw else None,
        call_state=when.get("state", ""),
        call_at=tuple(when.get("at", "").split(".")),
        call_contains=when.get("contains", ""),
    )


def _call(raw: Mapping[str, Any]) -> Call:
    return Call(
        name=raw["name"],
        method=raw["method"],
        path=raw["path"],
        api_version=raw["apiVersion"],
        is_long_running=raw.get("lro", False),
        paged=raw.get("paged", False),
        is_silent=raw.get("silent", False),
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
