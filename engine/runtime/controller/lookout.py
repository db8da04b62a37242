"""Passes of a pod that only reports: it plans as one that writes, and writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.cluster.claim import Marks
from engine.cluster.events import Event
from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.errors import InvariantError
from engine.model.ids import ResourceKey
from engine.model.purpose import Purpose
from engine.runtime.controller.azure import ContractAzure
from engine.runtime.controller.parts import LIMITS, Parts
from engine.runtime.controller.routing import Router
from engine.runtime.cycle import Cycle
from engine.runtime.selection import Selection
from engine.runtime.world import PassOptions, PassResult, World


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
        unspoken = await self._resolve_all()
        seen = wanted - {key.identity for key in unspoken}
        clock, is_whole = self._parts.clock, purpose is Purpose.SWEEP
        began = clock.monotonic()
        planned = await self._plan(seen, purpose)
        self._parts.drift.note(planned.plan.steps)
        self._parts.drift.ended(self._parts.objects if is_whole else None)
        self._parts.board.note(planned.plan.steps)
        seconds = clock.monotonic() - began
        self._parts.telemetry.planned(planned, seconds, is_full=is_whole)
        self._parts.telemetry.passed(planned.plan, seconds, is_full=is_whole)
        told = {key: why for key, why in unspoken.items() if key.identity in wanted}
        await self._report(Looked(planned=planned, is_whole=is_whole, unspoken=told))

    async def _resolve_all(self) -> Mapping[ResourceKey, str]:
        found: list[ClusterObject] = list(self._parts.objects.all())
        whys = {o.resource.key: await self._parts.credentials.resolve(o.resource) for o in found}
        return {key: why for key, why in whys.items() if why}

    async def _plan(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> PassResult:
        parts = self._parts
        azure = ContractAzure(
            Router(parts.credentials, lambda: cycle.prepared),
            parts.contract,
            parts.objects,
            parts.clock,
            endpoint=parts.rules.endpoint,
            purpose=purpose,
            promise=parts.store.promise,
        )
        world = World(source=parts.objects, azure=azure, store=parts.store, clock=parts.clock, audit=parts.audit)
        options = PassOptions(
            endpoint=parts.rules.endpoint,
            subscription_of=parts.credentials.subscription_of,
            edition=parts.credentials.edition,
            selection=Selection(only=wanted),
            limits=LIMITS,
        )
        cycle = Cycle(world, options)
        return await cycle.plan()
