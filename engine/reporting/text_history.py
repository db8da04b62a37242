"""The audit log for people: one block per write, newest last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model.audit import Fate
from engine.model.document import ABSENT
from engine.reporting.history import History, Write
from engine.reporting.phrases import duration_text, full_stop
from engine.reporting.style import TextOptions
from engine.reporting.values import SECRET_TEXT, format_value, printable, shorten_pair

_TONES = {Fate.SUCCEEDED: "good", Fate.UNKNOWN: "warn", Fate.UNFINISHED: "warn"}
_WORDS = {
    Fate.UNKNOWN: "unknown: it may have been carried out",
    Fate.UNFINISHED: "unfinished: Azure took it, its end was not seen",
    Fate.NOT_SENT: "not sent",
}


def render_history(history: History, style: TextOptions) -> str:
    """Return the writes for people, newest last."""
    if not history.writes:
        return "No writes are recorded.\n"
    blocks = [f"… {history.older:,} older (--limit 0 shows all)"] if history.older else []
    blocks += ["\n".join(_write_lines(w, style)) for w in history.writes]
    return "\n\n".join(blocks) + "\n"


def _write_lines(write: Write, style: TextOptions) -> Iterator[str]:
    title = f"{write.action.symbol} {write.action} {printable(str(write.key))}"
    yield f"{_moment(write.at)}  {style.paint_action(write.action, title)}"
    yield f"    {_request_text(write)}  {style.paint(_TONES.get(write.fate, 'bad'), _fate_text(write))}"
    yield from (f"    {line}" for line in _change_lines(write, style))
    yield from (f"    {line}" for line in _allowed_lines(write))
    yield style.paint("dim", f"    by {_author_text(write)}, plan {printable(_text(write.intent, 'plan'))}")
    yield style.paint("dim", f"    {_ids_text(write)}")
    if write.cause:
        words = ": ".join(printable(part) for part in (write.reason, write.code) if part)
        yield f"    {words}: {full_stop(write.cause)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _request_text(write: Write) -> str:
    request = _part(write.intent, "request")
    rest = _text(request, "url").partition("://")[2]
    return printable(f"{_text(request, 'method')} /{rest.partition('/')[2]}")


def _fate_text(write: Write) -> str:
    status = f"{write.http_status} " if write.http_status else ""
    word = _WORDS.get(write.fate, write.fate.value)
    took = max((write.ended or write.at) - write.at, timedelta(0))
    lasted = f", {duration_text(took)}" if write.ended is not None and not write.followed else ""
    return f"{status}{word}{lasted}{' (seen by a later run)' if write.followed else ''}"


def _author_text(write: Write) -> str:
    by = _part(write.intent, "by")
    principal = _text(by, "name") or _text(by, "appId") or _text(by, "objectId") or "an unknown identity"
    return printable(f"{principal} from {_text(by, 'user')}@{_text(by, 'host')}")


def _ids_text(write: Write) -> str:
    named = (
        ("correlation id", write.correlation_id),
        ("request id", write.request_id),
        ("client request id", _text(write.intent, "write")),
    )
    return ", ".join(f"{name} {printable(value)}" for name, value in named if value)


def _change_lines(write: Write, style: TextOptions) -> Iterator[str]:
    changes = write.intent.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and (change.get("text") or style.verbose):
            old, new = (_value_text(change, side) for side in ("before", "after"))
            if not style.verbose:
                old, new = shorten_pair(old, new, style.value_limit)
            yield f"{printable(_text(change, 'text')) or 'all that was sent'}: {old} → {new}"


def _allowed_lines(write: Write) -> Iterator[str]:
    allowed = write.intent.get("allowed")
    for one in allowed if isinstance(allowed, list) else ():
        if isinstance(one, dict):
            yield printable(f"guard {_text(one, 'guard')} let pass by {_text(one, 'option')}")


def _value_text(change: dict[str, Any], side: str) -> str:
    if change.get("sensitive") is True and side in change:
        return SECRET_TEXT
    return format_value(change.get(side, ABSENT))


def _part(holder: dict[str, Any], name: str) -> dict[str, Any]:
    part = holder.get(name)
    return part if isinstance(part, dict) else {}


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
