"""When operations are asked, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import UnavailableError
from engine.model.result import OperationProgress, OperationStatus
from engine.runtime.polls import PollSchedule
from tests.fakes import LoopClock, run_virtually


@dataclass
class Azure:
    """Notes who is asked when; ``slow`` names answer after that many seconds, ``per_s`` limits reads."""

    clock: LoopClock
    slow: dict[str, float] = field(default_factory=dict)
    per_s: float = 0.0
    ends_at: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    _next: float = 0.0

    async def poll(self, token: str) -> OperationProgress:
        if self.per_s:
            now = self.clock.monotonic()
            self._next = max(self._next, now) + 1 / self.per_s
            await self.clock.sleep(timedelta(seconds=self._next - now))
        self.asked.append((round(self.clock.monotonic(), 3), token))
        await self.clock.sleep(timedelta(seconds=self.slow.get(token, 0.0)))
        if token == "broken":
            raise UnavailableError("no answer")
        is_running = self.clock.monotonic() < self.ends_at
        status = OperationStatus.RUNNING if is_running else OperationStatus.SUCCEEDED
        return OperationProgress(status=status, token=token, wait=timedelta(seconds=1))


def run(script: Callable[[PollSchedule, Azure], Coroutine[Any, Any, Any]], **azure: Any) -> tuple[Any, Azure]:
    async def main() -> tuple[Any, Azure]:
        clock = LoopClock()
        asked = Azure(clock, **azure)
        schedule = PollSchedule(asked, clock)  # type: ignore[arg-type]  # nothing is written
        async with schedule.running():
            return await script(schedule, asked), asked

    return run_virtually(main())


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_operations_are_asked_when_they_are_due() -> None:
    """No poll comes before its Retry-After; one that comes in late but is due sooner is asked sooner."""

    async def script(schedule: PollSchedule, azure: Azure) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(schedule.ask("slow", seconds(60)))
            group.create_task(schedule.ask("middle", seconds(15)))
            await azure.clock.sleep(seconds(1))
            group.create_task(schedule.ask("quick", seconds(2)))

    _, azure = run(script)

    assert azure.asked == [(3, "quick"), (15, "middle"), (60, "slow")]


def test_an_operation_that_is_slow_to_answer_delays_no_other() -> None:
    """A poll that hangs for a minute holds up neither the polls that are due meanwhile nor their next ones."""

    async def script(schedule: PollSchedule, azure: Azure) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(schedule.ask("hangs", seconds(1)))
            first = await schedule.ask("other", seconds(2))
            assert first.wait == seconds(1)
            await schedule.ask("other", first.wait)

    _, azure = run(script, slow={"hangs": 60.0})

    assert azure.asked == [(1, "hangs"), (2, "other"), (3, "other")]


def test_a_poll_that_fails_tells_the_one_who_asked() -> None:
    """An error of one poll reaches its own caller; the schedule goes on."""

    async def script(schedule: PollSchedule, azure: Azure) -> None:
        with pytest.raises(UnavailableError):
            await schedule.ask("broken", seconds(1))
        await schedule.ask("other", seconds(1))

    _, azure = run(script)

    assert [token for _, token in azure.asked] == ["broken", "other"]


def test_nobody_is_asked_for_who_left() -> None:
    """A poll whose caller was cancelled is not sent."""

    async def script(schedule: PollSchedule, azure: Azure) -> None:
        left = asyncio.ensure_future(schedule.ask("left", seconds(1)))
        await azure.clock.sleep(seconds(0.5))
        left.cancel()
        await schedule.ask("stays", seconds(1))

    _, azure = run(script)

    assert azure.asked == [(1.5, "stays")]


def test_polls_that_come_late_come_less_often() -> None:
    """Where 150 operations queue for 25 reads a second, each waits a quarter of its delay or as long as Azure asks."""

    async def script(schedule: PollSchedule, azure: Azure) -> list[float]:
        answers = await asyncio.gather(*(schedule.ask(f"o{n}", seconds(1)) for n in range(150)))
        return [a.wait.total_seconds() for a in answers]

    waits, azure = run(script, per_s=25.0)

    assert waits == pytest.approx([1.0] * 100 + [1 + n / 100 for n in range(1, 51)], abs=0.02)
    assert [token for _, token in azure.asked] == [f"o{n}" for n in range(150)]
