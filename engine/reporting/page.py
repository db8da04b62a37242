"""Plans, drift, applies and comparisons as the values of one page: what is counted, listed and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.reporting.allowances import allowance_lines
from engine.reporting.comparison import Comparison, Standing, comparison_line
from engine.reporting.drift import drift_line, drift_report
from engine.reporting.page_rows import Row, bare_row, compared_row, drift_row, result_row, step_row
from engine.reporting.page_tree import number_waves
from engine.reporting.phrases import INCOMPLETE
from engine.reporting.spending import spending_lines
from engine.reporting.style import ACTION_TONES, TextOptions
from engine.reporting.summary import apply_line, is_held_back, plan_line, steps_with_results
from engine.reporting.text_results import outcome_word
from engine.reporting.values import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What resources are counted and filtered by.

    Attributes:
        tone: good, warn, bad, strange, info or dim.
        is_quiet: Not shown until somebody asks for it.
    """

    word: str
    sign: str
    tone: str = "dim"
    is_quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that stands on a page.

    Attributes:
        line: The last line of the text report.
        states: In the order they are shown; rows name them by their word.
        sides: What stands left and right in a difference.
        notes: Sentences below the line.
        made: When Azure was read; None where that is not known.
    """

    title: str
    line: str
    states: Sequence[State]
    sides: tuple[str, str]
    rows: Sequence[Row]
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
    made: datetime | None = None


_ORDER: Final = (
    *(Action.BLOCKED, Action.UNREADABLE, Action.REPLACE, Action.DELETE, Action.CREATE, Action.UPDATE),
    *(Action.ADOPT, Action.WAIT, Action.FORGET, Action.SKIP, Action.NOOP),
)
_PLAN_STATES: Final = tuple(
    State(word=a.value, sign=a.symbol, tone=ACTION_TONES.get(a, "dim"), is_quiet=a is Action.NOOP) for a in _ORDER
)
_DRIFT_STATES: Final = (
    State(word="drifted", sign="~", tone="warn"),
    State(word="deleted", sign="-", tone="bad"),
    State(word="differs", sign="≠", tone="info"),
    State(word="unreadable", sign="?", tone="bad"),
    State(word="not in Azure", sign="+", is_quiet=True),
    State(word="in sync", sign="=", is_quiet=True),
)
_RESULT_STATES: Final = (
    State(word=Outcome.FAILED.value, sign="!", tone="bad"),
    State(word=outcome_word(Outcome.NOT_FULFILLED), sign="≠", tone="bad"),
    State(word=Outcome.CREATED.value, sign="+", tone="good"),
    State(word=Outcome.UPDATED.value, sign="~", tone="warn"),
    State(word=Outcome.REPLACED.value, sign="±", tone="strange"),
    State(word=Outcome.DELETED.value, sign="-", tone="bad"),
    State(word=Outcome.SKIPPED.value, sign="*"),
    State(word="held back", sign=">", tone="info"),
    State(word=Outcome.UNCHANGED.value, sign="=", is_quiet=True),
)
_DIFF_STATES: Final = (
    State(word=Standing.CHANGED.value, sign="~", tone="warn"),
    State(word=Standing.ADDED.value, sign="+", tone="good"),
    State(word=Standing.REMOVED.value, sign="-", tone="bad"),
    State(word=Standing.UNREADABLE.value, sign="?", tone="bad"),
    State(word=Standing.SAME.value, sign="=", is_quiet=True),
)


def plan_page(plan: Plan, style: TextOptions) -> Page:
    """Return a plan as a page; a difference reads "Azure now", "wanted"."""
    incomplete = [] if plan.complete else [INCOMPLETE]
    return Page(
        title="Trueup plan",
        line=plan_line(plan),
        states=_PLAN_STATES,
        sides=("Azure now", "wanted"),
        rows=_with_waves(plan, [step_row(step, step.action.value) for step in plan.steps]),
        problems=plan.problems,
        notes=[*incomplete, *allowance_lines(plan), *spending_lines(plan.budget)],
        made=style.now,
    )


def drift_page(plan: Plan, style: TextOptions) -> Page:
    """Return the drift in a plan as a page; a difference reads "as it was", "as it is now"."""
    report = drift_report(plan)
    drifted = {row.step.key.identity: drift_row(row, "deleted" if row.gone else "drifted") for row in report.drifted}
    others = {row.step.key.identity: drift_row(row, "differs") for row in report.unattributed}
    found = others | drifted
    return Page(
        title="Trueup drift",
        line=drift_line(report),
        states=_DRIFT_STATES,
        sides=("as it was", "as it is now"),
        rows=[found.get(s.key.identity) or _still_row(s) for s in plan.steps],
        problems=plan.problems,
        made=style.now,
    )


def _still_row(step: Step) -> Row:
    """Return a resource that did not move, or of which that is not known; what the manifest changed is no drift."""
    if step.action is Action.UNREADABLE:
        return step_row(step, "unreadable")
    return bare_row(step, "not in Azure" if step.action is Action.CREATE else "in sync")


def result_page(result: ApplyResult, style: TextOptions) -> Page:
    """Return how an apply ended as a page."""
    ended = steps_with_results(result)
    whole = replace(result.plan, steps=tuple(step for step, _ in ended))
    return Page(
        title="Trueup apply",
        line=apply_line(result),
        states=_RESULT_STATES,
        sides=("before", "wanted"),
        rows=_with_waves(whole, [result_row(step, found, _result_state(step, found)) for step, found in ended]),
        problems=result.plan.problems,
        notes=allowance_lines(result.plan),
        made=style.now,
    )


def _result_state(step: Step, result: StepResult | None) -> str:
    if result is None or is_held_back(result):
        return Outcome.UNCHANGED.value if step.action is Action.NOOP else "held back"
    return outcome_word(result.outcome)


def comparison_page(comparison: Comparison, style: TextOptions) -> Page:
    """Return how two states differ as a page."""
    return Page(
        title="Trueup diff",
        line=comparison_line(comparison),
        states=_DIFF_STATES,
        sides=(printable(comparison.first), printable(comparison.second)),
        rows=[compared_row(r) for r in comparison.resources],
        made=style.now,
    )


def _with_waves(plan: Plan, rows: Iterable[Row]) -> list[Row]:
    """Return the rows of the plan's steps, each with its wave and the rows that go before it."""
    waves = number_waves(plan)
    numbers = {s.key.identity: n for n, s in enumerate(plan.steps)}
    expected = plan.budget.expectation
    path = [key.identity for key in expected.path] if expected is not None else []
    on_path = {identity: place for place, identity in enumerate(path, 1)}
    return [
        replace(
            row,
            wave=waves.get(step.key.identity, 0),
            needs=tuple(numbers[k.identity] for k in step.depends_on if k.identity in waves),
            on_path=on_path.get(step.key.identity, 0),
        )
        for step, row in zip(plan.steps, rows, strict=True)
    ]
