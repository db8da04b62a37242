"""What passes last decided about each object, for people who look at the pod; nothing else may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from engine.desired.identity import ObjectIdentity
from engine.model.change import IN_SYNC
from engine.model.plan import Action, Plan, Reason, Step
from engine.model.result import Outcome, StepResult
from engine.ports import Clock
from engine.runtime.controller.objects import Objects

_DONE = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.REPLACED, Outcome.UNCHANGED})


class Board:
    """The last step of each object.

    Attributes:
        version: Another one whenever something was noted.
        at: When that was last; None before.
    """

    def __init__(self, clock: Clock) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._steps: dict[ObjectIdentity, Step] = {}
        self.version = 0
        self.at: datetime | None = None

    def note(self, steps: Iterable[Step]) -> None:
        """Take what a pass decided."""
        for step in steps:
            self._put(replace(step, desired=None) if step.action is Action.NOOP and not step.changes else step)

    def ended(self, result: StepResult) -> None:
        """Take what became of a step: what was written is as asked, what failed says why."""
        if result.outcome in _DONE:
            done = replace(result.step, action=Action.NOOP, reason=Reason.IN_SYNC, detail="", diff=IN_SYNC)
            self._put(replace(done, requests=(), guards=(), notes=(), waits=(), desired=None))
        elif result.cause:
            self._put(replace(result.step, notes=(*result.step.notes, result.cause)))

    def _put(self, step: Step) -> None:
        self._steps[step.key.identity] = step
        self.version += 1
        self.at = self._clock.now()

    def plan(self, objects: Objects, is_ours: Callable[[str], bool]) -> Plan:
        """Return the steps of all objects that are still there and ours, as one plan; the others are forgotten."""
        self._steps = {i: s for i, s in self._steps.items() if is_ours(i[0]) and objects.find(i) is not None}
        problems = tuple(str(p) for p in objects.problems())
        return Plan(steps=tuple(_in_order(self._steps)), complete=not problems, problems=problems)


def _in_order(steps: Mapping[ObjectIdentity, Step]) -> Iterable[Step]:
    """Return what others need before them; steps of different passes may need each other, then names decide."""
    names = sorted(steps)
    needs = {i: [k.identity for k in steps[i].depends_on if k.identity in steps] for i in names}
    try:
        return [steps[i] for i in TopologicalSorter(needs).static_order()]
    except CycleError:
        return [steps[i] for i in names]
