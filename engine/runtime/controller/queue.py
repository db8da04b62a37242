"""Which objects are due, when: edits at once, failures after a wait that grows, each object in one place at a time."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from engine.cluster.operating import RetryRate
from engine.desired.identity import ObjectIdentity
from engine.ports import Clock

FAST: Final = timedelta(seconds=30)
SLOW: Final = timedelta(minutes=3)
VERY_SLOW: Final = timedelta(hours=1)
MOST: Final = 1_000
"""Objects that are taken and not let go at a time: what is being written holds its bodies in memory."""
_FIRST: Final = timedelta(seconds=1)


class WorkQueue:
    """Objects by the time they are due; one that is being worked on comes again afterwards, if it became due."""

    def __init__(
        self,
        clock: Clock,
        rate: RetryRate | None = None,
        tell: Callable[[float], None] | None = None,
        *,
        most: int = MOST,
    ) -> None:
        """Hold nothing yet.

        Args:
            clock: For the times.
            rate: That retries over all objects keep to.
            tell: Hears how late each object is taken.
            most: How many may be taken at a time; what full passes work on is not counted, so that it keeps nobody out.
        """
        self._clock = clock
        self._most = most
        self._taken: set[ObjectIdentity] = set()
        self._tell = tell
        self._rate = rate
        self._tokens = float(rate.burst) if rate is not None else 0.0
        self._filled_at = clock.monotonic()
        self._due: dict[ObjectIdentity, float] = {}
        self._heap: list[tuple[float, ObjectIdentity]] = []
        self._failures: dict[ObjectIdentity, int] = {}
        self._busy: set[ObjectIdentity] = set()
        self._turns: dict[ObjectIdentity, int] = {}
        self._last_turn = 0
        self._again: dict[ObjectIdentity, float] = {}
        self._waiting: dict[ObjectIdentity, set[ObjectIdentity]] = {}
        self._news = asyncio.Event()

    @property
    def busy(self) -> frozenset[ObjectIdentity]:
        """Return what is being worked on."""
        return frozenset(self._busy)

    def __len__(self) -> int:
        """Return how many objects are due, now or later."""
        return len(self._due)

    def add(self, identity: ObjectIdentity, after: timedelta = timedelta(0)) -> None:
        """Make an object due; the earlier of two times counts."""
        at = self._clock.monotonic() + after.total_seconds()
        if identity in self._busy:
            self._again[identity] = min(at, self._again.get(identity, at))
        else:
            self._put(identity, at)

    def _put(self, identity: ObjectIdentity, at: float) -> None:
        if at < self._due.get(identity, float("inf")):
            self._due[identity] = at
            heapq.heappush(self._heap, (at, identity))
            self._news.set()

    def take(self) -> frozenset[ObjectIdentity]:
        """Return what is due now, as far as there is room; it counts as being worked on until ``done``."""
        now = self._clock.monotonic()
        taken = set()
        while self._heap and self._heap[0][0] <= now and not self._is_full:
            at, identity = heapq.heappop(self._heap)
            if self._due.get(identity) == at:
                del self._due[identity]
                self._work_on(identity)
                self._taken.add(identity)
                taken.add(identity)
                if self._tell is not None:
                    self._tell(now - at)
        return frozenset(taken)

    @property
    def _is_full(self) -> bool:
        return len(self._taken) >= self._most

    def is_free(self, identity: ObjectIdentity) -> bool:
        """Whether a full pass may look at an object: nobody works on it, and it does not wait after a failure."""
        return identity not in self._busy and not (identity in self._failures and identity in self._due)

    def begin(self, identity: ObjectIdentity, turn: int) -> bool:
        """Work on an object that was looked at; False when somebody worked on it since ``turn``, or it is due."""
        if identity in self._busy or identity in self._due or self.turn(identity) != turn:
            return False
        self._work_on(identity)
        return True

    def turn(self, identity: ObjectIdentity) -> int:
        """Return what changes each time somebody begins to work on an object."""
        return self._turns.get(identity, 0)

    def _work_on(self, identity: ObjectIdentity) -> None:
        self._last_turn += 1
        self._turns[identity] = self._last_turn
        self._busy.add(identity)

    def done(self, identity: ObjectIdentity) -> None:
        """Let go of an object; it is due when it became so meanwhile: at once for an edit, later for another try."""
        if self._is_full and self._heap:
            self._news.set()
        self._busy.discard(identity)
        self._taken.discard(identity)
        at = self._again.pop(identity, None)
        if at is not None:
            self._put(identity, at)

    def retry(self, identity: ObjectIdentity, *, limit: timedelta, at_least: timedelta | None = None) -> None:
        """Make an object due after a wait that doubles with each failure in a row."""
        failures = self._failures[identity] = self._failures.get(identity, 0) + 1
        wait = min(_FIRST * 2 ** min(failures - 1, 20), limit)
        self.add(identity, max(wait, at_least or wait, self._wait_for_token()))

    def wait_for(self, identity: ObjectIdentity, other: ObjectIdentity, *, limit: timedelta) -> int:
        """Make an object due as soon as another one succeeded; it is tried now and then all the same.

        Returns:
            How often in a row it was tried.
        """
        self._waiting.setdefault(other, set()).add(identity)
        self.retry(identity, limit=limit)
        return self._failures[identity]

    def _wait_for_token(self) -> timedelta:
        """Take a token; one that is not there yet is waited for."""
        if self._rate is None:
            return timedelta(0)
        now = self._clock.monotonic()
        filled = self._tokens + (now - self._filled_at) * self._rate.per_s
        self._tokens, self._filled_at = min(float(self._rate.burst), filled) - 1, now
        return timedelta(seconds=max(0.0, -self._tokens / self._rate.per_s))

    def succeeded(self, identity: ObjectIdentity) -> None:
        """Forget the failures of an object; what waited for it is due."""
        self._failures.pop(identity, None)
        for waiting in self._waiting.pop(identity, ()):
            if waiting in self._failures:
                del self._failures[waiting]
                self.add(waiting)

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop an object that is gone."""
        self._due.pop(identity, None)
        self._failures.pop(identity, None)
        self._again.pop(identity, None)
        self._turns.pop(identity, None)
        self._waiting.pop(identity, None)

    def next_due(self) -> float | None:
        """Return when the next object is due, by the monotonic clock; None when none is, or there is no room for it."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap and not self._is_full else None

    async def wait(self) -> None:
        """Return when something new was added, or when there is room again."""
        await self._news.wait()
        self._news.clear()
