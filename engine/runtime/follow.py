"""Follows an operation to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from engine.errors import EngineError, NotReadyError, PolicyDeniedError, TransientError
from engine.model.result import OperationProgress, OperationStatus
from engine.ports import Clock, StepApplier
from engine.runtime.ended import unfinished
from engine.runtime.polls import PollSchedule
from engine.runtime.spans import span


class Follower:
    """Polls operations by one schedule, each until it ends."""

    def __init__(self, azure: StepApplier, clock: Clock, *, limit: timedelta) -> None:
        """Wait for one operation at most that long."""
        self._clock = clock
        self._limit = limit
        self._polls = PollSchedule(azure, clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the block lasts."""
        async with self._polls.running():
            yield

    async def follow(self, progress: OperationProgress, save: Callable[[str], None] | None) -> bool:
        """Poll until the operation ends; return whether the answer to its write was ever seen.

        Raises:
            UnfinishedError: Its end could not be seen; it may well go on.
            EngineError: It failed; the class says whether another try may help.
        """
        last = self._clock.monotonic() + self._limit.total_seconds()
        while progress.status is OperationStatus.RUNNING:
            if save is not None:
                save(progress.token)
            if self._clock.monotonic() > last:
                raise unfinished(f"it is still running after {self._limit}")
            try:
                with span("poll operation", wait_ms=int(progress.wait.total_seconds() * 1000)) as told:
                    progress = await self._polls.ask(progress.token, progress.wait)
                    told.note(status=progress.status)
            except (PolicyDeniedError, TransientError) as exc:
                raise unfinished(str(exc)) from exc
        if progress.status is OperationStatus.FAILED:
            error = progress.error
            raise error if isinstance(error, EngineError) else NotReadyError("the operation failed", detail=str(error))
        return progress.answered
