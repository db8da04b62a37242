"""What nobody took is sent again, as far as it is still true."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from engine.alerts.outbox import Message, Outbox


@dataclass(frozen=True, slots=True)
class Revived:
    """An outbox in which some messages are due at once.

    Attributes:
        sent: Ids of what is due now.
        over: Ids of dead messages that nobody needs any more: what they tell is no longer so, or was told since.
        unknown: Ids that no message has.
    """

    outbox: Outbox
    sent: tuple[str, ...]
    over: tuple[str, ...]
    unknown: tuple[str, ...]


def revive(outbox: Outbox, ids: Collection[str], now: datetime) -> Revived:
    """Make messages due that wait or are dead, those that are named or all.

    A dead message tells only what is still so: its receiver may have heard of the end meanwhile.
    """
    chosen = [m for m in (*outbox.waiting, *outbox.dead) if not ids or m.id in ids]
    waiting = tuple(replace(m, due=now) if m in chosen else m for m in outbox.waiting)
    again = [_as_it_stands(outbox, m, now) for m in outbox.dead if m in chosen]
    told = [m for m in again if m.firing or m.resolved or m.replaced]
    return Revived(
        outbox=replace(
            outbox,
            waiting=(*waiting, *told),
            dead=tuple(m for m in outbox.dead if m not in chosen),
        ),
        sent=tuple(m.id for m in (*waiting, *told) if m.due == now),
        over=tuple(m.id for m in again if m not in told),
        unknown=tuple(sorted(set(ids) - {m.id for m in chosen})),
    )


def _as_it_stands(outbox: Outbox, message: Message, now: datetime) -> Message:
    told = {key: t.alert for key, t in outbox.told.get(message.sink, {}).items()}
    return replace(
        message,
        firing=tuple(a for a in message.firing if a.key in told and told[a.key].version == a.version),
        resolved=tuple(a for a in message.resolved if a.key not in told),
        replaced=tuple(a for a in message.replaced if a.key not in told or not told[a.key].is_named_as(a)),
        attempts=0,
        due=now,
        error="",
    )
