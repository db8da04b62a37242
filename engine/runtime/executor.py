"""Carries out a plan: what is free to run runs, operations overlap, what a failed step holds is skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from engine.errors import (
    EngineError,
    MovedError,
    NotReadyError,
    PolicyDeniedError,
    TransientError,
    UnavailableError,
    UnfinishedError,
)
from engine.model.change import DiffState
from engine.model.ids import ArmId
from engine.model.plan import Action, Plan, Request, Step
from engine.model.purpose import Purpose
from engine.model.result import ApplyResult, OperationProgress, OperationStatus, Outcome, StepResult
from engine.model.state import ActualState, Presence
from engine.planning.verify import check_applied
from engine.ports import ActualSource, BaselineStore, Clock, ReadTarget, StepApplier
from engine.runtime.ended import still_there, unfinished, unsettled_state
from engine.runtime.journal import Journal
from engine.runtime.ledger import Entry, Ledger
from engine.runtime.patience import Patience
from engine.runtime.polls import PollSchedule
from engine.runtime.preconditions import is_clean_refusal, is_conditional, is_create, unconditional_if_ours
from engine.runtime.recarry import Refresh
from engine.runtime.second_choice import SecondChoice, fallback_remark
from engine.runtime.stop import Stop, StoppedError, not_begun

_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.REPLACE: Outcome.REPLACED,
    Action.DELETE: Outcome.DELETED,
    Action.NOOP: Outcome.UNCHANGED,
}
_MOVED = 412
_FIRST_BACKOFF = timedelta(seconds=1)


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
        self._refresh = refresh
        self._unfinished = unfinished or {}
        self._azure = azure
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self._settle = settle
        self._report = report
        self._options = options
        self._second_choice = SecondChoice(store)
        self._polls = PollSchedule(azure, clock)

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
        async with self._polls.running(), asyncio.TaskGroup() as group:
            for step in plan.steps:
                if step.action.mutates:
                    group.create_task(self._run_step(step, run))
        result = ApplyResult(plan=plan, results=tuple(run.results), stopped=self._options.stop.requested)
        check_applied(result)
        return result

    async def resume(self) -> Resumed:
        """Follow operations that an earlier run did not see to their end; how they ended shows in the next read."""
        pending = dict(self._store.operations())
        async with self._polls.running(), asyncio.TaskGroup() as group:
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
            answered = await self._follow(OperationProgress(status=OperationStatus.RUNNING, token=token), None)
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
            result = self._ledger.sign(await self._attempt(step, started))
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

    async def _attempt(self, step: Step, started: float) -> StepResult:
        counter = _Counter()
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
                http_status=counter.http_status,
                duration=timedelta(seconds=self._clock.monotonic() - started),
            )
        return StepResult(
            step=step,
            outcome=_OUTCOMES[step.action],
            cause="; ".join(t for t in (counter.remark, remark) if t),
            reason="NotFulfilled" if remark else "",
            requests=counter.sent,
            http_status=counter.http_status,
            duration=timedelta(seconds=self._clock.monotonic() - started),
        )

    async def _carry_out(self, step: Step, counter: _Counter) -> str:
        assert step.id is not None
        sent: list[Request] = []
        for request in step.requests:
            taken = await self._send_patiently(step, step.id, request, counter)
            sent += [taken] if taken is not None else []
            if request.method == "DELETE" and not await self._is_gone(step, step.id):
                return still_there(step)
        if step.action is Action.DELETE:
            self._store.forget(step.id)
            return ""
        done = replace(step, requests=tuple(sent))
        remark = self._settle(done, await self._read_back(step, step.id))
        if remark:
            # The first read after a write can lag: only what is still so on the second is remembered.
            await self._clock.sleep(_FIRST_BACKOFF)
            remark = self._settle(done, await self._read_back(step, step.id))
        return remark

    async def _send_patiently(self, step: Step, resource: ArmId, request: Request, counter: _Counter) -> Request | None:
        """Send until it succeeds, fails for good, or patience ends; a refused PATCH becomes a PUT once.

        Returns:
            The request that Azure took; None where it had become as asked before one was taken.
        """
        patience = Patience(self._options.patience, self._clock)
        request = self._second_choice.instead_of(step, request)
        may_be_ours = False
        while True:
            try:
                request = await self._freshen(step, resource, request)
                with self._ledger.write(step, request) as entry:
                    counter.http_status = await self._send(step, resource, entry, counter)
                counter.taken = True
            except EngineError as exc:
                fallback = self._second_choice.after(step, request, exc)
                if fallback is None:
                    await self._wait_or_raise(exc, request, patience)
                    if exc.http_status == _MOVED:
                        fallback = await self._decide_again(step, resource, request, may_be_ours=may_be_ours)
                        if fallback is None:
                            return None
                may_be_ours = may_be_ours or not is_clean_refusal(exc)
                request = unconditional_if_ours(fallback or request, exc)
            else:
                counter.remark = fallback_remark(step, request)
                return request

    async def _decide_again(
        self, step: Step, resource: ArmId, request: Request, *, may_be_ours: bool
    ) -> Request | None:
        """Read after a refused precondition; a create that somebody else was faster with is not ours any more."""
        if self._refresh is None:
            return request
        actual = await self._fetch(step, resource)
        try:
            return self._refresh.decide_again(step, request, actual, may_be_ours=may_be_ours)
        except MovedError:
            if is_create(request):
                self._store.forget(resource)
            raise

    async def _freshen(self, step: Step, resource: ArmId, request: Request) -> Request:
        """Return the request as it is to be sent now: only a PUT that carries something back needs another read."""
        if self._refresh is None or not self._refresh.is_needed(step, request):
            return request
        return self._refresh.refresh(step, request, await self._fetch(step, resource))

    async def _wait_or_raise(self, error: EngineError, request: Request, patience: Patience) -> None:
        """Wait as long as the error asks for; raise it where waiting does not help or takes too long."""
        if not isinstance(error, TransientError):
            raise error
        is_given_up = self._refresh is None or not is_conditional(request)
        moved = error.http_status == _MOVED and is_given_up
        wait = None if moved else patience.next_wait(error)
        if wait is None:
            raise error
        await self._clock.sleep(wait)

    async def _send(self, step: Step, resource: ArmId, entry: Entry, counter: _Counter) -> int:
        """Send one write and follow it to its end; return the HTTP status of the first answer.

        It is journalled before it is sent: who is killed from then on finds it in the next run, and looks.

        Raises:
            StoppedError: The run is to end, and Azure took nothing of this step yet.
        """
        journal = Journal(self._store, resource, step.key)
        if counter.unanswered and await self._has_arrived(step, resource, entry.request, counter.unanswered):
            journal.close()
            return 0

        def announce(token: str) -> None:
            if self._options.stop.requested and not counter.taken:
                raise StoppedError
            if not entry.noted:
                self._ledger.intend(entry)
                counter.sent, counter.unanswered = counter.sent + 1, ""
            journal.announce(token)

        try:
            progress = await self._azure.begin(
                entry.request, resource=resource, purpose=_purpose(step), announce=announce
            )
            self._ledger.answered(entry, progress)
        except UnavailableError:
            counter.unanswered = journal.intent
            raise
        except EngineError:
            journal.close()
            raise
        try:
            await self._follow(progress, journal.save)
        except UnfinishedError:
            raise
        except EngineError:
            journal.close()
            raise
        journal.close()
        return progress.http_status

    async def _has_arrived(self, step: Step, resource: ArmId, request: Request, token: str) -> bool:
        """Look what became of a write that was not answered, and wait while anything works on the resource.

        Returns:
            Whether there is nothing left to send: what was to be created is there as asked, or what was to go is gone.
            Services make some children with their parents: what is there otherwise is not what was sent.

        Raises:
            UnavailableError: It cannot be read either.
        """
        actual = await self._fetch(step, resource)
        if actual.presence is Presence.UNREADABLE:
            raise UnavailableError(f"What became of {request.method} {resource} is not known", detail=actual.cause)
        if actual.presence is Presence.PRESENT and unsettled_state(step, actual, ended=False):
            await self._follow(OperationProgress(status=OperationStatus.RUNNING, token=token), None)
            actual = await self._fetch(step, resource)
        if request.method == "DELETE":
            return actual.presence is Presence.ABSENT
        is_new = request.method == "PUT" and step.action in (Action.CREATE, Action.REPLACE)
        is_there = is_new and actual.presence is Presence.PRESENT and not unsettled_state(step, actual, ended=True)
        return is_there and (self._refresh is None or self._refresh.is_as_asked(step, actual))

    async def _follow(self, progress: OperationProgress, save: Callable[[str], None] | None) -> bool:
        """Poll until the operation ends; return whether the answer to its write was ever seen.

        Raises:
            UnfinishedError: Its end could not be seen; it may well go on.
            EngineError: It failed; the class says whether another try may help.
        """
        last = self._clock.monotonic() + self._options.operation_limit.total_seconds()
        while progress.status is OperationStatus.RUNNING:
            if save is not None:
                save(progress.token)
            if self._clock.monotonic() > last:
                raise unfinished(f"it is still running after {self._options.operation_limit}")
            try:
                progress = await self._polls.ask(progress.token, progress.wait)
            except (PolicyDeniedError, TransientError) as exc:
                raise unfinished(str(exc)) from exc
        if progress.status is OperationStatus.FAILED:
            error = progress.error
            raise error if isinstance(error, EngineError) else NotReadyError("the operation failed", detail=str(error))
        return progress.answered

    async def _is_gone(self, step: Step, resource: ArmId) -> bool:
        """Read until Azure says that it is gone, a few times at most: some singletons never go away."""
        wait = _FIRST_BACKOFF
        for _ in range(self._options.settle_reads):
            if (await self._fetch(step, resource)).presence is Presence.ABSENT:
                return True
            await self._clock.sleep(wait)
            wait *= 2
        return (await self._fetch(step, resource)).presence is Presence.ABSENT

    async def _read_back(self, step: Step, resource: ArmId) -> ActualState:
        """Read what the write left behind; the first reads after a write can lag."""
        wait = _FIRST_BACKOFF
        actual = await self._fetch(step, resource)
        for _ in range(self._options.settle_reads):
            if actual.presence is Presence.PRESENT and not unsettled_state(step, actual, ended=False):
                break
            await self._clock.sleep(wait)
            wait *= 2
            actual = await self._fetch(step, resource)
        if actual.presence is not Presence.PRESENT:
            raise NotReadyError(
                f"{step.key} was written, but cannot be read back", detail=actual.cause or "Azure answers 404 for it"
            )
        if unsettled_state(step, actual, ended=True):
            raise NotReadyError(
                f"{step.key} was written, but Azure ended it as {unsettled_state(step, actual, ended=True)}"
            )
        return actual

    async def _fetch(self, step: Step, resource: ArmId) -> ActualState:
        target = ReadTarget(id=resource, arm_type=step.arm_type, api_version=step.api_version)
        return await self._azure.fetch(target, purpose=Purpose.FOLLOW)


@dataclass(slots=True)
class _Counter:
    """How many writes a step sent, how the last was answered, and whether Azure took one.

    Attributes:
        unanswered: What looks after the last write while nobody knows what became of it; empty otherwise.
    """

    sent: int = 0
    http_status: int = 0
    remark: str = ""
    taken: bool = False
    unanswered: str = ""


@dataclass(frozen=True, slots=True)
class _End:
    """How following an operation of an earlier run ended: why it did not, and whether its write was answered."""

    why: str = ""
    answered: bool = True


def _purpose(step: Step) -> Purpose:
    """Return what a step's write is for: corrections of drift alone are nobody's edit."""
    return Purpose.SWEEP if step.diff.state is DiffState.DRIFTED else Purpose.EDIT
