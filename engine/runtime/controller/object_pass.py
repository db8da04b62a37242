"""The engine's pass over some objects, with what it decides and does told on each of them as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from engine.cluster import condition, events
from engine.cluster.condition import Condition
from engine.cluster.notes import Note
from engine.cluster.post_check import NO_CHILD_ID, child_id_of
from engine.cluster.verdict import condition_of_result, condition_of_step
from engine.desired.identity import ObjectIdentity
from engine.drift.condition import drifted_of_step, not_drifted
from engine.errors import UnavailableError, UnfinishedError
from engine.model.ids import ArmId
from engine.model.plan import Action, Reason, Step
from engine.model.problem import Problem
from engine.model.purpose import Purpose
from engine.model.result import Outcome, StepResult
from engine.model.state import ActualState, Presence
from engine.runtime.controller.cycles import cycle_over
from engine.runtime.controller.export_steps import StepExports
from engine.runtime.controller.pace import pace_of
from engine.runtime.controller.parts import Parts
from engine.runtime.controller.queue import FAST, SLOW
from engine.runtime.controller.sweeps import Sweeps
from engine.runtime.controller.tenure import NotHeldError
from engine.runtime.executor import Progress
from engine.runtime.memory import PassMemory
from engine.runtime.world import PassResult

_UNSEEN = (UnfinishedError.reason, UnavailableError.reason)
"""Reasons of results that do not tell what became of the write."""
_GOING: Final = (Reason.OBJECT_DELETED, Reason.DETACHED)
"""Reasons of decisions about an object that was being deleted when they were made; it may have begun to go since."""
_DRIFT_WAITS: Final = "it is corrected when AZURE_SYNC_PERIOD says so"

_AT_ONCE = 32
"""Objects that are told of at a time."""


def _bodies(planned: PassResult) -> Mapping[ArmId, ActualState]:
    """Return what was read and is not remembered from an earlier pass."""
    return {f.desired.id: f.actual for f in planned.findings if f.desired.id is not None and f.actual is not None}


class ObjectPass:
    """The state of one pass; used once."""

    def __init__(self, parts: Parts, wanted: frozenset[ObjectIdentity], purpose: Purpose, memory: PassMemory) -> None:
        """Take what is to be looked at; nothing is read yet.

        Args:
            parts: What passes are made of.
            wanted: The objects.
            purpose: What its requests are for.
            memory: What earlier passes found in sync, and worked out of the objects.
        """
        self._parts = parts
        self._wanted = wanted
        self._began = parts.clock.monotonic()
        self._waits = {i: _DRIFT_WAITS for i in wanted if not parts.corrections.take(i)}
        self._cycle, self._azure = cycle_over(parts, wanted, purpose, memory, self._waits)
        self._exports = StepExports(
            objects=parts.objects, exporter=parts.exporter, credentials=parts.credentials, fetch=self._azure.fetch
        )
        self._generations: dict[ObjectIdentity, int] = {}

    async def run(self, left: set[ObjectIdentity]) -> None:
        """Plan, carry out, tell."""
        planned = await self._plan(is_full=False)
        bodies = _bodies(planned)
        await self._tell_problems(planned.problems, left)
        async with asyncio.TaskGroup() as group:
            for step in planned.plan.steps:
                if not step.action.mutates:
                    telling = self._tell_decision(step, bodies.get(step.id) if step.id is not None else None, left)
                    await self._exports.in_turn(group, step, telling)
        writes = [s for s in planned.plan.steps if s.action.mutates]
        if any(self._is_uncounted(s) for s in writes):
            self._take_again(writes, left)
        elif writes:
            await self._apply(planned, left)
        self._passed(planned, is_full=False)

    def _is_uncounted(self, step: Step) -> bool:
        """Whether an object began to go while the pass looked at it, so that nobody asked whether it may."""
        return step.action is Action.DELETE and not self._parts.breaker.has_counted(step.key.identity)

    def _take_again(self, steps: Iterable[Step], left: set[ObjectIdentity]) -> None:
        """Leave what was planned to the next pass, which begins at once."""
        for step in steps:
            self._parts.queue.add(step.key.identity)
            self._let_go(step.key.identity, left)

    async def look(self, turns: Mapping[ObjectIdentity, int], sweeps: Sweeps) -> frozenset[ObjectIdentity]:
        """Plan for everything, and tell what is in sync; return the objects that there is nothing to do for.

        An object that somebody else worked on since is left to them.
        """
        planned = await self._plan(is_full=True)
        bodies = _bodies(planned)
        broken = {p.key.identity for p in planned.problems if p.key is not None}
        quiet = [
            s for s in planned.plan.steps if s.action in (Action.NOOP, Action.SKIP) and s.key.identity not in broken
        ]
        for some in (quiet[n : n + _AT_ONCE] for n in range(0, len(quiet), _AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                for step in some:
                    if self._parts.queue.begin(step.key.identity, turns[step.key.identity]):
                        actual = bodies.get(step.id) if step.id is not None else None
                        group.create_task(self._tell_quiet(step, actual, sweeps))
        self._passed(planned, is_full=True)
        return frozenset(step.key.identity for step in quiet)

    async def _tell_quiet(self, step: Step, actual: ActualState | None, sweeps: Sweeps) -> None:
        identity = step.key.identity
        try:
            await self._tell_decision(step, actual, {identity})
            sweeps.told(self._parts.objects, identity)
        finally:
            self._parts.queue.done(identity)

    async def _plan(self, *, is_full: bool) -> PassResult:
        parts = self._parts
        for identity in self._wanted:
            found = parts.objects.find(identity)
            if found is not None:
                self._generations[identity] = found.resource.generation
        planned = await self._cycle.plan(keep_in_sync=True)
        parts.note(planned, parts.clock.monotonic() - self._began, is_full=is_full)
        return planned

    def _passed(self, planned: PassResult, *, is_full: bool) -> None:
        seconds = self._parts.clock.monotonic() - self._began
        self._parts.telemetry.passed(planned.plan, seconds, is_full=is_full)

    async def _tell_problems(self, problems: Iterable[Problem], left: set[ObjectIdentity]) -> None:
        for problem in problems:
            if problem.key is None or problem.key.identity not in left:
                continue
            identity = problem.key.identity
            said = condition.error("Failed", str(problem.error), self._generation(identity))
            await self._parts.contract.say(identity, said)
            self._let_go(identity, left)

    async def _tell_decision(self, step: Step, actual: ActualState | None, left: set[ObjectIdentity]) -> None:
        identity = step.key.identity
        if identity not in left:
            return
        contract, queue = self._parts.contract, self._parts.queue
        if step.reason in _GOING and step.action in (Action.NOOP, Action.FORGET):
            if step.action is Action.FORGET and step.reason is not Reason.DETACHED:
                await self._tell_undeletable(identity)
            else:
                await contract.release(identity)
            self._let_go(identity, left)
            return
        await self._tell_misread(step)
        is_there = step.reason is Reason.IN_SYNC or (actual is not None and actual.presence is Presence.PRESENT)
        said = condition_of_step(step, self._generation(identity), is_there=is_there)
        if step.id is not None and step.action in (Action.NOOP, Action.SKIP) and is_there:
            await contract.claim(identity, step.id, Note(child_id=child_id_of(step.arm_type, actual) or ""))
        if said is not None and said.is_true and is_there:
            said = await self._finish(step, actual) or said
        if said is not None:
            seen = actual if step.reason in (Reason.IN_SYNC, Reason.POLICY_SKIP) else None
            drifted = drifted_of_step(step, self._generation(identity))
            await contract.say(identity, said, seen, drifted=drifted)
        if step.reason is Reason.NOT_CONVERGING and said is not None and said.message:
            await contract.tell(identity, events.not_converging(), once=True)
        if said is None or said.is_true:
            self._succeeded(identity)
        elif step.action is Action.WAIT and step.waits and step.waits[0].on is not None:
            queue.wait_for(identity, step.waits[0].on.identity, limit=FAST)
        else:
            queue.retry(identity, limit=FAST if step.action is Action.WAIT else SLOW)
        self._let_go(identity, left)

    async def _tell_misread(self, step: Step) -> None:
        """Tell, once, which annotations mean nothing: a typing error must be seen where it was made."""
        for text in step.desired.policy.warnings if step.desired is not None else ():
            await self._parts.contract.tell(step.key.identity, events.misread(text), once=True)

    async def _tell_undeletable(self, identity: ObjectIdentity) -> None:
        """Keep an object whose resource Azure cannot delete; it goes when the resource's parent has gone."""
        said = condition.warning("DeletionNotSupportedInAzure", events.NOT_DELETABLE, self._generation(identity))
        await self._parts.contract.tell(identity, events.not_possible(), once=True)
        await self._parts.contract.say(identity, said)
        self._parts.queue.succeeded(identity)

    async def _apply(self, planned: PassResult, left: set[ObjectIdentity]) -> None:
        """Carry the plan out; each object is told of as soon as its step ends."""
        ended: asyncio.Queue[StepResult | None] = asyncio.Queue()

        def report(news: Progress) -> None:
            if news.result is not None:
                ended.put_nowait(news.result)

        async def tell() -> None:
            while (result := await ended.get()) is not None:
                group.create_task(self._tell_result(result, left))

        async with asyncio.TaskGroup() as group:
            group.create_task(tell())
            try:
                await self._cycle.apply(planned, report=report, options=self._parts.rules.executor)
            except asyncio.CancelledError:
                await self._azure.keep_all()
                raise
            finally:
                ended.put_nowait(None)
                looked_at = (s.id for s in planned.plan.steps if s.id is not None and not s.action.mutates)
                self._parts.store.release(looked_at)

    async def _tell_result(self, result: StepResult, left: set[ObjectIdentity]) -> None:
        step, identity = result.step, result.step.key.identity
        self._parts.telemetry.ended(result)
        if identity not in left:
            return
        await self._tell_misread(step)
        contract, queue = self._parts.contract, self._parts.queue
        self._parts.board.ended(result)
        if result.reason == NotHeldError.reason:
            queue.retry(identity, limit=FAST)
            self._let_go(identity, left)
            return
        generation = self._generation(identity)
        found = self._parts.objects.find(identity)
        if found is not None and result.reason not in _UNSEEN:
            self._parts.operations.spend(found)
        if result.outcome is Outcome.DELETED:
            await contract.release(identity)
            self._let_go(identity, left)
            return
        said = condition_of_result(result, generation)
        actual = self._azure.seen.get(step.id) if step.id is not None else None
        if said is not None and said.is_true:
            if step.id is not None:
                memory = self._parts.store.hand_over(step.id)
                below = child_id_of(step.arm_type, actual) or ""
                await contract.claim(identity, step.id, Note(memory=memory, child_id=below))
            failed = await self._finish(step, actual)
            self._parts.drift.corrected(identity)
            await contract.say(identity, failed or said, actual, drifted=not_drifted(generation))
            if failed is not None:
                queue.retry(identity, limit=SLOW)
            else:
                self._succeeded(identity)
        else:
            if result.outcome is Outcome.FAILED:
                is_delete = step.action is Action.DELETE
                await contract.tell(identity, events.write_failed(result.cause, deleting=is_delete))
            if said is not None:
                await contract.say(identity, said)
            limit, at_least = pace_of(result, said)
            queue.retry(identity, limit=limit, at_least=at_least)
        self._let_go(identity, left)

    async def _finish(self, step: Step, actual: ActualState | None) -> Condition | None:
        """See to what comes after Azure is as asked; return what keeps the object from being Ready, if anything."""
        generation = self._generation(step.key.identity)
        if child_id_of(step.arm_type, actual) == "":
            return condition.warning("Failed", NO_CHILD_ID, generation)
        waits = self._parts.post_checks.judge(step, actual, generation)
        return waits or await self._exports.run(step, actual)

    def _generation(self, identity: ObjectIdentity) -> int:
        """Return the generation that this pass is about."""
        return self._parts.contract.number(identity, self._generations.get(identity, 0))

    def _succeeded(self, identity: ObjectIdentity) -> None:
        self._parts.queue.succeeded(identity)
        if identity not in self._waits:
            self._parts.corrections.done(identity)

    def _let_go(self, identity: ObjectIdentity, left: set[ObjectIdentity]) -> None:
        left.discard(identity)
        self._parts.queue.done(identity)
