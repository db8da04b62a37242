"""How long a request may go on failing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from engine.errors import ThrottledError, TransientError
from engine.ports import Clock

_FIRST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(seconds=60)


class Patience:
    """Counts from the first failure of one request: a request that waits for its turn has not failed.

    Refusals for rate count with the waits that they ask for, and not with the time in the queue before them.
    """

    def __init__(self, limit: timedelta, clock: Clock) -> None:
        """Start with nothing failed."""
        self._limit_s = limit.total_seconds()
        self._clock = clock
        self._backoff = _FIRST_WAIT
        self._failing_since: float | None = None
        self._next_try = 0.0

    def next_wait(self, error: TransientError) -> timedelta | None:
        """Return how long to wait before the next try; None when patience would end before it."""
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        elif isinstance(error, ThrottledError):
            self._failing_since += max(0.0, now - self._next_try)
        wait = error.retry_after if error.retry_after is not None else self._backoff
        self._backoff = min(self._backoff * 2, _LONGEST_WAIT)
        self._next_try = now + wait.total_seconds()
        return wait if self._next_try - self._failing_since <= self._limit_s else None
