"""Which objects a pass of the controller is about, and what is seen to before it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Collection, Mapping

from engine.cluster import condition, events
from engine.cluster.condition import Condition
from engine.cluster.misfit import misfit
from engine.cluster.moved import config_of_name, moved
from engine.cluster.named import needs_random_name
from engine.cluster.objects import ClusterObject
from engine.cluster.verdict import owner_missing
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import parse_policy
from engine.errors import PolicyDeniedError
from engine.model.plan import Plan
from engine.model.policy import ReconcilePolicy
from engine.model.purpose import Purpose
from engine.model.state import CustomResource
from engine.runtime.controller.holdings import Terms
from engine.runtime.controller.object_pass import ObjectPass
from engine.runtime.controller.operations import follow
from engine.runtime.controller.owners import find_waiting
from engine.runtime.controller.parts import Parts
from engine.runtime.controller.queue import FAST, SLOW
from engine.runtime.controller.sweeps import Sweeps
from engine.runtime.memory import LastIndex, PassMemory
from engine.runtime.turns import GLANCE, Turns


class Reconciler:
    """Runs passes; several may run at once over different objects."""

    def __init__(self, parts: Parts) -> None:
        """Keep what passes are made of."""
        self._parts = parts
        self._last = LastIndex()
        self._sweeps = Sweeps(self._last)
        self._begun: Terms = {}

    async def run(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        """Bring these objects, all of them taken from the queue, to where they should be; let go of each when it is."""
        begun = self._begun
        wanted = self._held_of(wanted)
        left = set(wanted)
        try:
            await self._resolve_unknown()
            async with asyncio.TaskGroup() as group:
                outside = frozenset(i for i in wanted if self._is_outside(i))
                for identity in outside:
                    group.create_task(self._see_outside(identity, left))
                ours = frozenset([i for i in wanted - outside if await self._can_work_on(i, left)])
                followed = frozenset(i for i in ours if self._is_under_way(i))
                for identity in followed:
                    group.create_task(self._follow(identity, left))
                plain = await self._without_waiting(ours - followed, left)
                if plain:
                    await ObjectPass(self._parts, plain, purpose, PassMemory(last=self._last)).run(left)
        finally:
            for identity in left:
                self._parts.queue.done(identity)
        if purpose is Purpose.SWEEP:
            self._parts.drift.ended_full(self._parts.objects, begun)
        else:
            self._parts.drift.ended()

    def _held_of(self, wanted: frozenset[ObjectIdentity]) -> frozenset[ObjectIdentity]:
        """Let go of what other replicas work on."""
        held = frozenset(i for i in wanted if self._parts.contract.permits.holds(i[0]))
        for identity in wanted - held:
            self._parts.queue.done(identity)
        return held

    async def look(self, wanted: frozenset[ObjectIdentity]) -> frozenset[ObjectIdentity]:
        """Look at objects, holding none: edits go on meanwhile; return those, taken, that there is more to do for.

        What somebody worked on since, or is about to, is left to them.
        """
        queue, turns = self._parts.queue, Turns()
        seen = {i: queue.turn(i) for i in wanted if self._parts.contract.permits.holds(i[0])}
        begun = self._begun = self._parts.drift.begin({i[0] for i in wanted - seen.keys()})
        await self._resolve_all()
        plain = set()
        for identity in seen:
            if await self._is_plain(identity):
                plain.add(identity)
            await turns.after(GLANCE)
        run = ObjectPass(self._parts, frozenset(plain), Purpose.SWEEP, self._sweeps.memory(self._parts.objects))
        settled = await self._look_at(plain, run, seen)
        rest = frozenset(i for i in seen if i not in settled and queue.begin(i, seen[i]))
        if not rest:
            self._parts.drift.ended_full(self._parts.objects, begun)
        return rest

    async def _look_at(
        self, plain: Collection[ObjectIdentity], run: ObjectPass, seen: Mapping[ObjectIdentity, int]
    ) -> frozenset[ObjectIdentity]:
        """Return what needs nothing; where nothing is there to look at, all of it was looked at."""
        if plain:
            return await run.look(seen, self._sweeps)
        self._parts.telemetry.passed(Plan(steps=(), complete=True), 0.0, is_full=True)
        return frozenset()

    async def _is_plain(self, identity: ObjectIdentity) -> bool:
        """Whether there is nothing about an object but its spec: others need a closer look each."""
        found = self._parts.objects.find(identity)
        return (
            found is not None
            and not self._is_outside(identity)
            and not found.resource.deleting
            and not self._is_under_way(identity)
            and await self._parts.contract.is_ours(found)
            and not await self._parts.credentials.resolve(found.resource)
            and await self._moved(found) is None
        )

    async def _resolve_all(self) -> None:
        """Find every credential: ids of owners and references depend on their subscriptions too."""
        for resource in self._parts.objects.one_per_credential():
            await self._parts.credentials.resolve(resource)

    async def _resolve_unknown(self) -> None:
        """Find the credentials that nothing is known of yet."""
        for resource in self._parts.objects.one_per_credential():
            if not self._parts.credentials.subscription_of(resource):
                await self._parts.credentials.resolve(resource)

    async def _can_work_on(self, identity: ObjectIdentity, left: set[ObjectIdentity]) -> bool:
        found = self._parts.objects.find(identity)
        if found is None or not await self._parts.contract.is_ours(found):
            return False
        if found.resource.deleting and _is_left_in_azure(found):
            await self._parts.contract.release(identity)
            return False
        if found.resource.deleting and not (found.is_claimed and await self._may_go(found, left)):
            return False
        if not found.resource.deleting and self._parts.objects.is_going(found):
            self._parts.queue.retry(identity, limit=FAST)
            return False
        if needs_random_name(found.resource) and not found.resource.deleting:
            await self._parts.contract.name(identity, str(uuid.uuid4()))
        why = await self._parts.credentials.resolve(found.resource)
        failed = condition.warning("Failed", why, found.resource.generation) if why else self._misfit(found)
        said = failed or await self._moved(found)
        if said is None:
            return True
        await self._parts.contract.say(identity, said)
        if why:
            self._parts.queue.retry(identity, limit=SLOW)
        self._let_go(identity, left)
        return False

    async def _without_waiting(
        self, together: frozenset[ObjectIdentity], left: set[ObjectIdentity]
    ) -> frozenset[ObjectIdentity]:
        """Let go of new objects whose owner is not ready; who still waits when looked at again says so."""
        queue, waiting = self._parts.queue, find_waiting(together, self._parts.objects)
        for identity, owner in waiting.items():
            found = self._parts.objects.find(identity)
            if queue.wait_for(identity, owner.identity, limit=FAST) > 1 and found is not None:
                said = condition.warning(
                    "WaitingForOwner", owner_missing(owner.resource.key), found.resource.generation
                )
                await self._parts.contract.say(identity, said)
            self._let_go(identity, left)
        return together - waiting.keys()

    def _misfit(self, found: ClusterObject) -> Condition | None:
        """Return what stands against working on an object with the credential that it has; None for nothing."""
        speaker = self._parts.credentials.speaker_of(found.resource)
        subscription = self._parts.credentials.subscription_of(found.resource)
        return misfit(found.resource, subscription, speaker.credential, self._owner_of(found))

    async def _moved(self, found: ClusterObject) -> Condition | None:
        """Return what stands against working on an object because it would be about another resource than before."""
        if not found.is_claimed:
            return None
        named, configured = config_of_name(found.resource), ""
        if named is not None:
            with contextlib.suppress(PolicyDeniedError):  # the pass itself tells of it
                texts = await self._parts.objects.fetch_config_map(found.resource.key.namespace, named[0])
                configured = (texts or {}).get(named[1], "")
        return moved(found.resource, self._owner_of(found), configured)

    def _owner_of(self, found: ClusterObject) -> CustomResource | None:
        owner = self._parts.objects.owner_of(found.resource)
        return owner.resource if owner is not None else None

    def _is_outside(self, identity: ObjectIdentity) -> bool:
        return self._parts.outside.takes(identity)

    async def _see_outside(self, identity: ObjectIdentity, left: set[ObjectIdentity]) -> None:
        """Look at an object that Azure Resource Manager knows nothing of."""
        found = self._parts.objects.find(identity)
        if found is None:
            return
        if found.resource.deleting and not await self._may_go(found, left):
            return
        await self._parts.outside.run(identity)
        self._let_go(identity, left)

    def _is_under_way(self, identity: ObjectIdentity) -> bool:
        found = self._parts.objects.find(identity)
        return found is not None and bool(self._parts.operations.pending(found))

    async def _follow(self, identity: ObjectIdentity, left: set[ObjectIdentity]) -> None:
        """See an operation of an earlier process to its end; the object is looked at afresh then."""
        parts, found = self._parts, self._parts.objects.find(identity)
        if found is None:
            return
        azure = parts.credentials.speaker_of(found.resource).azure
        error = await follow(azure, parts.operations.pending(found), parts.clock)
        parts.operations.spend(found)
        await parts.contract.drop_poller(identity)
        if error is None:
            parts.queue.add(identity)
        else:
            await parts.contract.tell(identity, events.write_failed(str(error), deleting=found.resource.deleting))
            said = condition.warning(error.reason, str(error), found.resource.generation)
            await parts.contract.say(identity, said)
            parts.queue.retry(identity, limit=SLOW)
        self._let_go(identity, left)

    async def _may_go(self, found: ClusterObject, left: set[ObjectIdentity]) -> bool:
        """Whether an object may be deleted now; one that may not says why."""
        parts, identity = self._parts, found.identity
        now = parts.clock.now()
        parts.breaker.note(identity, now)
        why = parts.breaker.why_held(len(parts.objects), now, found.resource.namespace_annotations)
        if why:
            said = condition.warning("ReconciliationBlocked", why, found.resource.generation)
            await parts.contract.say(identity, said)
            parts.queue.retry(identity, limit=SLOW)
            self._let_go(identity, left)
        return not why

    def _let_go(self, identity: ObjectIdentity, left: set[ObjectIdentity]) -> None:
        left.discard(identity)
        self._parts.queue.done(identity)


def _is_left_in_azure(found: ClusterObject) -> bool:
    """Whether an object's deletion is no business of Azure's: it needs no credential then, and no look."""
    policy = parse_policy(found.resource.annotations, found.resource.namespace_annotations)
    return policy.reconcile is not ReconcilePolicy.MANAGE
