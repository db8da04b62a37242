"""A run that is to end early: nothing new is begun, what is under way is seen to its end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from engine.model.plan import Step
from engine.model.result import Outcome, StepResult
from engine.ports import Clock


class StoppedError(Exception):
    """A step was not begun, or not tried again, because the run is to end. It never leaves the executor."""


@dataclass(slots=True)
class Stop:
    """Says whether somebody asked the run to end.

    Attributes:
        requested: Begin nothing new.
        abandoned: Wait for nothing either.
    """

    requested: bool = False
    abandoned: bool = False
    _asked: set[asyncio.Event] = field(default_factory=set)

    def request(self) -> None:
        """Ask the run to end; who waits before another try wakes."""
        self.requested = True
        for event in self._asked:
            event.set()

    async def pause(self, clock: Clock, duration: timedelta) -> None:
        """Wait, no longer than until the run is to end."""
        asked = asyncio.Event()
        self._asked.add(asked)
        waits = {asyncio.ensure_future(clock.sleep(duration)), asyncio.ensure_future(asked.wait())}
        try:
            if not self.requested:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._asked.remove(asked)
            for wait in waits:
                wait.cancel()


def not_begun(step: Step, *, requests: int = 0, http_status: int = 0) -> StepResult:
    """Return the result of a step that the end of the run came before; what was sent of it was refused."""
    cause = "not tried again: the run was stopped" if requests else "not begun: the run was stopped"
    return StepResult(
        step=step, outcome=Outcome.SKIPPED, cause=cause, reason="Stopped", requests=requests, http_status=http_status
    )
