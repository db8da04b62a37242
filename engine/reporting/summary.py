"""Counts of a plan and of an apply: computed here once, printed by every format."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.model.change import ChangeOrigin, DiffState, Suppressed
from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.reporting.phrases import plural

_DRIFT_ORIGINS = (ChangeOrigin.DRIFT, ChangeOrigin.BOTH)
_LEAVING = (Action.DELETE, Action.FORGET)
_METHODS = ("PATCH", "PUT", "DELETE")
_IGNORED = "ignore"
_LEFT = "drift-policy"
_OF_OTHERS = "shared-list"
_NOTABLE_S = 10
"""Seconds of write budget below which nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """What a plan holds.

    Attributes:
        actions: Steps per action; every action is a key.
        methods: Requests that would be sent, per method; PATCH, PUT and DELETE are always keys.
        update_methods: The same for updates alone.
        drifted: Steps with something that Azure moved, conflicts included.
        warnings: Guards that warn and do not block.
        ignored: Differences that would count, had nobody asked to ignore them.
    """

    actions: Mapping[Action, int]
    methods: Mapping[str, int]
    update_methods: Mapping[str, int]
    drifted: int
    conflicted: int
    warnings: int
    ignored: int = 0

    @property
    def resources(self) -> int:
        """Return how many steps there are: one per resource."""
        return sum(self.actions.values())

    @property
    def unchanged(self) -> int:
        """Return how many resources need nothing."""
        return self.actions[Action.NOOP]

    @property
    def writes(self) -> int:
        """Return how many requests would be sent."""
        return sum(self.methods.values())

    @property
    def clean(self) -> bool:
        """Whether Azure matches the manifests in everything."""
        return self.unchanged == self.resources


def has_drifted(step: Step) -> bool:
    """Whether Azure moved since the last apply: a changed member, or the resource itself is gone.

    What is to go anyway cannot drift, and what has nothing to mend has not.
    """
    if step.action in _LEAVING or (step.action is Action.NOOP and not step.changes):
        return False
    if step.diff.state in (DiffState.DRIFTED, DiffState.CONFLICTED) or left_alone(step):
        return True
    return any(c.origin in _DRIFT_ORIGINS for c in step.changes)


def left_alone(step: Step) -> tuple[Suppressed, ...]:
    """Return the drift that stays as it is while the rest of the resource is written."""
    return tuple(s for s in step.diff.suppressed if s.rule == _LEFT)


def summarize_plan(plan: Plan) -> PlanSummary:
    """Count a plan. Requests of steps that will not be carried out are not counted."""
    steps = plan.steps
    actions = Counter(s.action for s in steps)
    methods = Counter(r.method for s in steps if s.action.mutates for r in s.requests)
    updates = Counter(r.method for s in steps if s.action is Action.UPDATE for r in s.requests)
    return PlanSummary(
        actions={a: actions[a] for a in Action},
        methods=_by_method(methods),
        update_methods=_by_method(updates),
        drifted=sum(has_drifted(s) for s in steps),
        conflicted=sum(s.diff.state is DiffState.CONFLICTED for s in steps),
        warnings=sum(not g.blocks for s in steps for g in s.guards),
        ignored=count_ignored(steps),
    )


def count_ignored(steps: Iterable[Step]) -> int:
    """Count the differences that ignore rules hide."""
    return sum(s.rule == _IGNORED for step in steps for s in step.diff.suppressed)


def count_left_to_others(steps: Iterable[Step]) -> int:
    """Count the elements of others in lists that an object shares with them."""
    return sum(s.rule == _OF_OTHERS for step in steps for s in step.diff.suppressed)


def _by_method(counts: Counter[str]) -> dict[str, int]:
    others = sorted(set(counts) - set(_METHODS))
    return {m: counts[m] for m in (*_METHODS, *others)}


_ALWAYS = ((Action.CREATE, "to create"), (Action.UPDATE, "to update"), (Action.REPLACE, "to replace"))
_SOMETIMES = (
    (Action.ADOPT, "to adopt"),
    (Action.FORGET, "to forget"),
    (Action.WAIT, "waiting"),
    (Action.BLOCKED, "blocked"),
    (Action.UNREADABLE, "unreadable"),
    (Action.SKIP, "skipped"),
)


def plan_line(plan: Plan, summary: PlanSummary | None = None) -> str:
    """Return the last line of a plan: one sentence, stable enough to search for."""
    counts = summary or summarize_plan(plan)
    if counts.clean:
        return _clean_line(plan, counts)
    parts = [f"{counts.actions[a]:,} {text}" for a, text in _ALWAYS]
    parts[1] += _methods_in_brackets(counts.update_methods)
    parts.append(f"{counts.actions[Action.DELETE]:,} to delete")
    if counts.drifted:
        parts.append(f"{counts.drifted:,} drifted")
    if counts.ignored:
        parts.append(f"{counts.ignored:,} ignored")
    parts += [f"{counts.actions[a]:,} {text}" for a, text in _SOMETIMES if counts.actions[a]]
    return f"Plan: {', '.join(parts)}; {counts.unchanged:,} unchanged; {_budget(plan, counts)}{errors_text(plan)}."


def _clean_line(plan: Plan, counts: PlanSummary) -> str:
    """Return the last line of a plan without differences; what could not be planned is not praised."""
    if not counts.resources:
        return f"No objects to plan{errors_text(plan)}."
    resources = plural(counts.resources, "resource")
    if plan.problems or not plan.complete:
        return f"No changes in the {resources} that could be planned{errors_text(plan)}."
    ignored = f", {counts.ignored:,} ignored" if counts.ignored else ""
    return f"No changes. Azure matches the manifests ({resources}{ignored}, 0 writes)."


def errors_text(plan: Plan) -> str:
    """Return ``; 2 errors`` for the end of a last line; empty when every input could be used."""
    return f"; {plural(len(plan.problems), 'error')}" if plan.problems else ""


def _methods_in_brackets(methods: Mapping[str, int]) -> str:
    used = [f"{n:,} {m}" for m, n in methods.items() if n]
    return f" ({', '.join(used)})" if used else ""


def _budget(plan: Plan, counts: PlanSummary) -> str:
    writes = plural(counts.writes, "write")
    if not counts.writes or plan.budget.floor_s < _NOTABLE_S:
        return writes
    return f"{writes}, about {math.ceil(plan.budget.floor_s):,} s of write budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySummary:
    """How an apply ended.

    Attributes:
        outcomes: Results per outcome; every outcome is a key. Resources that needed nothing count as unchanged.
        held_back: Steps that the plan did not let run, per action.
        writes: Requests that were sent.
        left: Steps of a stopped run that were not begun or not tried again.
    """

    outcomes: Mapping[Outcome, int]
    held_back: Mapping[Action, int]
    writes: int
    left: int = 0

    @property
    def failed(self) -> int:
        """Return how many steps did not end as planned."""
        return self.outcomes[Outcome.FAILED] + self.outcomes[Outcome.NOT_FULFILLED]


def summarize_apply(result: ApplyResult) -> ApplySummary:
    """Count results; steps the plan did not let run are counted by their action."""
    tried = [r for r in result.results if not is_held_back(r)]
    outcomes = Counter(r.outcome for r in tried)
    seen = {r.step.key.identity for r in tried}
    rest = Counter(s.action for s in result.plan.steps if s.key.identity not in seen)
    outcomes[Outcome.UNCHANGED] += rest.pop(Action.NOOP, 0)
    return ApplySummary(
        outcomes={o: outcomes[o] for o in Outcome},
        held_back={a: rest[a] for a in Action if rest[a]},
        writes=sum(r.requests for r in result.results),
        left=outcomes[Outcome.SKIPPED] if result.stopped else 0,
    )


def steps_with_results(result: ApplyResult) -> list[tuple[Step, StepResult | None]]:
    """Return every step, as it was carried out, and how it ended; None where it was not tried."""
    results = {r.step.key.identity: r for r in result.results}
    steps = {s.key.identity: s for s in (*result.plan.steps, *(r.step for r in result.results))}
    return [(step, results.get(identity)) for identity, step in steps.items()]


def is_held_back(result: StepResult) -> bool:
    """Whether the plan itself did not let the step run: it waits, is blocked, skipped by policy or unreadable."""
    return result.outcome is Outcome.SKIPPED and not result.step.action.mutates


_OUTCOMES = (
    (Outcome.CREATED, "created"),
    (Outcome.UPDATED, "updated"),
    (Outcome.DELETED, "deleted"),
    (Outcome.UNCHANGED, "unchanged"),
    (Outcome.FAILED, "failed"),
    (Outcome.SKIPPED, "skipped"),
)
_RARE_OUTCOMES = ((Outcome.REPLACED, "replaced"), (Outcome.NOT_FULFILLED, "not as planned"))


def apply_line(result: ApplyResult, summary: ApplySummary | None = None) -> str:
    """Return the last line of an apply."""
    counts = summary or summarize_apply(result)
    parts = [f"{counts.outcomes[o]:,} {text}" for o, text in _OUTCOMES]
    parts += [f"{counts.outcomes[o]:,} {text}" for o, text in _RARE_OUTCOMES if counts.outcomes[o]]
    parts += [f"{n:,} {_held_word(a)}" for a, n in counts.held_back.items()]
    if not result.plan.steps:
        return f"No objects to apply{errors_text(result.plan)}."
    done = "Applied what could be planned" if result.plan.problems else "Apply complete"
    head = "Apply finished with failures" if counts.failed else done
    if result.stopped:
        head = "Apply stopped"
        parts.append(f"{counts.left:,} left to do")
    return f"{head}: {', '.join(parts)}; {plural(counts.writes, 'write')}{errors_text(result.plan)}."


def _held_word(action: Action) -> str:
    if action is Action.SKIP:
        return "skipped by policy"
    return dict(_SOMETIMES).get(action, f"{action.value} not started")
