"""The DriftReport of a namespace: what of its drift is shown, within bounds, and what a later process reads back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from engine.drift.finding import Move, Standing, State
from engine.drift.ledger import Ended, Ledger, Remembered, Tracked, describe, object_name, print_of
from engine.drift.severity import Severity
from engine.model.document import encode_public

GROUP: Final = "trueup.dev"
VERSION: Final = "v1alpha1"
KIND: Final = "DriftReport"
PLURAL: Final = "driftreports"
NAME: Final = "drift"
"""Of the one report of a namespace."""
FINDING_LIMIT: Final = 50
SIZE_LIMIT: Final = 64 * 1024
"""Bytes of a report as JSON, memory of what is not shown included."""
_MEMORY_LIMIT: Final = 2_000
"""Objects whose ``since`` is remembered without being shown."""
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


def build_report(namespace: str, ledger: Ledger) -> dict[str, Any]:
    """Return the report of a namespace; the same ledger gives the same report, whatever the time."""
    tracked = sorted(ledger.tracked().values(), key=_order)
    report: dict[str, Any] = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": NAME, "namespace": namespace},
        "summary": {},
        "findings": [],
        "ended": [_ended_json(e) for e in reversed(ledger.ended())],
        "remembered": [],
    }
    shown = min(len(tracked), FINDING_LIMIT)
    while True:
        _fill(report, ledger, tracked, shown)
        if len(encode_public(report)) <= SIZE_LIMIT or not shown:
            return {name: value for name, value in report.items() if value != []}
        shown -= max(1, shown // 10)


def _fill(report: dict[str, Any], ledger: Ledger, tracked: Sequence[Tracked], shown: int) -> None:
    report["summary"] = _summary(ledger, tracked, shown)
    report["findings"] = [_finding_json(t) for t in tracked[:shown]]
    report["remembered"] = _remembered_json(tracked[shown:], ledger.earlier())


def _order(tracked: Tracked) -> tuple[int, datetime, str, str]:
    key = tracked.finding.key
    return -tracked.finding.severity.rank, tracked.since, key.kind, key.name


def _summary(ledger: Ledger, tracked: Sequence[Tracked], shown: int) -> dict[str, Any]:
    seen = list(ledger.seen())
    standings = Counter(s.standing for s in seen)
    states = Counter(t.finding.state for t in tracked)
    severities = Counter(t.finding.severity for t in tracked)
    summary: dict[str, Any] = {
        "state": _state(states, standings),
        "checked": len(seen),
        "drifted": states[State.DRIFTED],
        "missing": states[State.MISSING],
        "differs": states[State.DIFFERS],
        "unreadable": standings[Standing.UNREADABLE],
        "pending": standings[Standing.PENDING],
        "absent": standings[Standing.ABSENT],
        "ignored": sum(s.ignored for s in seen),
        **{severity.value: severities[severity] for severity in Severity},
        "notShown": len(tracked) - shown,
    }
    if tracked:
        summary["since"] = stamp(min(t.since for t in tracked))
        summary["worst"] = tracked[0].finding.severity.value
        summary["top"] = f"{object_name(tracked[0].finding.key.identity)}: {describe(tracked[0].finding)}"
    return summary


def _state(states: Mapping[State, int], standings: Mapping[Standing, int]) -> str:
    if states[State.DRIFTED] or states[State.MISSING]:
        return "Drifted"
    if standings[Standing.UNREADABLE]:
        return "Unreadable"
    return "Differs" if states[State.DIFFERS] else "InSync"


def _finding_json(tracked: Tracked) -> dict[str, Any]:
    finding = tracked.finding
    found: dict[str, Any] = {
        "object": {"apiVersion": finding.key.api_version, "kind": finding.key.kind, "name": finding.key.name},
        "resource": finding.resource,
        "type": finding.type,
        "state": finding.state.value,
        "severity": finding.severity.value,
        "since": stamp(tracked.since),
        "what": describe(finding),
        "policy": finding.policy.value,
        "request": finding.request,
        "fingerprint": finding.fingerprint,
        "changes": [_move_json(m) for m in finding.moves],
    }
    if finding.more:
        found["changesNotShown"] = finding.more
    if finding.by is not None:
        found["lastModified"] = {"by": finding.by.by, "byType": finding.by.by_type, "at": stamp(finding.by.at)}
    return found


def _move_json(move: Move) -> dict[str, str]:
    found = {"path": move.path, "place": move.place, "before": move.before, "after": move.after}
    return {**found, "who": move.who} if move.who else found


def _ended_json(ended: Ended) -> dict[str, str]:
    return {
        "object": ended.object,
        "what": ended.what,
        "how": ended.how,
        "since": stamp(ended.since),
        "until": stamp(ended.until),
    }


def _remembered_json(rest: Iterable[Tracked], earlier: Mapping[str, datetime]) -> list[dict[str, str]]:
    """Return since when what is not shown differs: prints of objects, by time."""
    by_time: dict[str, list[str]] = defaultdict(list)
    every = [(t.since, print_of(t.finding.key.identity)) for t in rest]
    every += [(since, mark) for mark, since in earlier.items()]
    for since, mark in sorted(every)[:_MEMORY_LIMIT]:
        by_time[stamp(since)].append(mark)
    return [{"since": since, "objects": " ".join(marks)} for since, marks in by_time.items()]


def read_report(report: Mapping[str, Any]) -> Remembered:
    """Return what a report tells the next process; what cannot be understood is left out."""
    since: dict[str, datetime] = {}
    what: dict[str, str] = {}
    for item in _items(report, "findings"):
        about, at = item.get("object"), parse_stamp(item.get("since"))
        if isinstance(about, Mapping) and at is not None:
            group = str(about.get("apiVersion", "")).rpartition("/")[0]
            identity = ("", group, str(about.get("kind", "")), str(about.get("name", "")))
            since[print_of(identity)] = at
            what[object_name(identity)] = str(item.get("what", ""))
    for item in _items(report, "remembered"):
        at = parse_stamp(item.get("since"))
        if at is not None:
            since |= dict.fromkeys(str(item.get("objects", "")).split(), at)
    ended = [e for item in reversed(_items(report, "ended")) if (e := _read_ended(item)) is not None]
    return Remembered(since=since, what=what, ended=tuple(ended))


def _read_ended(item: Mapping[str, Any]) -> Ended | None:
    since, until = parse_stamp(item.get("since")), parse_stamp(item.get("until"))
    if since is None or until is None:
        return None
    name, what, how = (str(item.get(member, "")) for member in ("object", "what", "how"))
    return Ended(object=name, what=what, how=how, since=since, until=until)


def _items(report: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = report.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def stamp(at: datetime) -> str:
    """Return a time as Kubernetes writes it."""
    return at.astimezone(UTC).strftime(_STAMP)


def parse_stamp(text: object) -> datetime | None:
    """Return the time that a text names; None for one that names none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def content_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report says, without what the server adds."""
    return {name: report[name] for name in ("summary", "findings", "ended", "remembered") if name in report}
