"""ARM's rate limits on our side: one token bucket per (subscription, principal, kind of request)."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.ports import Clock
from providers.arm.answer import Answer

_LEAST_SHARE: Final = 1 / 200
"""The slowest refill that is ever learnt, as a share of the documented one."""
_BACK_OFF: Final = 0.9
"""Each refusal lowers the refill at least by this factor."""
_RECOVERY: Final = 1 / 400
"""Each success adds this share of the refill that the last refusal left."""
_RECOVERY_DOUBLES: Final = 40
"""After so many successes without a refusal each adds twice as much, after twice as many three times."""
_LONGEST_HOLD_S: Final = 3600.0
"""ARM's longest window is an hour: no Retry-After stops a bucket for longer."""
_UNTOLD_HOLD_S: Final = 1.0
_INSTANT_S: Final = 1e-5


class RequestKind(enum.StrEnum):
    """ARM counts these apart."""

    READ = "reads"
    WRITE = "writes"
    DELETE = "deletes"

    @classmethod
    def of(cls, method: str) -> RequestKind:
        """Return the kind a method counts as."""
        if method in ("GET", "HEAD"):
            return cls.READ
        return cls.DELETE if method == "DELETE" else cls.WRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A bucket's size and refill. Source: Microsoft's page on ARM request limits and throttling."""

    burst: float
    per_s: float


RATES: Final[Mapping[RequestKind, Rate]] = {
    RequestKind.READ: Rate(burst=250, per_s=25),
    RequestKind.WRITE: Rate(burst=200, per_s=10),
    RequestKind.DELETE: Rate(burst=200, per_s=10),
}


class Bucket:
    """Tokens of one (subscription, principal, kind): at the documented rate until the server refuses.

    Then at the rate that it is seen to grant: at two refusals its own bucket is empty, so what it granted between
    them, over the time between them, is its refill. Where no such measure exists the refill is halved. Each success
    adds a little, so that a limit that was raised, or another client that left, is noticed.
    """

    __slots__ = (
        "_at",
        "_documented",
        "_gain",
        "_granted",
        "_level",
        "_per_s",
        "_refused",
        "_serial",
        "_since",
        "_trusted",
    )

    def __init__(self, rate: Rate, now: float) -> None:
        """Start full."""
        self._documented = rate
        self._per_s = rate.per_s
        self._level = rate.burst
        self._at = now  # the level is that of this moment; lies ahead while nobody may pass
        self._serial = 0
        self._refused = 0  # requests up to this one were under way at the last refusal
        self._granted = 0
        self._gain = 0.0
        self._since: float | None = None  # the last refusal, while every request since had to wait
        self._trusted = True

    @property
    def per_s(self) -> float:
        """Return the refill as it is known now."""
        return self._per_s

    def wait_s(self, now: float) -> float:
        """Return how long the next request has to wait as things stand; ask again afterwards."""
        self._refill(now)
        wait = max(0.0, self._at - now) + max(0.0, 1 - self._level) / self._per_s
        return wait if wait > _INSTANT_S else 0.0

    def take(self, *, waited: bool) -> int:
        """Take one token and return the request's number. ``waited``: it was the bucket that set the pace."""
        self._level -= 1
        self._serial += 1
        if not waited:
            self._since = None
        return self._serial

    def grant(self, serial: int, remaining: int | None, now: float) -> None:
        """Note that a request was not refused, and how many more the server says it would take, if it says so.

        The server knows of other clients; requests sent since do not count in its number yet. More than we thought
        is believed unless a refusal showed that another limit than the one it counts is at work.
        """
        self._refill(now)
        if serial > self._refused > 0:
            self._granted += 1
            # Of a server that counts and has nothing left there is hardly more to have.
            gain = self._gain / 4 if remaining == 0 and self._trusted else self._gain
            faster = self._per_s + gain * (1 + self._granted / _RECOVERY_DOUBLES)
            self._per_s = min(self._documented.per_s, faster)
        if remaining is None or self._at > now:
            return
        left = max(0, remaining - (self._serial - serial))
        # The server's number is rounded down: one less than ours says nothing.
        if left < self._level - 1 or (self._trusted and left > self._level):
            self._level = left

    def refuse(self, serial: int, remaining: int | None, hold_s: float, now: float) -> None:
        """Let nobody pass for that long, then one, then more at the lower rate that this refusal teaches.

        Requests that were under way together are often refused together: that teaches once.
        """
        self._refill(now)
        if serial > self._refused:
            self._per_s = max(self._lower_rate(now), self._documented.per_s * _LEAST_SHARE)
            self._gain = self._per_s * _RECOVERY
            self._refused, self._granted, self._since = self._serial, 0, now
            self._trusted = remaining == 0
            self._level = 1.0
        self._level = min(self._level, 1.0)
        self._at = max(self._at, now + min(max(hold_s, 1 / self._per_s), _LONGEST_HOLD_S))

    def _lower_rate(self, now: float) -> float:
        if self._since is None or now <= self._since:
            return self._per_s / 2
        return min((self._granted + 0.5) / (now - self._since), self._per_s * _BACK_OFF)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        capacity = max(1.0, self._documented.burst * self._per_s / self._documented.per_s)
        if self._level < capacity:
            self._level = min(capacity, self._level + passed * self._per_s)
        self._at += passed


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one request; hand it back with the answer."""

    bucket: Bucket
    kind: RequestKind
    serial: int


class Throttle:
    """All buckets of one principal."""

    def __init__(self, clock: Clock, principal: str = "") -> None:
        """Count for one principal; buckets appear as subscriptions do."""
        self._clock = clock
        self._principal = principal
        self._buckets: dict[tuple[str, str, RequestKind], tuple[Bucket, asyncio.Lock]] = {}

    async def admit(self, subscription: str, kind: RequestKind) -> Ticket:
        """Wait until one more request of that kind fits, first come, first served.

        Only the first in the queue sleeps; it looks again when it wakes, as a refusal may have come meanwhile.
        """
        bucket, turn = self._bucket(subscription, kind)
        waited = turn.locked()
        async with turn:
            while wait_s := bucket.wait_s(self._clock.monotonic()):
                waited = True
                await self._clock.sleep(timedelta(seconds=wait_s))
            return Ticket(bucket, kind, bucket.take(waited=waited))

    def learn(self, ticket: Ticket, answer: Answer) -> None:
        """Correct the bucket by what the answer's headers say is left, or by its refusal."""
        now = self._clock.monotonic()
        remaining = _remaining(answer, ticket.kind)
        if answer.status != 429:
            ticket.bucket.grant(ticket.serial, remaining, now)
            return
        asked = answer.retry_after(self._clock.now())
        hold_s = asked.total_seconds() if asked is not None else _UNTOLD_HOLD_S
        ticket.bucket.refuse(ticket.serial, remaining, hold_s, now)

    def _bucket(self, subscription: str, kind: RequestKind) -> tuple[Bucket, asyncio.Lock]:
        key = (subscription.lower(), self._principal, kind)
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = (Bucket(RATES[kind], self._clock.monotonic()), asyncio.Lock())
        return found


def _remaining(answer: Answer, kind: RequestKind) -> int | None:
    """Return the smallest count of what is left; None where the answer has none."""
    left = [
        int(value)
        for name in (f"subscription-{kind}", f"subscription-global-{kind}", f"tenant-{kind}")
        if (value := answer.header(f"x-ms-ratelimit-remaining-{name}")).isdigit()
    ]
    return min(left, default=None)
