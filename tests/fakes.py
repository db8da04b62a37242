"""Stand-ins for ports and for Azure itself; deterministic, without sockets and without waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.virtual_time import LoopClock as LoopClock
from benchmarks.virtual_time import VirtualLoop as VirtualLoop
from benchmarks.virtual_time import run_virtually as run_virtually
from engine.model.audit import Author
from engine.model.ids import PlanId
from engine.ports import Clock
from engine.runtime.ledger import Ledger


class MemoryAudit:
    """An audit log as a list."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.missed: list[str] = []

    def author_of(self, key: object) -> Author:
        return Author(user="ada", host="desk")

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
