"""When each operation is asked how it stands: one schedule for all of an apply."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from engine.errors import EngineError
from engine.model.result import OperationProgress
from engine.ports import Clock, StepApplier

_LONGEST_LAG_S: Final = 60.0
_LAG_SHARE: Final = 1 / 4
"""Of a poll's delay in what waits for the next: more leaves ARM's limit unused when the last operations end."""
_INSTANT_S: Final = 1e-5
"""Durations are told in microseconds: a shorter wait would be none, again and again."""


@dataclass(slots=True, order=True)
class _Due:
    """A poll to come; of two at the same moment the older one is asked first."""

    at: float
    number: int
    token: str = field(compare=False)
    answer: asyncio.Future[OperationProgress] = field(compare=False)


class PollSchedule:
    """Asks each operation when it is due, oldest first, a few at once.

    No poll comes sooner than the last answer asked for. When it came late, because many operations run and ARM's limit
    on reads sets the pace, the next wait is at least a part of that delay. An operation that is slow to answer delays
    only itself.
    """

    def __init__(self, azure: StepApplier, clock: Clock) -> None:
        """Ask nothing yet."""
        self._azure = azure
        self._clock = clock
        self._due: list[_Due] = []
        self._number = 0
        self._news = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the block lasts."""
        async with asyncio.TaskGroup() as group:
            clockwork = group.create_task(self._run())
            try:
                yield
            finally:
                clockwork.cancel()

    async def ask(self, token: str, wait: timedelta) -> OperationProgress:
        """Return how an operation stands after that wait.

        Raises:
            EngineError: As the poll does.
        """
        answer: asyncio.Future[OperationProgress] = asyncio.get_running_loop().create_future()
        self._number += 1
        at = self._clock.monotonic() + wait.total_seconds()
        heapq.heappush(self._due, _Due(at, self._number, token, answer))
        if self._due[0].answer is answer:
            self._news.set()
        return await answer

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as polls:
            while True:
                self._news.clear()
                now = self._clock.monotonic()
                if not self._due:
                    await self._news.wait()
                elif self._due[0].at > now + _INSTANT_S:
                    await self._sleep(timedelta(seconds=self._due[0].at - now))
                else:
                    polls.create_task(self._poll(heapq.heappop(self._due)))

    async def _sleep(self, duration: timedelta) -> None:
        """Wait, less long where a poll comes in that is due sooner."""
        async with asyncio.TaskGroup() as group:
            ends = {group.create_task(self._clock.sleep(duration)), group.create_task(self._hear())}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()

    async def _hear(self) -> None:
        await self._news.wait()

    async def _poll(self, due: _Due) -> None:
        if due.answer.cancelled():
            return
        try:
            progress = await self._azure.poll(due.token)
        except EngineError as exc:
            if not due.answer.done():
                due.answer.set_exception(exc)
        else:
            if not due.answer.done():
                late_s = min((self._clock.monotonic() - due.at) * _LAG_SHARE, _LONGEST_LAG_S)
                due.answer.set_result(replace(progress, wait=max(progress.wait, timedelta(seconds=late_s))))
