from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidSpecError,
    MovedError,
    NotReadyError,
    ThrottledError,
    UnavailableError,
)
from engine.model.change import DiffState, ResourceDiff
from engine.model.document import Body, Document, Secret
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Plan, Request, Step
from engine.model.purpose import Purpose
from engine.model.refusal import Refusal
from engine.model.result import ApplyResult, OperationProgress, OperationStatus, Outcome
from engine.model.state import ActualState, Presence
from engine.ports import ReadTarget
from engine.runtime.executor import Executor, ExecutorOptions, Progress, Resumed
from tests.builders import build_desired, build_id, build_key, build_step
from tests.fakes import MemoryAudit, build_ledger

DONE = OperationProgress(status=OperationStatus.SUCCEEDED)
RUNNING = OperationProgress(status=OperationStatus.RUNNING, token="op-1", wait=timedelta(seconds=15))


class StubClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.naps: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, duration: timedelta) -> None:
        self.naps.append(duration.total_seconds())
        self.elapsed += duration.total_seconds()
        await asyncio.sleep(0)


class StubAzure:
    """Answers writes from a script (by method and name), remembers what was sent."""

    def __init__(self, script: dict[str, list[object]] | None = None) -> None:
        self.script = script or {}
        self.sent: list[str] = []
        self.headers: list[tuple[tuple[str, str], ...]] = []
        self.gone: set[ArmId] = set()
        self.stays = False
        self.kept: list[Body] = []
        self.purposes: list[Purpose] = []
        self.reads: list[ActualState] = []

    def keep_secrets(self, body: Body) -> None:
        self.kept.append(body)

    def intend(self, request: Request, *, resource: ArmId) -> str:
        return "intent"

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        if announce is not None:
            announce("intent")
        self.sent.append(f"{request.method} {resource.name}")
        self.headers.append(request.headers)
        self.purposes.append(purpose)
        await asyncio.sleep(0)
        answers = self.script.get(f"{request.method} {resource.name}") or []
        answer = answers.pop(0) if answers else DONE
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, OperationProgress)
        if request.method == "DELETE" and not self.stays:
            self.gone.add(resource)
        return answer

    async def poll(self, token: str) -> OperationProgress:
        self.sent.append(f"poll {token}")
        answers = self.script.get(f"poll {token}") or []
        answer = answers.pop(0) if answers else DONE
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, OperationProgress)
        return answer

    async def fetch(self, target: ReadTarget, **_: object) -> ActualState:
        if self.reads:
            return self.reads.pop(0)
        presence = Presence.ABSENT if target.id in self.gone else Presence.PRESENT
        return ActualState(id=target.id, presence=presence, document=Document(value={}))


class StubRefresh:
    """Asks for a fresh read before each PUT, and counts them; answers from a script."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.reads = 0
        self.asked: list[bool] = []

    def is_needed(self, _step: Step, request: Request) -> bool:
        return request.method == "PUT" and not request.headers

    def is_as_asked(self, _step: Step, _actual: ActualState) -> bool:
        return True

    def decide_again(self, _step: Step, _request: Request, _actual: ActualState, *, may_be_ours: bool) -> None:
        self.asked.append(may_be_ours)

    def refresh(self, _step: Step, request: Request, _actual: ActualState) -> Request:
        self.reads += 1
        if self.answers:
            raise self.answers.pop(0)
        return replace(request, body={"read": self.reads})


class StubStore:
    """Remembers calls."""

    def __init__(self, pending: dict[ArmId, str] | None = None) -> None:
        self.log: list[str] = []
        self.pending = pending or {}

    def save_operation(self, resource: ArmId, _key: ResourceKey, token: str) -> None:
        self.log.append(f"save {resource.name} {token}")

    def clear_operation(self, resource: ArmId) -> None:
        self.log.append(f"clear {resource.name}")

    def operations(self) -> dict[ArmId, str]:
        return self.pending

    def forget(self, resource: ArmId) -> None:
        self.log.append(f"forget {resource.name}")

    def save_refusal(self, refusal: Refusal) -> None:
        self.log.append(f"refused {refusal.member}")


def answered(status: int, detail: str, kind: type[EngineError] = InvalidSpecError) -> EngineError:
    error = kind("refused", detail=detail)
    error.http_status = status
    return error


def step_for(name: str, action: Action = Action.CREATE, *, needs: tuple[str, ...] = (), **more: object) -> Step:
    methods = {Action.CREATE: ("PUT",), Action.UPDATE: ("PATCH",), Action.DELETE: ("DELETE",)}.get(action, ())
    requests = tuple(Request(method=m, url=f"https://x/{name}", body={}) for m in methods)
    step = build_step(action)
    fields = {f: getattr(step, f) for f in step.__dataclass_fields__} | {
        "key": build_key(f"default/StorageAccount/{name}"),
        "id": build_id(name),
        "requests": requests,
        "depends_on": tuple(build_key(f"default/StorageAccount/{n}") for n in needs),
        **more,
    }
    return Step(**fields)  # type: ignore[arg-type]


def carry_out(
    azure: StubAzure,
    *steps: Step,
    store: StubStore | None = None,
    clock: StubClock | None = None,
    settle: Callable[[Step, ActualState], str] = lambda _step, _actual: "",
    refresh: StubRefresh | None = None,
    news: list[Progress] | None = None,
    log: MemoryAudit | None = None,
) -> ApplyResult:
    executor = Executor(
        azure,  # type: ignore[arg-type]
        store or StubStore(),  # type: ignore[arg-type]
        clock or StubClock(),
        ledger=build_ledger(log),
        settle=settle,
        refresh=refresh,
        report=(news if news is not None else []).append,
        options=ExecutorOptions(patience=timedelta(minutes=5)),
    )
    return asyncio.run(executor.run(Plan(steps=steps, complete=True)))


def outcomes(result: ApplyResult) -> dict[str, Outcome]:
    return {r.step.key.name: r.outcome for r in result.results}


def test_what_is_needed_is_sent_first() -> None:
    """A step starts only after everything it depends on has succeeded."""
    azure = StubAzure({"PUT group": [RUNNING]})

    result = carry_out(azure, step_for("app", needs=("group",)), step_for("group"))

    assert azure.sent == ["PUT group", "poll op-1", "PUT app"]
    assert outcomes(result) == {"group": Outcome.CREATED, "app": Outcome.CREATED}


def test_a_failed_step_skips_only_what_needs_it() -> None:
    """What depends on a failed step is skipped and says why; everything else goes on."""
    azure = StubAzure({"PUT group": [InvalidSpecError("no")]})

    result = carry_out(azure, step_for("group"), step_for("app", needs=("group",)), step_for("other"))

    assert outcomes(result) == {"group": Outcome.FAILED, "app": Outcome.SKIPPED, "other": Outcome.CREATED}
    assert "default/StorageAccount/group" in next(r.cause for r in result.results if r.step.key.name == "app")


def test_passing_errors_are_tried_again_after_the_time_azure_names() -> None:
    """Retry-After is honoured; without one the wait doubles; the request is the same."""
    clock = StubClock()
    throttled = ThrottledError("slow down", retry_after=timedelta(seconds=11))
    azure = StubAzure({"PUT app": [throttled, NotReadyError("parent"), NotReadyError("parent")]})

    result = carry_out(azure, step_for("app"), clock=clock)

    assert outcomes(result) == {"app": Outcome.CREATED}
    assert clock.naps == [11.0, 2.0, 4.0]
    assert result.results[0].requests == 4


def test_patience_ends() -> None:
    """An error that time does not cure fails the step once its patience is used up, never sooner."""
    azure = StubAzure({"PUT app": [NotReadyError("parent is missing")] * 1000})
    clock = StubClock()

    result = carry_out(azure, step_for("app"), clock=clock)

    assert outcomes(result) == {"app": Outcome.FAILED}
    assert "parent is missing" in result.results[0].cause
    assert 200 < clock.elapsed <= 300


def test_a_refused_patch_becomes_a_put_once() -> None:
    """Where Azure refuses the PATCH, the PUT the plan names is sent, and only once."""
    put = Request(method="PUT", url="https://x/app", body={})
    azure = StubAzure({"PATCH app": [answered(405, "no PATCH here")], "PUT app": [InvalidSpecError("bad")]})

    result = carry_out(azure, step_for("app", Action.UPDATE, fallback=put))

    assert azure.sent == ["PATCH app", "PUT app"]
    assert outcomes(result) == {"app": Outcome.FAILED}


def test_a_put_is_brought_up_to_date_before_each_try() -> None:
    """Also one that stands in for a refused PATCH, and one that is sent again; what was sent is what is remembered."""
    put = Request(method="PUT", url="https://x/app", body={})
    azure = StubAzure({"PATCH app": [answered(405, "no PATCH here")], "PUT app": [NotReadyError("busy")]})
    refresh, settled = StubRefresh(), list[Step]()

    def settle(step: Step, _actual: ActualState) -> str:
        settled.append(step)
        return ""

    result = carry_out(azure, step_for("app", Action.UPDATE, fallback=put), refresh=refresh, settle=settle)

    assert azure.sent == ["PATCH app", "PUT app", "PUT app"]
    assert (outcomes(result), refresh.reads) == ({"app": Outcome.UPDATED}, 2)
    assert [r.body for r in settled[0].requests] == [{"read": 2}]


def test_a_put_that_would_undo_what_moved_is_not_sent() -> None:
    """Azure moved since the plan: the step fails at once; a read that failed is only tried again."""
    azure, other = StubAzure(), StubAzure()

    moved = carry_out(azure, step_for("app"), refresh=StubRefresh(MovedError("it moved")))
    unread = carry_out(other, step_for("app"), refresh=StubRefresh(UnavailableError("no answer")))

    assert (azure.sent, outcomes(moved), moved.results[0].reason) == ([], {"app": Outcome.FAILED}, "Moved")
    assert (other.sent, outcomes(unread)) == (["PUT app"], {"app": Outcome.CREATED})


def test_a_write_that_would_overwrite_another_is_not_repeated() -> None:
    """A precondition that does not hold means that Azure moved: where nobody can look again, it fails at once."""
    request = Request(method="PATCH", url="https://x/app", body={}, headers=(("If-Match", "1"),))
    azure = StubAzure({"PATCH app": [answered(412, "moved", ConflictError)]})

    result = carry_out(azure, step_for("app", Action.UPDATE, requests=(request,)))

    assert (azure.sent, outcomes(result)) == (["PATCH app"], {"app": Outcome.FAILED})


def test_another_step_of_the_type_does_not_ask_again() -> None:
    """What was refused once in a run is sent as a PUT at once, and is in the store for the next run."""
    store = StubStore()
    azure = StubAzure({"PATCH one": [answered(405, "no PATCH here")]})
    steps = [
        step_for(n, Action.UPDATE, fallback=Request(method="PUT", url=f"https://x/{n}", body={}), needs=needs)
        for n, needs in (("one", ()), ("two", ("one",)))
    ]

    result = carry_out(azure, *steps, store=store)

    assert azure.sent == ["PATCH one", "PUT one", "PUT two"]
    assert [line for line in store.log if line.startswith("refused")] == ["refused "]
    assert all("does not take the PATCH" in r.cause for r in result.results)


@pytest.mark.parametrize(("status", "ours"), [(500, True), (0, True), (409, False)])
def test_a_create_whose_answer_was_lost_may_be_ours(status: int, ours: bool) -> None:
    """A 412 after a request without a clean refusal may be our own doing; what is there decides, not the 412."""
    put = Request(method="PUT", url="https://x/app", body={}, headers=(("If-None-Match", "*"),))
    first = answered(status, "lost", UnavailableError if ours else ConflictError)
    azure = StubAzure({"PUT app": [first, answered(412, "exists", ConflictError)]})
    azure.reads = [seen("app", presence=Presence.ABSENT)]
    refresh = StubRefresh()

    carry_out(azure, step_for("app", requests=(put,)), refresh=refresh)

    assert refresh.asked == [ours]


def test_a_create_that_azure_began_is_repeated_without_condition() -> None:
    """What an operation of ours left behind half made is ours: the next PUT goes over it."""
    put = Request(method="PUT", url="https://x/app", body={}, headers=(("If-None-Match", "*"),))
    failed = replace(RUNNING, status=OperationStatus.FAILED, error=answered(200, "broke", NotReadyError))
    azure = StubAzure({"PUT app": [failed]})

    result = carry_out(azure, step_for("app", requests=(put,)))

    assert outcomes(result) == {"app": Outcome.CREATED}
    assert [("If-None-Match", "*") in headers for headers in azure.headers] == [True, False]


def test_an_operation_is_saved_before_it_is_waited_for() -> None:
    """The poller is stored before the first wait and dropped when the operation has ended."""
    store = StubStore()
    azure = StubAzure({"PUT app": [RUNNING]})
    clock = StubClock()

    carry_out(azure, step_for("app"), store=store, clock=clock)

    assert store.log == ["save app intent", "save app op-1", "clear app"]
    assert clock.naps == [15.0]


def test_a_failed_operation_is_repeated_when_time_may_cure_it() -> None:
    """An operation that ends as failed is judged by its error like an answer would be."""
    failed = OperationProgress(status=OperationStatus.FAILED, error=NotReadyError("server is busy"))
    azure = StubAzure({"PUT app": [RUNNING], "poll op-1": [failed]})

    result = carry_out(azure, step_for("app"))

    assert azure.sent == ["PUT app", "poll op-1", "PUT app"]
    assert outcomes(result) == {"app": Outcome.CREATED}


def test_a_deleted_resource_is_forgotten_after_it_is_gone() -> None:
    """The memory of a resource is dropped once Azure no longer has it."""
    store = StubStore()

    result = carry_out(StubAzure(), step_for("app", Action.DELETE), store=store)

    assert (outcomes(result), store.log[-1]) == ({"app": Outcome.DELETED}, "forget app")


def test_a_resource_that_azure_still_returns_after_its_delete_is_remembered() -> None:
    """Some singletons never go away: the step says so, and the memory of them stays."""
    store, azure = StubStore(), StubAzure()
    azure.stays = True

    result = carry_out(azure, step_for("app", Action.DELETE), store=store)

    assert (outcomes(result), store.log[-1]) == ({"app": Outcome.DELETED}, "clear app")
    assert "still returns it" in result.results[0].cause


def test_a_replace_creates_nothing_while_the_old_resource_is_there() -> None:
    """A PUT beside the resource that was to go would be an update in disguise: the step fails and says what to do."""
    requests = tuple(Request(method=m, url="https://x/app", body={}) for m in ("DELETE", "PUT"))
    azure = StubAzure()
    azure.stays = True

    kept = carry_out(azure, step_for("app", Action.REPLACE, requests=requests))
    gone = carry_out(StubAzure(), step_for("app", Action.DELETE))

    assert (azure.sent, outcomes(kept)) == (["DELETE app"], {"app": Outcome.FAILED})
    assert "still returns it" in kept.results[0].cause
    assert "plan again" in kept.results[0].cause
    assert gone.results[0].cause == ""


def test_what_azure_holds_otherwise_is_read_twice_and_said() -> None:
    """A mismatch counts only if the second read shows it too; the step is done, with a remark."""
    remarks = ["Azure holds another value", ""]

    result = carry_out(StubAzure(), step_for("app"), settle=lambda _s, _a: remarks.pop(0))
    still = carry_out(StubAzure(), step_for("app"), settle=lambda _s, _a: "Azure holds 1")

    assert (result.results[0].cause, remarks) == ("", [])
    assert (still.results[0].outcome, still.results[0].cause) == (Outcome.CREATED, "Azure holds 1")


def test_steps_that_write_nothing_send_nothing() -> None:
    """Noop and blocked steps get a result without any request."""
    azure = StubAzure()

    result = carry_out(azure, step_for("a", Action.NOOP), step_for("b", Action.BLOCKED), step_for("c", Action.ADOPT))

    assert azure.sent == []
    assert outcomes(result) == {"a": Outcome.UNCHANGED, "b": Outcome.SKIPPED, "c": Outcome.SKIPPED}


def test_operations_of_an_earlier_run_are_followed() -> None:
    """A stored poller is asked, without sending the write again, and dropped at its end."""
    resource = build_id("app")
    store = StubStore({resource: "op-1"})
    azure = StubAzure({"poll op-1": [RUNNING]})
    log = MemoryAudit()
    executor = Executor(
        azure,  # type: ignore[arg-type]
        store,  # type: ignore[arg-type]
        StubClock(),
        ledger=build_ledger(log),
        settle=lambda _s, _a: "",
        report=lambda _n: None,
        options=ExecutorOptions(),
    )

    followed = asyncio.run(executor.resume())

    assert (followed.followed, followed.unfinished) == ((resource,), {})
    assert azure.sent == ["poll op-1", "poll op-1"]
    assert store.log == ["clear app"]
    assert log.events == ["followed succeeded"]


def test_an_operation_that_cannot_be_followed_is_kept_and_never_sent_twice() -> None:
    """When nobody answers a poll, the poller stays stored and the step fails without another write."""
    store = StubStore()
    azure = StubAzure({"PUT app": [RUNNING], "poll op-1": [UnavailableError("no answer")]})

    result = carry_out(azure, step_for("app"), store=store)

    assert azure.sent == ["PUT app", "poll op-1"]
    assert store.log == ["save app intent", "save app op-1"]
    assert (outcomes(result), result.results[0].reason) == ({"app": Outcome.FAILED}, "Unfinished")


def test_an_operation_is_not_waited_for_without_end() -> None:
    """After the limit the step fails and the poller stays for the next run."""
    store = StubStore()
    slow = [OperationProgress(status=OperationStatus.RUNNING, token="op-1", wait=timedelta(hours=1))] * 9
    azure = StubAzure({"PUT app": [RUNNING], "poll op-1": [*slow]})

    result = carry_out(azure, step_for("app"), store=store)

    assert (result.results[0].reason, store.log) == ("Unfinished", ["save app intent", "save app op-1"])
    assert "4:00:00" in result.results[0].cause


def test_what_an_earlier_run_left_unfinished_is_not_written() -> None:
    """A resource whose stored operation cannot be followed keeps its poller, and apply leaves it alone."""
    resource = build_id("app")
    store = StubStore({resource: "op-1"})
    azure = StubAzure({"poll op-1": [UnavailableError("no answer")]})

    resumed, result = asyncio.run(resume_and_run(azure, store, step_for("app"), step_for("other")))

    assert (resumed.followed, list(resumed.unfinished)) == ((), [resource])
    assert outcomes(result) == {"app": Outcome.FAILED, "other": Outcome.CREATED}
    assert azure.sent == ["poll op-1", "PUT other"]


async def resume_and_run(azure: StubAzure, store: StubStore, *steps: Step) -> tuple[Resumed, ApplyResult]:
    def executor(unfinished: dict[ArmId, str]) -> Executor:
        return Executor(
            azure,  # type: ignore[arg-type]
            store,  # type: ignore[arg-type]
            StubClock(),
            ledger=build_ledger(),
            settle=lambda _s, _a: "",
            report=lambda _n: None,
            options=ExecutorOptions(),
            unfinished=unfinished,
        )

    resumed = await executor({}).resume()
    return resumed, await executor(dict(resumed.unfinished)).run(Plan(steps=steps, complete=True))


def test_secrets_are_made_known_before_anything_is_sent() -> None:
    """Every desired body of a plan is shown to Azure's adapter first, so that no error can repeat its secrets."""
    azure, body = StubAzure(), {"properties": {"password": Secret("hunter2")}}
    step = step_for("a", Action.NOOP, desired=build_desired(body=body))

    carry_out(azure, step)

    assert azure.kept == [body]


def seen(name: str, state: str = "", *, presence: Presence = Presence.PRESENT) -> ActualState:
    body = {"properties": {"provisioningState": state}} if state else {}
    return ActualState(id=build_id(name), presence=presence, document=Document(value=body))


NO_ANSWER = UnavailableError("cut")
PUT = (Request(method="PUT", url="https://x/app", body={}),)


def test_a_create_that_was_not_answered_is_looked_for_before_it_is_sent_again() -> None:
    """It is there: nothing is sent twice. It cannot be read: nothing is sent until it can."""
    azure, unread = StubAzure({"PUT app": [NO_ANSWER]}), StubAzure({"PUT app": [NO_ANSWER]})
    unread.reads = [seen("app", presence=Presence.UNREADABLE)] * 3
    store = StubStore()

    there = carry_out(azure, step_for("app"), store=store)
    later = carry_out(unread, step_for("app"))

    assert (azure.sent, unread.sent) == (["PUT app"], ["PUT app"])
    assert (outcomes(there), outcomes(later)) == ({"app": Outcome.CREATED}, {"app": Outcome.CREATED})
    assert store.log == ["save app intent", "clear app"]


def test_a_create_of_which_nothing_shows_is_sent_once_more() -> None:
    """Neither resource nor operation is visible: one identical PUT follows, and both are counted."""
    azure = StubAzure({"PUT app": [NO_ANSWER]})
    azure.reads = [seen("app", presence=Presence.ABSENT)]

    result = carry_out(azure, step_for("app"))

    assert azure.sent == ["PUT app", "PUT app"]
    assert (outcomes(result), result.results[0].requests) == ({"app": Outcome.CREATED}, 2)


def test_nothing_is_sent_while_something_works_on_the_resource() -> None:
    """An update that was not answered is followed to its end before it is sent again."""
    azure = StubAzure({"PATCH app": [NO_ANSWER], "poll intent": [replace(RUNNING, token="intent"), DONE]})
    azure.reads = [seen("app", "Updating")]

    carry_out(azure, step_for("app", Action.UPDATE))

    assert azure.sent == ["PATCH app", "poll intent", "poll intent", "PATCH app"]


def test_a_create_that_failed_unseen_is_sent_again() -> None:
    """A resource in state Failed is not what was asked for, whatever its values are."""
    azure = StubAzure({"PUT app": [NO_ANSWER]})
    azure.reads = [seen("app", "Failed")]

    carry_out(azure, step_for("app"))

    assert azure.sent == ["PUT app", "PUT app"]


def test_a_delete_that_was_not_answered_but_worked_is_not_repeated() -> None:
    """What is gone needs no second DELETE."""
    azure = StubAzure({"DELETE app": [NO_ANSWER]})
    azure.gone.add(build_id("app"))

    result = carry_out(azure, step_for("app", Action.DELETE))

    assert (azure.sent, outcomes(result)) == (["DELETE app"], {"app": Outcome.DELETED})


def test_a_write_that_nobody_answers_stays_in_the_journal() -> None:
    """When patience ends the next run still finds it, and looks before it plans."""
    store = StubStore()

    result = carry_out(
        StubAzure({"PUT app": [NO_ANSWER] * 99}), step_for("app", Action.UPDATE, requests=PUT), store=store
    )

    assert (outcomes(result), store.log[-1]) == ({"app": Outcome.FAILED}, "save app intent")


def test_an_interrupted_write_is_told_apart_from_a_followed_operation() -> None:
    """What the journal alone knows of is looked after by reads, and reported as interrupted."""
    resource = build_id("app")
    unanswered = replace(DONE, answered=False)
    azure, store = StubAzure({"poll intent": [unanswered]}), StubStore({resource: "intent"})

    resumed, _ = asyncio.run(resume_and_run(azure, store))

    assert (resumed.followed, resumed.interrupted) == ((), (resource,))
    assert store.log == ["clear app"]


def test_edits_are_told_from_corrections_of_drift() -> None:
    """A write that only undoes drift sweeps; everything else is somebody's edit."""
    azure = StubAzure()
    drifted = step_for("a", Action.UPDATE, diff=ResourceDiff(state=DiffState.DRIFTED))

    carry_out(azure, drifted, step_for("b", Action.UPDATE))

    assert azure.purposes == [Purpose.SWEEP, Purpose.EDIT]
