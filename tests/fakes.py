"""Stand-ins for ports and for Azure itself; deterministic, without sockets and without waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from engine.model.audit import Author
from engine.model.ids import PlanId
from engine.ports import Clock
from engine.runtime.ledger import Ledger

Result = TypeVar("Result")


class MemoryAudit:
    """An audit log as a list."""

    def __init__(self) -> None:
        self.author = Author(user="ada", host="desk")
        self.records: list[dict[str, Any]] = []
        self.missed: list[str] = []

    def append(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def miss(self, problem: str) -> None:
        self.missed.append(problem)

    @property
    def events(self) -> list[str]:
        return [r["event"] + (f" {r['outcome']}" if "outcome" in r else "") for r in self.records]


def build_ledger(log: MemoryAudit | None = None, clock: Clock | None = None) -> Ledger:
    return Ledger(log or MemoryAudit(), clock or FakeClock(), plan=PlanId("plan-1"), secret_key=b"k" * 32)


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
        self._waits = _NoWaiting()
        super().__init__(self._waits)

    def time(self) -> float:
        return self._waits.waited_s


class LoopClock:
    """The clock of the running loop."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
