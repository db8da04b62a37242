"""Who may send next: one queue per bucket, by purpose, then first come, first served."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.model.purpose import Purpose
from engine.ports import Clock
from providers.arm.bucket import RATES, Bucket, RequestKind

_POLLS_PER_SWEEP: Final = 3
"""While both wait for ARM's limit every fourth request is a sweep's: hundreds of operations do not starve it."""
_SWEEP_FIRST: Final = (Purpose.EDIT, Purpose.FOLLOW, Purpose.SWEEP, Purpose.POLL)


@dataclass(slots=True)
class Pace:
    """A bucket, and whom it made wait: everybody up to that number."""

    bucket: Bucket
    kept_waiting: int = 0

    def lets_pass(self, now: float, newest: int) -> bool:
        """Whether one more fits now; else all that came until now have had to wait."""
        if self.bucket.wait_s(now):
            self.kept_waiting = newest
            return False
        return True

    def take(self, number: int) -> int:
        """Take one token for the one of that number and return the request's own number."""
        return self.bucket.take(waited=number <= self.kept_waiting)


@dataclass(slots=True, kw_only=True)
class Ticket:
    """Leave to send one request: hand it back with the answer, then release it.

    Attributes:
        serial: The request's number in ARM's bucket.
        provider_serial: Its number in the provider's.
        others, others_at_provider: Requests under way when it was handed out.
        is_released: It holds no connection any more.
    """

    gate: Gate
    provider: str
    purpose: Purpose
    serial: int
    provider_serial: int
    others: int
    others_at_provider: int
    is_released: bool = False


@dataclass(slots=True, eq=False)
class _Waiter:
    provider: str
    purpose: Purpose
    number: int
    woken: asyncio.Future[None] | None = None
    ticket: Ticket | None = None

    def wake(self) -> None:
        if self.woken is not None and not self.woken.done():
            self.woken.set_result(None)


class Gate:
    """The requests of one (subscription, principal, kind).

    A request needs a token of ARM's bucket, one of its provider's, and one of the connections of its purpose. What a
    provider holds back is passed by others. Of all who wait one sleeps until the next token; it looks again when it
    wakes, as a refusal may have come meanwhile.
    """

    def __init__(self, clock: Clock, kind: RequestKind, *, in_flight: Mapping[Purpose, int]) -> None:
        """Let nobody pass yet.

        Args:
            clock: For waits.
            kind: Of which requests.
            in_flight: Requests under way at once, by purpose; any number for purposes that it does not name.
        """
        self._clock = clock
        self.kind = kind
        self._in_flight = in_flight
        self._arm = Pace(Bucket(RATES[kind], clock.monotonic()))
        self._providers: dict[str, Pace] = {}
        self._lines: dict[Purpose, dict[str, deque[_Waiter]]] = {purpose: {} for purpose in Purpose}
        self._busy: Counter[Purpose] = Counter()
        self._under_way: Counter[str] = Counter()
        self._polls_since_sweep = 0
        self._looks: list[float] = []
        self._count = 0

    @property
    def bucket(self) -> Bucket:
        """Return ARM's bucket."""
        return self._arm.bucket

    def bucket_of(self, provider: str) -> Bucket:
        """Return a provider's own bucket."""
        return self._pace_of(provider).bucket

    async def enter(self, provider: str, purpose: Purpose) -> Ticket:
        """Wait for leave to send one request."""
        self._count += 1
        waiter = _Waiter(provider, purpose, self._count)
        self._lines[purpose].setdefault(provider, deque()).append(waiter)
        try:
            self.look()
            while waiter.ticket is None:
                await self._wait(waiter)
        except BaseException:
            self._withdraw(waiter)
            raise
        self._hand_over()
        return waiter.ticket

    def release(self, ticket: Ticket) -> None:
        """Give the connection to the next, once."""
        if ticket.is_released:
            return
        ticket.is_released = True
        self._busy[ticket.purpose] -= 1
        self._under_way[ticket.provider] -= 1
        self.look()

    def look(self) -> None:
        """Let pass whoever may, and see to it that somebody waits for the next token."""
        while (waiter := self._next()) is not None:
            self._lines[waiter.purpose][waiter.provider].popleft()
            if not self._lines[waiter.purpose][waiter.provider]:
                del self._lines[waiter.purpose][waiter.provider]
            self._busy[waiter.purpose] += 1
            self._count_polls(waiter.purpose)
            serial, provider_serial = self._arm.take(waiter.number), self._pace_of(waiter.provider).take(waiter.number)
            waiter.ticket = Ticket(
                gate=self,
                provider=waiter.provider,
                purpose=waiter.purpose,
                serial=serial,
                provider_serial=provider_serial,
                others=self._under_way.total(),
                others_at_provider=self._under_way[waiter.provider],
            )
            self._under_way[waiter.provider] += 1
            waiter.wake()
        self._hand_over()

    def _next(self) -> _Waiter | None:
        """Return who passes next; None when nobody may."""
        if not any(self._lines.values()) or not self._lets_pass(self._arm):
            return None
        for purpose in _SWEEP_FIRST if self._polls_since_sweep >= _POLLS_PER_SWEEP else Purpose:
            lines = self._lines[purpose]
            heads = [line[0] for provider, line in lines.items() if self._lets_pass(self._pace_of(provider))]
            if heads and self._has_room(purpose):
                return min(heads, key=lambda waiter: waiter.number)
        return None

    def _count_polls(self, purpose: Purpose) -> None:
        if purpose is Purpose.POLL:
            self._polls_since_sweep += 1
        elif purpose is Purpose.SWEEP:
            self._polls_since_sweep = 0

    async def _wait(self, waiter: _Waiter) -> None:
        """Sleep until the next token, or until woken where somebody else sleeps or only an answer can help."""
        at = self._next_look()
        if at is None:
            waiter.woken = asyncio.get_running_loop().create_future()
            await waiter.woken
            waiter.woken = None
            return
        self._looks.append(at)
        try:
            await self._clock.sleep(timedelta(seconds=at - self._clock.monotonic()))
        finally:
            self._looks.remove(at)
        self.look()

    def _next_look(self) -> float | None:
        """Return when somebody has to look; None when somebody will look by then, or only an answer can help."""
        pause_s = self._pause_s()
        if pause_s is None:
            return None
        at = self._clock.monotonic() + pause_s
        return None if self._looks and min(self._looks) <= at else at

    def _pause_s(self) -> float | None:
        """Return how long until somebody may pass as things stand; None when that takes an answer first."""
        now = self._clock.monotonic()
        waits = [
            self._pace_of(provider).bucket.wait_s(now)
            for purpose, lines in self._lines.items()
            if self._has_room(purpose)
            for provider in lines
        ]
        return max(self._arm.bucket.wait_s(now), min(waits)) if waits else None

    def _hand_over(self) -> None:
        """Wake one who waits where nobody sleeps, or where all sleep too long: it finds out how long to sleep."""
        if not any(self._lines.values()) or self._next_look() is None:
            return
        waiting = (w for lines in self._lines.values() for line in lines.values() for w in line)
        first = next((w for w in waiting if w.woken is not None), None)
        if first is not None:
            first.wake()

    def _withdraw(self, waiter: _Waiter) -> None:
        line = self._lines[waiter.purpose].get(waiter.provider)
        if waiter.ticket is not None:
            self.release(waiter.ticket)
        elif line is not None and waiter in line:
            line.remove(waiter)
            if not line:
                del self._lines[waiter.purpose][waiter.provider]
        self.look()

    def _has_room(self, purpose: Purpose) -> bool:
        limit = self._in_flight.get(purpose)
        return limit is None or self._busy[purpose] < limit

    def _lets_pass(self, pace: Pace) -> bool:
        return pace.lets_pass(self._clock.monotonic(), self._count)

    def _pace_of(self, provider: str) -> Pace:
        found = self._providers.get(provider)
        if found is None:
            is_open = Bucket(RATES[self.kind], self._clock.monotonic(), is_open=True)
            found = self._providers[provider] = Pace(is_open)
        return found
