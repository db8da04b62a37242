"""Reads what a write left behind, until it shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from engine.errors import NotReadyError
from engine.model.ids import ArmId
from engine.model.plan import Step
from engine.model.purpose import Purpose
from engine.model.state import ActualState, Presence
from engine.ports import ActualSource, Clock, ReadTarget
from engine.runtime.ended import unsettled_state

FIRST_BACKOFF: Final = timedelta(seconds=1)


class ReadBack:
    """Looks a few times: reads right after a write can lag."""

    def __init__(self, azure: ActualSource, clock: Clock, *, reads: int) -> None:
        """Look again at most that often."""
        self._azure = azure
        self._clock = clock
        self._reads = reads

    async def fetch(self, step: Step, resource: ArmId) -> ActualState:
        """Read once."""
        target = ReadTarget(id=resource, arm_type=step.arm_type, api_version=step.api_version)
        return await self._azure.fetch(target, purpose=Purpose.FOLLOW)

    async def is_gone(self, step: Step, resource: ArmId) -> bool:
        """Read until Azure says that it is gone, a few times at most: some singletons never go away."""
        wait = FIRST_BACKOFF
        for _ in range(self._reads):
            if (await self.fetch(step, resource)).presence is Presence.ABSENT:
                return True
            await self._clock.sleep(wait)
            wait *= 2
        return (await self.fetch(step, resource)).presence is Presence.ABSENT

    async def settled(self, step: Step, resource: ArmId) -> ActualState:
        """Read what the write left behind; the first reads after a write can lag."""
        wait = FIRST_BACKOFF
        actual = await self.fetch(step, resource)
        for _ in range(self._reads):
            if actual.presence is Presence.PRESENT and not unsettled_state(step, actual, ended=False):
                break
            await self._clock.sleep(wait)
            wait *= 2
            actual = await self.fetch(step, resource)
        if actual.presence is not Presence.PRESENT:
            raise NotReadyError(
                f"{step.key} was written, but cannot be read back", detail=actual.cause or "Azure answers 404 for it"
            )
        if unsettled_state(step, actual, ended=True):
            raise NotReadyError(
                f"{step.key} was written, but Azure ended it as {unsettled_state(step, actual, ended=True)}"
            )
        return actual
