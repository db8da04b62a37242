"""What was written to Azure, and what became of it: the audit log's lines put together, and as public JSON."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine.model.audit import Fate
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action
from engine.reporting.audit import AUDIT_FORMAT
from engine.reporting.wire import encode_json

HISTORY_FORMAT = "trueup.history/1"
_ENDED = frozenset({Fate.SUCCEEDED, Fate.REFUSED, Fate.FAILED, Fate.NOT_SENT})


@dataclass(slots=True, kw_only=True)
class Write:
    """One request of the log.

    Attributes:
        intent: Its first line, as it stands in the log.
        fate: What became of it; UNKNOWN and UNFINISHED until a later line says otherwise.
        ended: When that was seen; None where no line says so.
        followed: A later run saw the end.
    """

    intent: dict[str, Any]
    at: datetime
    key: ResourceKey
    id: ArmId | None
    action: Action
    fate: Fate = Fate.UNKNOWN
    ended: datetime | None = None
    http_status: int = 0
    correlation_id: str = ""
    request_id: str = ""
    reason: str = ""
    code: str = ""
    cause: str = ""
    followed: bool = False


@dataclass(slots=True, kw_only=True)
class History:
    """Writes, oldest first.

    Attributes:
        damaged: Lines that could not be read.
        older: Writes that fit, but are more than was asked for.
    """

    writes: list[Write] = field(default_factory=list)
    damaged: int = 0
    older: int = 0


Chosen = Callable[[ResourceKey, ArmId | None], bool]


def collect_history(
    lines: Iterable[dict[str, Any] | None], *, chosen: Chosen, since: datetime | None, limit: int
) -> History:
    """Put the lines of each write together.

    Args:
        lines: The log, oldest first; None for lines that cannot be read.
        chosen: Which objects are meant.
        since: Only writes from then on.
        limit: The newest so many; 0 for all.
    """
    history = History()
    kept: OrderedDict[str, Write] = OrderedDict()
    for line in lines:
        known = isinstance(line, dict) and line.get("format") == AUDIT_FORMAT
        write = _begin(line) if known and line is not None and line.get("event") == "intent" else None
        if write is not None and line is not None:
            if chosen(write.key, write.id) and (since is None or write.at >= since):
                kept[str(line.get("write"))] = write
                if limit and len(kept) > limit:
                    kept.popitem(last=False)
                    history.older += 1
        elif line is None or not known or not _apply(line, kept):
            history.damaged += 1
    history.writes = list(kept.values())
    return history


def _begin(line: dict[str, Any]) -> Write | None:
    """Return the write that an intent begins; None when the line lacks what every intent has."""
    named = line.get("object")
    at = _time(line.get("at"))
    if not isinstance(named, dict) or at is None or line.get("action") not in set(Action):
        return None
    group, _, version = str(named.get("apiVersion", "")).rpartition("/")
    key = ResourceKey(
        namespace=str(named.get("namespace", "")),
        group=group,
        version=version,
        kind=str(named.get("kind", "")),
        name=str(named.get("name", "")),
    )
    resource = ArmId(line["id"]) if isinstance(line.get("id"), str) else None
    return Write(intent=line, at=at, key=key, id=resource, action=Action(line["action"]))


def _apply(line: dict[str, Any], kept: OrderedDict[str, Write]) -> bool:
    """Add what a later line says of a write; False when the line says nothing that can be read."""
    event, at = line.get("event"), _time(line.get("at"))
    if at is None or (event != "answer" and line.get("outcome") not in set(Fate)):
        return False
    match event:
        case "answer":
            if write := kept.get(str(line.get("write"))):
                write.fate = Fate.UNFINISHED
                _name(write, line)
        case "outcome":
            if write := kept.get(str(line.get("write"))):
                _name(write, line)
                _end(write, line, at)
        case "followed":
            resource = ArmId(str(line.get("id", "")))
            write = next((w for w in reversed(kept.values()) if w.id == resource), None)
            if write is not None and write.fate not in _ENDED:
                _end(write, line, at)
                write.followed = True
        case _:
            return False
    return True


def _name(write: Write, line: dict[str, Any]) -> None:
    status = line.get("httpStatus")
    write.http_status = status if isinstance(status, int) else write.http_status
    write.correlation_id = str(line.get("correlationId", "")) or write.correlation_id
    write.request_id = str(line.get("requestId", "")) or write.request_id


def _end(write: Write, line: dict[str, Any], at: datetime) -> None:
    write.fate, write.ended = Fate(line["outcome"]), at
    write.reason, write.code, write.cause = (str(line.get(name, "")) for name in ("reason", "code", "cause"))


def _time(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def encode_history(history: History) -> bytes:
    """Return the writes as one JSON document."""
    return encode_json(
        {
            "format": HISTORY_FORMAT,
            "older": history.older,
            "damagedLines": history.damaged,
            "writes": [write_json(w) for w in history.writes],
        }
    )


def write_json(write: Write) -> dict[str, Any]:
    """Return one write: its intent as the log has it, and what became of it."""
    kept = {k: v for k, v in write.intent.items() if k not in ("format", "event", "write")}
    return kept | {
        "clientRequestId": write.intent.get("write", ""),
        "outcome": write.fate.value,
        "endedAt": write.ended.isoformat() if write.ended is not None else None,
        "followed": write.followed,
        "httpStatus": write.http_status or None,
        "correlationId": write.correlation_id,
        "requestId": write.request_id,
        "outcomeReason": write.reason,
        "code": write.code,
        "cause": write.cause,
    }
