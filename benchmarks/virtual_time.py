"""An event loop whose time passes only while everybody waits: minutes of waiting take none."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Result = TypeVar("Result")


class _NoWaiting(selectors.DefaultSelector):
    """Answers at once; what it should have waited is added up."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "everybody waits for somebody"
            self.waited_s += max(0.0, timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when every task waits; many may wait at once."""

    def __init__(self) -> None:
        """Start at zero."""
        self._waits = _NoWaiting()
        super().__init__(self._waits)

    def time(self) -> float:
        """Return what was waited until now, in seconds."""
        return self._waits.waited_s


class LoopClock:
    """The clock of the running loop."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        """Count from a moment that is always the same."""
        self._start = start

    def now(self) -> datetime:
        """Return the loop's time as a date."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, duration: timedelta) -> None:
        """Wait."""
        await asyncio.sleep(duration.total_seconds())


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
