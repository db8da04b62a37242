"""One token bucket: the documented rate first, then what the server is seen to grant."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
_INSTANT_S: Final = 1e-5
_NEARLY_SPENT: Final = 8
"""An open bucket closes when the server says that fewer are left than may be under way at once."""


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
    """A bucket's size and refill.

    The figures are those of ARM's token buckets per subscription, principal and region. A client cannot tell which
    region's front end answers it, so it keeps to one region's share; where the headers show more, more is used. The
    buckets of a whole subscription are fifteen times as large and bind only where many principals share it.

    Source: "Understand how Azure Resource Manager throttles requests", migration to regional throttling.
    """

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
        "_is_open",
        "_level",
        "_per_s",
        "_refused",
        "_serial",
        "_since",
        "_trusted",
    )

    def __init__(self, rate: Rate, now: float, *, is_open: bool = False) -> None:
        """Start full.

        Args:
            rate: Never to be passed by the refill.
            now: Monotonic seconds.
            is_open: Let all pass until the first refusal: of a resource provider's own limit nothing is known.
        """
        self._is_open = is_open
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

    def left(self, now: float) -> float:
        """Return how many more requests fit now."""
        self._refill(now)
        return max(0.0, self._level) if self._at <= now else 0.0

    def wait_s(self, now: float) -> float:
        """Return how long the next request has to wait as things stand; ask again afterwards."""
        if self._is_open:
            return 0.0
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

    def grant(self, serial: int, remaining: int | None, now: float, *, others: int = 0) -> None:
        """Note that a request was not refused, and how many more the server says it would take, if it says so.

        The server knows of other clients; requests sent since do not count in its number yet. More than we thought
        is believed unless a refusal showed that another limit than the one it counts is at work. Requests and
        answers overtake each other: what was under way when this one was sent may have been counted after it.

        Args:
            serial: The request's number.
            remaining: What the server says; None where it says nothing.
            now: Monotonic seconds.
            others: Requests under way when this one was sent.
        """
        if self._is_open:
            self._close_if_spent(serial, remaining, now)
            return
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
        if left < self._level - 1:
            self._level = left
        elif self._trusted:
            self._level = max(self._level, left - others)

    def refuse(self, serial: int, remaining: int | None, hold_s: float, now: float) -> None:
        """Let nobody pass for that long, then one, then more at the lower rate that this refusal teaches.

        Requests that were under way together are often refused together: that teaches once.
        """
        self._is_open = False
        self._refill(now)
        if serial > self._refused:
            self._per_s = max(self._lower_rate(now), self._documented.per_s * _LEAST_SHARE)
            self._gain = self._per_s * _RECOVERY
            self._refused, self._granted, self._since = self._serial, 0, now
            self._trusted = remaining == 0
            self._level = 1.0
        self._level = min(self._level, 1.0)
        self._at = max(self._at, now + min(max(hold_s, 1 / self._per_s), _LONGEST_HOLD_S))

    def _close_if_spent(self, serial: int, remaining: int | None, now: float) -> None:
        if remaining is not None and remaining - (self._serial - serial) < _NEARLY_SPENT:
            self._is_open, self._at = False, now
            self._level = max(0, remaining - (self._serial - serial))

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
