"""An outbox as the value of a Secret: each alert once, compressed, and small enough for one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from engine.alerts.alert import Alert
from engine.alerts.outbox import Message, Outbox, Told, read_outbox

LIMIT: Final = 1_000_000
"""Bytes: a Secret holds 1 MiB."""
FORMAT: Final = "trueup.outbox/1"
_ALERTS: Final = ("firing", "resolved", "replaced")
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes that are unpacked at most."""


class TooLargeError(ValueError):
    """The outbox does not fit into a Secret however little is kept of each alert."""


def pack(outbox: Outbox) -> bytes:
    """Return an outbox as bytes; when it would be too large, without what only describes alerts that were told.

    Raises:
        TooLargeError: It is too large even then.
    """
    for made in (outbox, _slim(outbox), replace(_slim(outbox), dead=())):
        raw = zlib.compress(_dumps(_share(made.to_json())).encode(), 6)
        if len(raw) <= LIMIT:
            return raw
    raise TooLargeError(f"{len(raw):,} bytes; a Secret takes {LIMIT:,}")


def unpack(raw: bytes) -> Outbox:
    """Return the outbox.

    Raises:
        ValueError, KeyError, TypeError: It is damaged, or not ours.
    """
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(raw, _LARGEST)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc
    if unpacker.unconsumed_tail or unpacker.unused_data or not unpacker.eof:
        raise ValueError("it is cut off, or more than one that we write")
    try:
        return read_outbox(_spread(json.loads(text)))
    except (LookupError, AttributeError) as exc:
        raise ValueError(f"it is of another shape: {exc!r}") from exc


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _share(outbox: dict[str, Any]) -> dict[str, Any]:
    """Return the outbox with a number in place of each alert: sinks and messages speak of the same ones."""
    table: dict[str, int] = {}

    def number(alert: Any) -> int:
        return table.setdefault(_dumps(alert), len(table))

    def share(message: Mapping[str, Any]) -> dict[str, Any]:
        return {**message, **{name: [number(a) for a in message[name]] for name in _ALERTS}}

    told = [{**t, "alert": number(t["alert"])} for t in outbox["told"]]
    messages = {name: [share(m) for m in outbox[name]] for name in ("waiting", "dead")}
    shared = {**outbox, **messages, "told": told}
    return {"format": FORMAT, "alerts": [json.loads(text) for text in table], "outbox": shared}


def _spread(found: Mapping[str, Any]) -> dict[str, Any]:
    if found["format"] != FORMAT:
        raise ValueError(f"unknown format {found['format']!r}")
    alerts, outbox = found["alerts"], found["outbox"]

    def spread(message: Mapping[str, Any]) -> dict[str, Any]:
        return {**message, **{name: [alerts[n] for n in message[name]] for name in _ALERTS}}

    told = [{**t, "alert": alerts[t["alert"]]} for t in outbox["told"]]
    return {**outbox, **{name: [spread(m) for m in outbox[name]] for name in ("waiting", "dead")}, "told": told}


def _slim(outbox: Outbox) -> Outbox:
    told: Mapping[str, Mapping[str, Told]] = {
        sink: {key: replace(t, alert=_bare(t.alert)) for key, t in alerts.items()}
        for sink, alerts in outbox.told.items()
    }
    return replace(outbox, told=told, dead=tuple(_bare_message(m) for m in outbox.dead))


def _bare_message(message: Message) -> Message:
    return replace(
        message,
        firing=tuple(_bare(a) for a in message.firing),
        resolved=tuple(_bare(a) for a in message.resolved),
        replaced=tuple(_bare(a) for a in message.replaced),
    )


def _bare(alert: Alert) -> Alert:
    return replace(alert, lines=(), who="", request="")
