"""What is sent next and what becomes of it: taken, to be tried later, dead, or sent once more where it is still so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from engine.alerts.outbox import Message, Outbox
from engine.errors import EngineError

ATTEMPTS: Final = 12
"""After so many tries, over seven hours at least, a message is dead."""
_FIRST_WAIT: Final = timedelta(seconds=15)
_LONGEST_WAIT: Final = timedelta(hours=3)
_DEAD_LIMIT: Final = 50


class RefusedError(EngineError):
    """The receiver understood the message and will never take it."""

    reason = "AlertRefused"


def due_messages(outbox: Outbox, now: datetime) -> list[Message]:
    """Return what is to be sent now: one message for each sink that something is due for.

    A sink hears of things in their order: while its oldest message waits, so do the later ones.
    """
    return [message for message in _oldest(outbox) if message.due <= now]


def next_due(outbox: Outbox, busy: Collection[str] = ()) -> datetime | None:
    """Return when something is to be sent to others than the ``busy`` sinks; None when nothing waits for them."""
    return min((message.due for message in _oldest(outbox) if message.sink not in busy), default=None)


def _oldest(outbox: Outbox) -> list[Message]:
    oldest: dict[str, Message] = {}
    for message in outbox.waiting:
        oldest.setdefault(message.sink, message)
    return list(oldest.values())


def tried(outbox: Outbox, message: Message, error: EngineError | None, now: datetime) -> Outbox:
    """Return the outbox after a message was sent; ``error`` is None when its sink took it."""
    if error is None:
        return delivered(outbox, message)
    is_final, after = isinstance(error, RefusedError), getattr(error, "retry_after", None)
    return failed(outbox, message, str(error), now, is_final=is_final, after=after)


def delivered(outbox: Outbox, message: Message) -> Outbox:
    """Return the outbox without a message that its sink took.

    A sink that takes messages again is also sent what was given up, as far as it is still so; not what it refused.
    """
    given_up = {m.id for m in outbox.dead if m.sink == message.sink and m.attempts >= ATTEMPTS}
    again = [as_it_stands(outbox, m, message.due) for m in outbox.dead if m.id in given_up]
    return replace(
        outbox,
        waiting=(*_others(outbox, message), *(m for m in again if m.says_something)),
        dead=tuple(m for m in outbox.dead if m.id not in given_up),
    )


def _others(outbox: Outbox, message: Message) -> tuple[Message, ...]:
    return tuple(m for m in outbox.waiting if m.id != message.id)


def as_it_stands(outbox: Outbox, message: Message, due: datetime) -> Message:
    """Return a dead message to be sent at that time, without what is over or was told since."""
    told = {key: t.alert for key, t in outbox.told.get(message.sink, {}).items()}
    return replace(
        message,
        firing=tuple(a for a in message.firing if a.key in told and told[a.key].version == a.version),
        resolved=tuple(a for a in message.resolved if a.key not in told),
        replaced=tuple(a for a in message.replaced if a.key not in told or not told[a.key].is_named_as(a)),
        attempts=0,
        due=due,
        error="",
    )


def failed(
    outbox: Outbox,
    message: Message,
    error: str,
    now: datetime,
    *,
    is_final: bool = False,
    after: timedelta | None = None,
) -> Outbox:
    """Return the outbox with a message to be tried later; after too many tries, or a refusal that stays, it is dead.

    Args:
        outbox: As it was.
        message: What was not taken.
        error: Why.
        now: The time.
        is_final: Whether it would never be taken.
        after: The receiver's own word on when to try again; None for none.
    """
    again = replace(message, attempts=message.attempts + 1, error=error)
    if is_final or again.attempts >= ATTEMPTS:
        dead = (*outbox.dead, again)[-_DEAD_LIMIT:]
        return replace(outbox, waiting=_others(outbox, message), dead=dead, dead_count=outbox.dead_count + 1)
    wait = min(_FIRST_WAIT * 2 ** (again.attempts - 1), _LONGEST_WAIT)
    later = replace(again, due=now + max(wait, min(after or wait, _LONGEST_WAIT)))
    return replace(outbox, waiting=tuple(later if m.id == message.id else m for m in outbox.waiting))


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
    again = [as_it_stands(outbox, m, now) for m in outbox.dead if m in chosen]
    told = [m for m in again if m.says_something]
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
