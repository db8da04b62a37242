"""Sends one write of a step until Azure takes it, refuses it for good, or patience ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from engine.errors import EngineError, MovedError, TransientError, UnavailableError, UnfinishedError
from engine.model.change import DiffState
from engine.model.ids import ArmId
from engine.model.plan import Action, Request, Step
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import Presence
from engine.ports import BaselineStore, Clock, StepApplier
from engine.runtime.ended import unsettled_state
from engine.runtime.follow import Follower
from engine.runtime.journal import Journal
from engine.runtime.ledger import Entry, Ledger
from engine.runtime.patience import Patience
from engine.runtime.preconditions import is_clean_refusal, is_conditional, is_create, unconditional_if_ours
from engine.runtime.read_back import ReadBack
from engine.runtime.recarry import Refresh
from engine.runtime.second_choice import SecondChoice, fallback_remark
from engine.runtime.stop import Stop, StoppedError

_MOVED = 412


@dataclass(slots=True)
class Counter:
    """How many writes a step sent, how the last was answered, and whether Azure took one.

    Attributes:
        method: Of the last write.
        unanswered: What looks after the last write while nobody knows what became of it; empty otherwise.
    """

    sent: int = 0
    method: str = ""
    http_status: int = 0
    remark: str = ""
    taken: bool = False
    unanswered: str = ""


class Sender:
    """Sends writes, journalled before each, and follows each to its end."""

    def __init__(
        self,
        azure: StepApplier,
        store: BaselineStore,
        clock: Clock,
        *,
        ledger: Ledger,
        follower: Follower,
        read_back: ReadBack,
        refresh: Refresh | None,
        patience: timedelta,
        stop: Stop,
    ) -> None:
        """Keep what it sends with; nothing is sent yet."""
        self._azure = azure
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self._follower = follower
        self._read_back = read_back
        self._refresh = refresh
        self._patience = patience
        self._stop = stop
        self._second_choice = SecondChoice(store)

    async def send(self, step: Step, resource: ArmId, request: Request, counter: Counter) -> Request | None:
        """Send until it succeeds, fails for good, or patience ends; a refused PATCH becomes a PUT once.

        Returns:
            The request that Azure took; None where it had become as asked before one was taken.
        """
        patience = Patience(self._patience, self._clock)
        request = self._second_choice.instead_of(step, request)
        may_be_ours = False
        while True:
            try:
                request = await self._freshen(step, resource, request)
                with self._ledger.write(step, request) as entry:
                    counter.http_status = await self._once(step, resource, entry, counter)
                counter.taken = True
            except EngineError as exc:
                fallback = self._second_choice.after(step, request, exc)
                if fallback is None:
                    await self._wait_or_raise(exc, request, patience, counter)
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
        actual = await self._read_back.fetch(step, resource)
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
        return self._refresh.refresh(step, request, await self._read_back.fetch(step, resource))

    async def _wait_or_raise(self, error: EngineError, request: Request, patience: Patience, counter: Counter) -> None:
        """Wait as long as the error asks for; raise it where waiting does not help or takes too long."""
        if not isinstance(error, TransientError):
            raise error
        is_given_up = self._refresh is None or not is_conditional(request)
        moved = error.http_status == _MOVED and is_given_up
        wait = None if moved else patience.next_wait(error)
        if wait is None:
            raise error
        if counter.taken:
            await self._clock.sleep(wait)
            return
        await self._stop.pause(self._clock, wait)
        if self._stop.requested:
            raise StoppedError from error

    async def _once(self, step: Step, resource: ArmId, entry: Entry, counter: Counter) -> int:
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
            if self._stop.requested and not counter.taken:
                raise StoppedError
            if not entry.noted:
                self._ledger.intend(entry)
                counter.sent, counter.method, counter.unanswered = counter.sent + 1, entry.request.method, ""
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
            await self._follower.follow(progress, journal.save)
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
        actual = await self._read_back.fetch(step, resource)
        if actual.presence is Presence.UNREADABLE:
            raise UnavailableError(f"What became of {request.method} {resource} is not known", detail=actual.cause)
        if actual.presence is Presence.PRESENT and unsettled_state(step, actual, ended=False):
            await self._follower.follow(OperationProgress(status=OperationStatus.RUNNING, token=token), None)
            actual = await self._read_back.fetch(step, resource)
        if request.method == "DELETE":
            return actual.presence is Presence.ABSENT
        is_new = request.method == "PUT" and step.action in (Action.CREATE, Action.REPLACE)
        is_there = is_new and actual.presence is Presence.PRESENT and not unsettled_state(step, actual, ended=True)
        return is_there and (self._refresh is None or self._refresh.is_as_asked(step, actual))


def _purpose(step: Step) -> Purpose:
    """Return what a step's write is for: corrections of drift alone are nobody's edit."""
    return Purpose.SWEEP if step.diff.state is DiffState.DRIFTED else Purpose.EDIT
