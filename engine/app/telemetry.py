"""What passes see and do, as numbers: how resources are, since when they differ, what was written."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.app import metric_names as names
from engine.app.coverage import Coverage, shares, subscription_of
from engine.app.metrics import Counter, Exemplar, Gauge, Histogram, Labels, Metric, single
from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.model.change import DiffState
from engine.model.ids import ArmId
from engine.model.plan import Action, Plan, Reason, Step
from engine.model.result import Outcome, StepResult
from engine.ports import Clock
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.spans import trace_id
from engine.runtime.world import PassResult

_MOVED: Final[Mapping[DiffState, str]] = {DiffState.DRIFTED: "drift", DiffState.CONFLICTED: "both"}
_LEFT_ALONE: Final = frozenset({Reason.DRIFT_POLICY, Reason.NOT_CONVERGING})
_STATES: Final[Mapping[Action, str]] = {
    Action.NOOP: "in_sync",
    Action.CREATE: "pending",
    Action.UPDATE: "pending",
    Action.REPLACE: "pending",
    Action.DELETE: "pending",
    Action.ADOPT: "pending",
    Action.WAIT: "pending",
    Action.FORGET: "skipped",
    Action.SKIP: "skipped",
    Action.BLOCKED: "blocked",
    Action.UNREADABLE: "unknown",
}
_DRIFTED: Final = "drifted"
_LONGEST_ID: Final = 64
"""OpenMetrics takes 128 characters of labels in an exemplar."""


@dataclass(frozen=True, slots=True)
class _Seen:
    state: str
    since: float
    is_stuck: bool = False
    where: ArmId | None = None
    is_compared: bool = True


class PassTelemetry:
    """Implements ``Telemetry``; holds one word per object."""

    def __init__(
        self,
        objects: Objects,
        operations: Operations,
        clock: Clock,
        *,
        is_outside: Callable[[ObjectIdentity], bool],
        holds: Callable[[str], bool],
        is_per_object: bool = False,
    ) -> None:
        """Know nothing yet.

        Args:
            objects: All of them.
            operations: Knows whose operations go on.
            clock: For ages and times.
            is_outside: Whether no plan is made for an object.
            holds: Whether this replica works on a namespace; nothing else is counted.
            is_per_object: Tell of each object by name, too.
        """
        self._objects = objects
        self._operations = operations
        self._is_outside = is_outside
        self._holds = holds
        self._clock = clock
        self._is_per_object = is_per_object
        self._coverage = Coverage()
        self._seen: dict[ObjectIdentity, _Seen] = {}
        self._actions: Count[Action] = Count()
        self._last_success = 0.0
        self._drifts, self._applied = Counter(names.DRIFT_DETECTED), Counter(names.APPLIED)
        self._avoided = Counter(names.WRITES_AVOIDED)
        self._plan_times, self._pass_times = Histogram(names.PLAN_TIMES), Histogram(names.PASS_TIMES)

    def planned(self, planned: PassResult, seconds: float, *, is_full: bool) -> None:
        """Note how every resource is."""
        now = self._clock.monotonic()
        for step in planned.plan.steps:
            self._see(step, now)
        for problem in planned.problems:
            if problem.key is not None:
                identity = problem.key.identity
                self._seen[identity] = _Seen("error", now, where=self._place_of(identity), is_compared=False)
        if is_full:
            self._actions = Count(step.action for step in planned.plan.steps)
            self._avoided.add(by=self._actions[Action.NOOP])
            self._coverage.looked(planned.plan.steps, self._clock.now().timestamp())
        self._plan_times.observe(seconds, _scope(is_full=is_full), exemplar=self._exemplar(planned.plan, seconds))

    def ended(self, result: StepResult) -> None:
        """Note what became of a write."""
        step, now = result.step, self._clock.monotonic()
        identity = step.key.identity
        if result.requests and step.requests:
            self._applied.add(result.method or step.requests[-1].method, result.outcome.value)
        if result.outcome is Outcome.DELETED:
            self._seen.pop(identity, None)
        elif result.outcome in (Outcome.FAILED, Outcome.NOT_FULFILLED):
            self._seen[identity] = _Seen("error", now, where=step.id)
        elif result.outcome is not Outcome.SKIPPED:
            self._seen[identity] = _Seen("in_sync", now, where=step.id)

    def passed(self, plan: Plan, seconds: float, *, is_full: bool) -> None:
        """Note how long a pass took; one over everything that read everything, the cluster included, is a success."""
        self._pass_times.observe(seconds, _scope(is_full=is_full), exemplar=self._exemplar(plan, seconds))
        is_read = not self._objects.problems() and not any(s.action is Action.UNREADABLE for s in plan.steps)
        if is_full and not plan.steps:
            self._actions = Count()
            self._coverage.looked((), self._clock.now().timestamp())
        if is_full and is_read:
            self._last_success = self._clock.now().timestamp()

    def metrics(self) -> Sequence[Metric]:
        """Return all numbers."""
        return (
            Gauge(names.RESOURCES, self._by_state),
            *([Gauge(names.DRIFTED, self._by_object)] if self._is_per_object else []),
            Gauge(names.COVERAGE, lambda: shares(self._compared())),
            *self._coverage.metrics(),
            Gauge(names.NOT_CONVERGING, self._stuck),
            self._drifts,
            single(names.DRIFT_AGE, self._drift_age),
            Gauge(names.PLAN_ACTIONS, lambda: [((a.value,), self._actions[a]) for a in Action]),
            self._applied,
            self._avoided,
            self._pass_times,
            self._plan_times,
            single(names.LAST_SUCCESS, lambda: self._last_success),
            single(names.OPERATIONS, lambda: len(self._operation_ages())),
            single(names.OPERATION_AGE, lambda: max(self._operation_ages(), default=0.0)),
        )

    def _see(self, step: Step, now: float) -> None:
        identity = step.key.identity
        origin = _MOVED.get(step.diff.state, "")
        is_drift = step.reason in _LEFT_ALONE or (bool(origin) and step.action in (Action.UPDATE, Action.REPLACE))
        state = _DRIFTED if is_drift else _STATES[step.action]
        before = self._seen.get(identity)
        was_drift = before is not None and before.state == _DRIFTED
        if is_drift and not was_drift:
            self._drifts.add(step.key.group, step.key.kind, origin or "unknown")
        since = before.since if before is not None and before.state == state else now
        is_compared = step.action is not Action.UNREADABLE
        self._seen[identity] = _Seen(state, since, step.reason is Reason.NOT_CONVERGING, step.id, is_compared)

    def _by_state(self) -> Iterable[tuple[Labels, float]]:
        counts: Count[Labels] = Count()
        for found in self._held():
            key = found.resource.key
            counts[self._state_of(found), key.group, key.kind] += 1
        return sorted(counts.items())

    def _place_of(self, identity: ObjectIdentity) -> ArmId | None:
        """Return where an object's resource was when it was last known."""
        before = self._seen.get(identity)
        return before.where if before is not None else None

    def _compared(self) -> Iterable[tuple[str, bool]]:
        """Yield the subscription of each object that belongs to one, and whether it was compared."""
        for found in self._held():
            if not self._is_outside(found.identity):
                seen = self._seen.get(found.identity)
                where = subscription_of(seen.where if seen is not None else None)
                yield where, seen is not None and seen.is_compared

    def _by_object(self) -> list[tuple[Labels, float]]:
        """Return for each object whether it is drifted, those first that are."""
        found = ((o.identity, float(self._state_of(o) == _DRIFTED)) for o in self._held())
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def _held(self) -> Iterable[ClusterObject]:
        return (found for found in self._objects.all() if self._holds(found.identity[0]))

    def _state_of(self, found: ClusterObject) -> str:
        """Return how a resource is; of what has no plan, as its condition says."""
        if self._is_outside(found.identity):
            ready = found.ready
            return "unknown" if ready is None else "in_sync" if ready.is_true else "error"
        seen = self._seen.get(found.identity)
        return "unknown" if seen is None else seen.state

    def _current(self) -> Mapping[ObjectIdentity, _Seen]:
        """Return what was seen, having forgotten objects that are gone or another replica's now."""
        for identity in [i for i in self._seen if self._objects.find(i) is None or not self._holds(i[0])]:
            del self._seen[identity]
        return self._seen

    def _stuck(self) -> Iterable[tuple[Labels, float]]:
        return sorted(Count((i[1], i[2]) for i, seen in self._current().items() if seen.is_stuck).items())

    def _drift_age(self) -> float:
        now = self._clock.monotonic()
        return max((now - seen.since for seen in self._current().values() if seen.state == _DRIFTED), default=0.0)

    def _operation_ages(self) -> list[float]:
        now = self._clock.now()
        return [
            (now - found.ready.since).total_seconds() if found.ready is not None and found.ready.since else 0.0
            for found in self._held()
            if self._operations.pending(found)
        ]

    def _exemplar(self, plan: Plan, seconds: float) -> Exemplar | None:
        if not plan.id:
            return None
        at = self._clock.now().timestamp()
        return Exemplar(plan_id=plan.id[:_LONGEST_ID], value=seconds, at=at, trace_id=trace_id())


def _scope(*, is_full: bool) -> str:
    return "full" if is_full else "targeted"
