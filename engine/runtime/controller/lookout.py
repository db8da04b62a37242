"""Passes of a pod that only reports: it plans as one that writes, and writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.cluster.claim import Marks
from engine.cluster.events import Event
from engine.desired.identity import ObjectIdentity
from engine.errors import InvariantError
from engine.model.ids import ResourceKey
from engine.model.purpose import Purpose
from engine.runtime.controller.cycles import cycle_over
from engine.runtime.controller.parts import Parts
from engine.runtime.memory import LastIndex, PassMemory
from engine.runtime.world import PassResult


class NoWriter:
    """Implements ``ClusterWriter`` for a pod that must not write to objects: being asked to is a defect."""

    async def apply_marks(self, key: ResourceKey, uid: str, marks: Marks) -> None:
        """Refuse."""
        raise _defect(key)

    async def write_status(self, key: ResourceKey, uid: str, status: Mapping[str, object]) -> None:
        """Refuse."""
        raise _defect(key)

    async def write_conditions(self, key: ResourceKey, uid: str, conditions: Sequence[object]) -> None:
        """Refuse."""
        raise _defect(key)

    async def release(self, key: ResourceKey, uid: str) -> None:
        """Refuse."""
        raise _defect(key)

    async def drop_annotations(self, key: ResourceKey, uid: str, names: Sequence[str]) -> None:
        """Refuse."""
        raise _defect(key)

    async def emit(self, key: ResourceKey, uid: str, event: Event) -> None:
        """Refuse."""
        raise _defect(key)


def _defect(key: ResourceKey) -> InvariantError:
    return InvariantError("A pod that only reports was about to write to an object", detail=str(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one pass saw.

    Attributes:
        is_whole: All objects were looked at, not only those that changed.
        unspoken: Objects that nothing is known of, because nobody speaks to Azure for them, and why.
    """

    planned: PassResult
    is_whole: bool
    unspoken: Mapping[ResourceKey, str]


class Lookout:
    """Runs passes that end with the plan."""

    def __init__(self, parts: Parts, report: Callable[[Looked], Awaitable[None]]) -> None:
        """Take what passes are made of, and who is told of each."""
        self._parts = parts
        self._report = report
        self._last = LastIndex()

    async def run(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        """Plan for these objects, all of them taken from the queue, and report."""
        try:
            await self._tell(wanted, purpose)
        finally:
            for identity in wanted:
                self._parts.queue.done(identity)

    async def look(self, wanted: frozenset[ObjectIdentity]) -> frozenset[ObjectIdentity]:
        """Plan for all objects and report; there is nothing more to do for any."""
        await self._tell(wanted, Purpose.SWEEP)
        return frozenset()

    async def _tell(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        parts, is_whole = self._parts, purpose is Purpose.SWEEP
        begun = parts.drift.begin()
        unspoken = await self._resolve(wanted)
        began = parts.clock.monotonic()
        seen = wanted - {key.identity for key in unspoken}
        cycle, _ = cycle_over(parts, seen, purpose, PassMemory(last=self._last), {})
        planned = await cycle.plan()
        seconds = parts.clock.monotonic() - began
        parts.note(planned, seconds, is_full=is_whole)
        if is_whole:
            parts.drift.ended_full(parts.objects, begun)
        else:
            parts.drift.ended()
        parts.telemetry.passed(planned.plan, seconds, is_full=is_whole)
        await self._report(Looked(planned=planned, is_whole=is_whole, unspoken=unspoken))

    async def _resolve(self, wanted: frozenset[ObjectIdentity]) -> Mapping[ResourceKey, str]:
        """Find every credential, as ids of owners and references need them too; return who of the wanted has none."""
        objects, resolve = self._parts.objects, self._parts.credentials.resolve
        for resource in objects.one_per_credential():
            await resolve(resource)
        found = (o.resource for identity in sorted(wanted) if (o := objects.find(identity)) is not None)
        return {resource.key: why for resource in found if (why := await resolve(resource))}
