"""ARM's rate limits on our side: one token bucket per (subscription, principal, kind of request)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.ports import Clock
from providers.arm.answer import Answer


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
    """Tokens of one (subscription, principal, kind)."""

    __slots__ = ("_at", "_capacity", "_level", "_rate")

    def __init__(self, rate: Rate, now: float) -> None:
        """Start full."""
        self._rate = rate
        self._capacity = rate.burst
        self._level = rate.burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token, in advance if there is none; return how many seconds to wait for it."""
        self._refill(now)
        self._level -= 1
        return 0.0 if self._level >= 0 else -self._level / self._rate.per_s

    def correct(self, remaining: float, now: float) -> None:
        """Believe the server's count: it knows of other clients, and of limits above the documented ones."""
        self._refill(now)
        self._capacity = max(self._capacity, remaining)
        self._level = min(remaining, self._capacity) if self._level >= 0 else min(self._level, remaining)

    def close(self, seconds: float, now: float) -> None:
        """Let nobody pass for that long: the server refused for rate."""
        self._refill(now)
        self._level = min(self._level, -seconds * self._rate.per_s)

    def _refill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + max(0.0, now - self._at) * self._rate.per_s)
        self._at = max(now, self._at)


class Throttle:
    """All buckets of one principal."""

    def __init__(self, clock: Clock, principal: str = "") -> None:
        """Count for one principal; buckets appear as subscriptions do."""
        self._clock = clock
        self._principal = principal
        self._buckets: dict[tuple[str, str, RequestKind], Bucket] = {}

    async def admit(self, subscription: str, kind: RequestKind) -> None:
        """Wait until one more request of that kind fits."""
        wait_s = self._bucket(subscription, kind).take(self._clock.monotonic())
        if wait_s > 0:
            await self._clock.sleep(timedelta(seconds=wait_s))

    def learn(self, subscription: str, kind: RequestKind, answer: Answer) -> None:
        """Correct the bucket by what the answer's headers say is left, or by its refusal."""
        bucket, now = self._bucket(subscription, kind), self._clock.monotonic()
        left = [
            int(value)
            for name in (f"subscription-{kind}", f"subscription-global-{kind}", f"tenant-{kind}")
            if (value := answer.header(f"x-ms-ratelimit-remaining-{name}")).isdigit()
        ]
        if left:
            bucket.correct(min(left), now)
        if answer.status == 429:
            asked = answer.retry_after(self._clock.now())
            bucket.close(asked.total_seconds() if asked else 1.0, now)

    def _bucket(self, subscription: str, kind: RequestKind) -> Bucket:
        key = (subscription.lower(), self._principal, kind)
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = Bucket(RATES[kind], self._clock.monotonic())
        return found
