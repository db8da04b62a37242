"""An outbox as the value of a Secret: compressed, and small enough for one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from engine.alerts.alert import Alert
from engine.alerts.outbox import Message, Outbox, Told, read_outbox

LIMIT: Final = 700_000
"""Bytes: a Secret holds 1 MiB, and carries its values in base64."""
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
        raw = zlib.compress(json.dumps(made.to_json(), separators=(",", ":")).encode(), 6)
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
    return read_outbox(json.loads(text))


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
