from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import (
    ConflictError,
    InvalidSpecError,
    MovedError,
    NotReadyError,
    ThrottledError,
    UnavailableError,
)
from engine.model.plan import Action, Request, Step
from engine.model.result import OperationStatus, Outcome
from engine.model.state import ActualState, Presence
from tests.executor_stubs import (
    RUNNING,
    StubAzure,
    StubClock,
    StubRefresh,
    StubStore,
    answered,
    carry_out,
    outcomes,
    seen,
    step_for,
)


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
    assert [r.method for r in result.results] == ["PUT", "PUT"]
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
