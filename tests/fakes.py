"""Stand-ins for ports and for Azure itself; deterministic, without sockets and without waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Time that passes only when somebody sleeps; ``slept`` holds every wait in seconds."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._passed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return self._passed_s

    async def sleep(self, duration: timedelta) -> None:
        self.slept.append(duration.total_seconds())
        self.advance(duration.total_seconds())
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._passed_s += max(0.0, seconds)
