"""Carries out a plan: what is free to run runs, operations overlap, what a failed step holds is skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from engine.errors import (
    EngineError,
    TransientError,
    UnfinishedError,
)
from engine.model.ids import ArmId
from engine.model.plan import Action, Plan, Request, Step
from engine.model.result import ApplyResult, OperationProgress, OperationStatus, Outcome, StepResult
from engine.model.state import ActualState
from engine.planning.verify import check_applied
from engine.ports import ActualSource, BaselineStore, Clock, StepApplier
from engine.runtime.ended import still_there
from engine.runtime.follow import Follower
from engine.runtime.ledger import Ledger
from engine.runtime.read_back import FIRST_BACKOFF, ReadBack
from engine.runtime.recarry import Refresh
from engine.runtime.sending import Counter, Sender
from engine.runtime.spans import span
from engine.runtime.stop import Stop, StoppedError, not_begun

_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.REPLACE: Outcome.REPLACED,
    Action.DELETE: Outcome.DELETED,
    Action.NOOP: Outcome.UNCHANGED,
}


class Azure(ActualSource, StepApplier, Protocol):
    """ARM, reading and writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorOptions:
    """How hard to try.

    Attributes:
        patience: How long one request may go on failing in ways that time may cure, from its first failure on.
        settle_reads: How often a write that is not seen yet is read again.
        operation_limit: How long one operation is waited for; its poller stays stored for the next run.
        stop: Asked before each step; somebody else may request it meanwhile.
    """

    patience: timedelta = timedelta(minutes=15)
    settle_reads: int = 5
    operation_limit: timedelta = timedelta(hours=4)
    stop: Stop = field(default_factory=Stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One line of news: a step started (``result`` None) or ended."""

    step: Step
    result: StepResult | None
    finished: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What became of the operations of an earlier run.

    Attributes:
        followed: Resources whose operation ended.
        interrupted: Resources that a write was sent for whose answer nobody saw; nothing goes on there any more.
        unfinished: Resource -> why its operation could not be seen to its end: it must not be written now.
    """

    followed: tuple[ArmId, ...] = ()
    interrupted: tuple[ArmId, ...] = ()
    unfinished: Mapping[ArmId, str] = field(default_factory=dict)


Settle = Callable[[Step, ActualState], str]
"""Remembers what a write left behind; returns what Azure holds otherwise than asked, in words, else empty.

The step holds its requests as they were sent.
"""


@dataclass(slots=True)
class _Run:
    """What one execution keeps."""

    total: int
    finished: int = 0
    done: dict[tuple[str, str, str, str], asyncio.Future[StepResult]] = field(default_factory=dict)
    results: list[StepResult] = field(default_factory=list)


class Executor:
    """Runs plans against Azure."""

    def __init__(
        self,
        azure: Azure,
        store: BaselineStore,
        clock: Clock,
        *,
        ledger: Ledger,
        settle: Settle,
        report: Callable[[Progress], None],
        options: ExecutorOptions,
        unfinished: Mapping[ArmId, str] | None = None,
        refresh: Refresh | None = None,
        intend: Callable[[Step], None] = lambda _step: None,
    ) -> None:
        """Keep the ports; nothing is sent yet.

        ``unfinished`` resources are not written; ``intend`` remembers a step before anything of it is sent.
        """
        self._intend = intend
        self._unfinished = unfinished or {}
        self._azure = azure
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self._settle = settle
        self._report = report
        self._options = options
        self._follower = Follower(azure, clock, limit=options.operation_limit)
        self._read_back = ReadBack(azure, clock, reads=options.settle_reads)
        self._sender = Sender(
            azure,
            store,
            clock,
            ledger=ledger,
            follower=self._follower,
            read_back=self._read_back,
            refresh=refresh,
            patience=options.patience,
            stop=options.stop,
        )

    async def run(self, plan: Plan) -> ApplyResult:
        """Carry out every step that writes; the others end at once as unchanged or skipped.

        Cancelling leaves saved operations behind, which the next run resumes.
        """
        for step in plan.steps:
            if step.desired is not None:
                self._azure.keep_secrets(step.desired.body)
        run = _Run(total=sum(1 for s in plan.steps if s.action.mutates))
        loop = asyncio.get_running_loop()
        run.done = {s.key.identity: loop.create_future() for s in plan.steps if s.action.mutates}
        for step in plan.steps:
            if not step.action.mutates:
                outcome = _OUTCOMES.get(step.action, Outcome.SKIPPED)
                cause = step.detail if outcome is Outcome.SKIPPED else ""
                run.results.append(StepResult(step=step, outcome=outcome, cause=cause))
        async with self._follower.running(), asyncio.TaskGroup() as group:
            for step in plan.steps:
                if step.action.mutates:
                    group.create_task(self._run_step(step, run))
        result = ApplyResult(plan=plan, results=tuple(run.results), stopped=self._options.stop.requested)
        check_applied(result)
        return result

    async def resume(self) -> Resumed:
        """Follow operations that an earlier run did not see to their end; how they ended shows in the next read."""
        pending = dict(self._store.operations())
        async with self._follower.running(), asyncio.TaskGroup() as group:
            tasks = {i: group.create_task(self._resume_one(i, token)) for i, token in pending.items()}
        ends = {i: task.result() for i, task in sorted(tasks.items())}
        return Resumed(
            followed=tuple(i for i, end in ends.items() if not end.why and end.answered),
            interrupted=tuple(i for i, end in ends.items() if not end.why and not end.answered),
            unfinished={i: end.why for i, end in ends.items() if end.why},
        )

    async def _resume_one(self, resource: ArmId, token: str) -> _End:
        """Follow to the end, if it can be seen; a poller that is of no use is dropped."""
        answered = True
        try:
            answered = await self._follower.follow(OperationProgress(status=OperationStatus.RUNNING, token=token), None)
        except UnfinishedError as exc:
            return _End(why=str(exc))
        except EngineError as exc:
            # It failed, or the poller belongs elsewhere: the read that follows tells what is there.
            self._ledger.followed(resource, exc)
        else:
            self._ledger.followed(resource, None)
        self._store.clear_operation(resource)
        return _End(answered=answered)

    async def _run_step(self, step: Step, run: _Run) -> None:
        held = await self._await_needs(step, run)
        started = self._clock.monotonic()
        if self._options.stop.requested:
            result = not_begun(step)
        elif held is not None:
            result = StepResult(step=step, outcome=Outcome.SKIPPED, cause=f"{held.key}, which it needs, failed")
        else:
            self._report(Progress(step=step, result=None, finished=run.finished, total=run.total))
            result = await self._traced(step, started)
        run.finished += 1
        run.results.append(result)
        run.done[step.key.identity].set_result(result)
        self._report(Progress(step=step, result=result, finished=run.finished, total=run.total))

    async def _await_needs(self, step: Step, run: _Run) -> Step | None:
        """Wait for what the step depends on; return the first that did not succeed."""
        for need in step.depends_on:
            future = run.done.get(need.identity)
            if future is not None and (await future).outcome in (Outcome.FAILED, Outcome.SKIPPED):
                return (await future).step
        return None

    async def _traced(self, step: Step, started: float) -> StepResult:
        """Attempt a step; what is told of it are names and how it ended, never what was sent."""
        key = step.key
        with span(
            f"{step.action} {key.kind}", action=step.action, namespace=key.namespace, kind=key.kind, name=key.name
        ) as told:
            result = self._ledger.sign(await self._attempt(step, started))
            told.note(method=result.method, http_status=result.http_status, outcome=result.outcome)
            told.note(correlation_id=result.ids.correlation, requests=result.requests)
            if result.outcome is Outcome.FAILED:
                told.fail(result.reason)
        return result

    async def _attempt(self, step: Step, started: float) -> StepResult:
        counter = Counter()
        busy = self._unfinished.get(step.id, "") if step.id is not None else ""
        if busy:
            return StepResult(step=step, outcome=Outcome.FAILED, cause=busy, reason=UnfinishedError.reason)
        try:
            self._intend(step)
            remark = await self._carry_out(step, counter)
        except StoppedError:
            return not_begun(step, requests=counter.sent, http_status=counter.http_status)
        except EngineError as exc:
            return StepResult(
                step=step,
                outcome=Outcome.FAILED,
                cause=str(exc),
                reason=exc.reason,
                code=exc.code,
                said=exc.said,
                remedy=exc.remedy,
                retry_after=exc.retry_after if isinstance(exc, TransientError) else None,
                requests=counter.sent,
                method=counter.method,
                http_status=counter.http_status,
                duration=timedelta(seconds=self._clock.monotonic() - started),
            )
        return StepResult(
            step=step,
            outcome=_OUTCOMES[step.action],
            cause="; ".join(t for t in (counter.remark, remark) if t),
            reason="NotFulfilled" if remark else "",
            requests=counter.sent,
            method=counter.method,
            http_status=counter.http_status,
            duration=timedelta(seconds=self._clock.monotonic() - started),
        )

    async def _carry_out(self, step: Step, counter: Counter) -> str:
        assert step.id is not None
        sent: list[Request] = []
        for request in step.requests:
            taken = await self._sender.send(step, step.id, request, counter)
            sent += [taken] if taken is not None else []
            if request.method == "DELETE" and not await self._read_back.is_gone(step, step.id):
                return still_there(step)
        if step.action is Action.DELETE:
            self._store.forget(step.id)
            return ""
        done = replace(step, requests=tuple(sent))
        remark = self._settle(done, await self._read_back.settled(step, step.id))
        if remark:
            # The first read after a write can lag: only what is still so on the second is remembered.
            await self._clock.sleep(FIRST_BACKOFF)
            remark = self._settle(done, await self._read_back.settled(step, step.id))
        return remark


@dataclass(frozen=True, slots=True)
class _End:
    """How following an operation of an earlier run ended: why it did not, and whether its write was answered."""

    why: str = ""
    answered: bool = True
