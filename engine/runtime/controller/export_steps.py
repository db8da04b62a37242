"""What a pass decided or did for an object leads to its exports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from engine.cluster.condition import Condition
from engine.model.plan import Step
from engine.model.state import ActualState, Presence, ReadTarget
from engine.runtime.controller.exports import Exporter
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.routing import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExports:
    """Exports of the objects of one pass."""

    objects: Objects
    exporter: Exporter
    credentials: Credentials
    fetch: Callable[[ReadTarget], Awaitable[ActualState]]

    async def in_turn(self, group: asyncio.TaskGroup, step: Step, telling: Coroutine[Any, Any, None]) -> None:
        """Tell one object after the other; those that export take their time beside the others."""
        found = self.objects.find(step.key.identity)
        if found is not None and self.exporter.wants(found.resource):
            group.create_task(telling)
        else:
            await telling

    async def run(self, step: Step, actual: ActualState | None) -> Condition | None:
        """Write what an object exports; return the condition that says why that is not possible.

        What was in sync in the last pass has no body here: it is read only when there is something to do.
        """
        found = self.objects.find(step.key.identity)
        if found is None or found.resource.deleting or step.id is None:
            return None
        if actual is None and not self.exporter.is_current(found.resource):
            target = ReadTarget(id=step.id, arm_type=step.arm_type, api_version=step.api_version)
            actual = await self.fetch(target)
        if actual is None or actual.presence is not Presence.PRESENT:
            return None
        azure = self.credentials.speaker_of(found.resource).azure
        return await self.exporter.export(found.resource, actual, azure)
