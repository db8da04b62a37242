"""Operations that go on, answers that nobody saw, and what an earlier run left."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from engine.errors import (
    NotReadyError,
    UnavailableError,
)
from engine.model.change import DiffState, ResourceDiff
from engine.model.document import Secret
from engine.model.plan import Action, Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus, Outcome
from engine.model.state import Presence
from engine.runtime.executor import Executor, ExecutorOptions
from tests.builders import build_desired, build_id
from tests.executor_stubs import (
    DONE,
    NO_ANSWER,
    PUT,
    RUNNING,
    StubAzure,
    StubClock,
    StubStore,
    carry_out,
    outcomes,
    resume_and_run,
    seen,
    step_for,
)
from tests.fakes import MemoryAudit, build_ledger


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


def test_secrets_are_made_known_before_anything_is_sent() -> None:
    """Every desired body of a plan is shown to Azure's adapter first, so that no error can repeat its secrets."""
    azure, body = StubAzure(), {"properties": {"password": Secret("hunter2")}}
    step = step_for("a", Action.NOOP, desired=build_desired(body=body))

    carry_out(azure, step)

    assert azure.kept == [body]


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
