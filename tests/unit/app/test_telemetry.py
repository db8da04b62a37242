"""What passes leave in the numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from engine.app.metrics import Sample
from engine.app.telemetry import PassTelemetry
from engine.cluster.condition import Condition
from engine.cluster.objects import ClusterObject
from engine.desired.policy import OPERATION
from engine.errors import InvalidSpecError
from engine.model.change import DiffState
from engine.model.document import Document
from engine.model.plan import Action, Reason, Step
from engine.model.problem import Problem
from engine.model.result import Outcome
from engine.model.state import CustomResource
from engine.runtime.controller.objects import ObjectInputs, Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.world import PassResult
from tests.builders import build_change, build_diff, build_key, build_plan, build_result, build_step, build_suppressed
from tests.fakes import FakeClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class Scene:
    """Telemetry over some storage accounts of two namespaces, of which this replica has one."""

    def __init__(self, *names: str, is_per_object: bool = False) -> None:
        self.clock = FakeClock(START)
        self.unread: list[Problem] = []
        self.objects = Objects(cast("ObjectInputs", self))
        self.held = {"default"}
        for name in names:
            self.put(name)
        self.telemetry = PassTelemetry(
            self.objects,
            Operations(),
            self.clock,
            is_outside=lambda identity: identity[-1] == "outside",
            holds=self.held.__contains__,
            is_per_object=is_per_object,
        )

    def problems(self) -> list[Problem]:
        return self.unread

    def put(self, name: str, *, ready: Condition | None = None, **annotations: str) -> None:
        key = build_key(f"default/StorageAccount/{name}" if "/" not in name else name)
        resource = CustomResource(key=key, spec=Document(value={}), annotations=annotations)
        self.objects.put(ClusterObject(resource=resource, ready=ready))

    def plan(self, *steps: Step, is_full: bool = True, **more: Any) -> None:
        planned = PassResult(plan=build_plan(steps), findings=(), **more)
        self.telemetry.planned(planned, 0.5, is_full=is_full)
        self.telemetry.passed(planned.plan, 2.0, is_full=is_full)

    def told(self, name: str) -> list[Sample]:
        return [s for metric in self.telemetry.metrics() if metric.family.name == name for s in metric.samples()]

    def by_label(self, name: str) -> dict[str, float]:
        return {sample.labels[0]: sample.number for sample in self.told(name)}

    def number(self, name: str) -> float:
        (sample,) = self.told(name)
        return sample.number

    @property
    def states(self) -> dict[str, float]:
        return {sample.labels[0]: sample.number for sample in self.told("trueup_resources")}


def step(name: str, action: Action = Action.NOOP, **more: Any) -> Step:
    return build_step(action, f"default/StorageAccount/{name}", **more)


def drifted(name: str, action: Action = Action.UPDATE, state: DiffState = DiffState.DRIFTED, **more: Any) -> Step:
    return step(name, action, diff=build_diff(build_change(), state=state), **more)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (step("a"), "in_sync"),
        (step("a", Action.CREATE), "pending"),
        (step("a", Action.WAIT), "pending"),
        (step("a", Action.BLOCKED), "blocked"),
        (step("a", Action.UNREADABLE), "unknown"),
        (step("a", Action.SKIP), "skipped"),
        (drifted("a"), "drifted"),
        (drifted("a", Action.NOOP, reason=Reason.DRIFT_POLICY), "drifted"),
        (step("a", Action.BLOCKED, reason=Reason.NOT_CONVERGING), "drifted"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.action}-{value.reason}",
)
def test_a_step_is_a_state(seen: Step, state: str) -> None:
    """What the last look came to is how the resource is."""
    scene = Scene("a")

    scene.plan(seen)

    assert scene.states == {state: 1}


def test_what_nobody_looked_at_is_unknown() -> None:
    """So are objects without a plan; those outside Azure are as Ready says; other replicas' do not count."""
    scene = Scene("a", "other/StorageAccount/b")
    scene.put("outside", ready=Condition(status="True"))

    assert scene.states == {"unknown": 1, "in_sync": 1}


def test_drift_is_found_once() -> None:
    """However often it is seen; after it was put right it can be found again. Its age is that of the oldest."""
    scene = Scene("a", "b")

    scene.plan(drifted("a"), step("b"))
    scene.clock.advance(60)
    scene.plan(drifted("a"), drifted("b", state=DiffState.CONFLICTED))
    age = scene.number("trueup_drift_age_seconds")
    scene.telemetry.ended(build_result(drifted("a")))
    after = scene.states
    scene.plan(drifted("a"), is_full=False)

    found = {sample.labels[-1]: sample.number for sample in scene.told("trueup_drift_detected")}
    assert (age, after, found) == (60, {"drifted": 1, "in_sync": 1}, {"drift": 2, "both": 1})


def test_what_another_replica_holds_is_not_told() -> None:
    """Drift of a namespace that went to another replica is that one's to tell; its age does not grow here for ever."""
    scene = Scene("a")
    scene.plan(drifted("a", Action.BLOCKED, reason=Reason.NOT_CONVERGING))
    scene.clock.advance(60)

    scene.held.clear()

    assert scene.number("trueup_drift_age_seconds") == 0
    assert scene.told("trueup_not_converging") == []


def test_what_fails_is_in_error() -> None:
    """A failed write and an object that cannot be used are errors; what is deleted is forgotten."""
    scene = Scene("a", "b", "c")
    bad = Problem(key=build_key("default/StorageAccount/b"), error=InvalidSpecError("no"), origin="")

    scene.plan(step("a", Action.UPDATE), step("c", Action.DELETE), problems=(bad,))
    scene.telemetry.ended(build_result(step("a", Action.UPDATE), outcome=Outcome.FAILED))
    scene.telemetry.ended(build_result(step("c", Action.DELETE)))
    scene.objects.drop(build_key("default/StorageAccount/c").identity)

    written = {sample.labels: sample.number for sample in scene.told("trueup_apply")}
    assert scene.states == {"error": 2}
    assert written == {("PATCH", "failed"): 1, ("DELETE", "deleted"): 1}


def test_only_full_passes_count_as_such() -> None:
    """Plan steps, writes avoided and the last success are those of full passes, and of ones that read everything."""
    scene = Scene("a", "b")

    scene.plan(step("a"), step("b"))
    scene.clock.advance(100)
    scene.plan(step("a", Action.UPDATE), is_full=False)
    scene.unread.append(Problem(error=InvalidSpecError("a kind cannot be listed")))
    scene.plan(step("a"))
    scene.unread.clear()
    scene.plan(step("a"), step("b", Action.UNREADABLE))

    actions = {s.labels[0]: s.number for s in scene.told("trueup_plan_actions") if s.number}
    counts = {s.labels: s.number for s in scene.told("trueup_pass_duration_seconds") if s.suffix == "_count"}
    assert actions == {"noop": 1, "unreadable": 1}
    assert scene.number("trueup_noop_writes_avoided") == 4
    assert scene.number("trueup_last_success_timestamp_seconds") == START.timestamp()
    assert counts == {("full",): 3, ("targeted",): 1}


def test_operations_have_an_age() -> None:
    """It counts from the condition that says what goes on."""
    scene = Scene("a")
    since = START - timedelta(hours=1)
    scene.put("b", ready=Condition(status="False", reason="Reconciling", since=since), **{OPERATION: "token"})

    assert scene.number("trueup_operations_running") == 1
    assert scene.number("trueup_operation_age_seconds") == 3600


def test_coverage_is_the_share_that_was_compared() -> None:
    """By subscription: what is unreadable, unusable or was never looked at is not covered; what failed later is."""
    scene = Scene("a", "b", "c", "never")
    scene.put("outside", ready=Condition(status="True"))
    bad = Problem(key=build_key("default/StorageAccount/c"), error=InvalidSpecError("no"), origin="")

    scene.plan(step("a"), step("b"), step("c"))
    scene.telemetry.ended(build_result(step("a", Action.UPDATE), outcome=Outcome.FAILED))
    before = scene.by_label("trueup_coverage_ratio")
    scene.plan(step("a"), step("b", Action.UNREADABLE), problems=(bad,))

    where = step("a").id
    assert where is not None
    assert before == {where.subscription: 1, "unknown": 0}
    assert scene.by_label("trueup_coverage_ratio") == {where.subscription: pytest.approx(1 / 3), "unknown": 0}


def test_a_snapshot_is_as_old_as_the_last_whole_look() -> None:
    """What is unreadable leaves it as old as it was; passes over some objects say nothing; a new one begins now."""
    scene = Scene("a", "b")

    scene.plan(step("a"), step("b", Action.UNREADABLE))
    at_first = scene.number("trueup_snapshot_timestamp_seconds")
    scene.clock.advance(100)
    scene.plan(step("a"), step("b"))
    scene.clock.advance(100)
    scene.plan(step("a"), step("b", Action.UNREADABLE))
    scene.plan(step("a"), step("b"), is_full=False)

    assert at_first == START.timestamp()
    assert scene.number("trueup_snapshot_timestamp_seconds") == START.timestamp() + 100


def test_differences_that_are_no_change_are_counted_by_rule() -> None:
    """Those of the last full pass."""
    scene = Scene("a", "b")
    hidden = [build_suppressed("/properties/a", rule="default"), build_suppressed("/properties/b", rule="server-owned")]

    scene.plan(step("a", diff=build_diff(suppressed=hidden)), step("b", diff=build_diff(suppressed=hidden[:1])))
    scene.plan(step("a", diff=build_diff(suppressed=hidden)), is_full=False)

    assert scene.by_label("trueup_suppressed_differences") == {"default": 2, "server-owned": 1}


def test_objects_are_named_where_it_is_asked_for() -> None:
    """Drifted ones come first, so that a limit leaves them; without the option there are no names."""
    scene, plain = Scene("a", "b", is_per_object=True), Scene("a")

    scene.plan(step("a"), drifted("b"))

    told = [(s.labels[-1], s.number) for s in scene.told("trueup_resource_drifted")]
    assert told == [("b", 1), ("a", 0)]
    assert plain.told("trueup_resource_drifted") == []


def test_a_write_is_counted_by_what_was_sent() -> None:
    """A PATCH that became a PUT is a PUT."""
    scene = Scene("a")

    scene.telemetry.ended(replace(build_result(step("a", Action.UPDATE)), method="PUT"))

    assert [s.labels for s in scene.told("trueup_apply")] == [("PUT", "updated")]


def test_nothing_is_left_of_what_is_gone() -> None:
    """After a full pass over nothing there are no steps, no subscriptions and no differences."""
    scene = Scene("a")
    scene.plan(step("a", diff=build_diff(suppressed=(build_suppressed(),))))

    scene.telemetry.passed(build_plan(()), 0.0, is_full=True)

    assert sum(s.number for s in scene.told("trueup_plan_actions")) == 0
    assert scene.told("trueup_snapshot_timestamp_seconds") == scene.told("trueup_suppressed_differences") == []
