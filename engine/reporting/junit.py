"""Plans, drift, applies and comparisons as JUnit XML: one suite per resource group, one case per resource.

The elements and attributes are those of the schema that Jenkins publishes, which GitLab, Azure DevOps and others read.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.reporting.comparison import Compared, Comparison, Standing, compared_lines, comparison_line
from engine.reporting.drift import DriftRow, drift_line, drift_report, moved_lines
from engine.reporting.phrases import GONE, full_stop, reason_sentence
from engine.reporting.style import TextOptions
from engine.reporting.summary import apply_line, is_held_back, plan_line, steps_with_results
from engine.reporting.text import author_lines, plain_lines, scope_title, step_body, step_header, step_remarks
from engine.reporting.text_results import mending_text
from engine.reporting.values import printable

_SKIPPED = frozenset({Action.WAIT, Action.SKIP, Action.FORGET})
_ERRORS = frozenset({Action.BLOCKED, Action.UNREADABLE})
_PROBLEMS = "Input"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One resource.

    Attributes:
        verdict: ``failure``, ``error``, ``skipped``; empty where it passed.
        kind: What sort of failure, one word.
        lines: What is known about it.
    """

    suite: str
    classname: str
    name: str
    verdict: str = ""
    kind: str = ""
    message: str = ""
    lines: Sequence[str] = ()
    duration: timedelta = timedelta(0)


def render_plan(plan: Plan, options: TextOptions | None = None) -> str:
    """Return a plan: what would be written fails, what is blocked or unreadable is an error, what waits is skipped."""
    style = options or TextOptions()
    cases = [*_problem_cases(plan.problems), *(_step_case(s, style) for s in plan.steps)]
    return _document(plan_line(plan), cases)


def render_drift(plan: Plan, options: TextOptions | None = None) -> str:
    """Return the drift in a plan: what moved fails, what is unreadable is an error, all else passes."""
    style = options or TextOptions()
    report = drift_report(plan)
    rows = {row.step.key.identity: row for row in (*report.drifted, *report.unattributed)}
    cases = [_drift_case(s, rows.get(s.key.identity), style) for s in plan.steps]
    return _document(drift_line(report), [*_problem_cases(plan.problems), *cases])


def render_result(result: ApplyResult, options: TextOptions | None = None) -> str:
    """Return how an apply ended: what failed or is not as planned fails, what was not written for it is skipped."""
    style = options or TextOptions()
    cases = [_result_case(step, found, style) for step, found in steps_with_results(result)]
    return _document(apply_line(result), [*_problem_cases(result.plan.problems), *cases])


def render_comparison(comparison: Comparison, options: TextOptions | None = None) -> str:
    """Return how two states differ: what is not the same fails."""
    style = options or TextOptions()
    return _document(comparison_line(comparison), [_compared_case(r, style) for r in comparison.resources])


def _problem_cases(problems: Iterable[str]) -> list[_Case]:
    return [
        _Case(suite=_PROBLEMS, classname=_PROBLEMS, name=p, verdict="error", kind="InvalidInput", message=p)
        for p in problems
    ]


def _passed(step: Step) -> _Case:
    return _Case(suite=scope_title(step.id), classname=step.arm_type, name=str(step.key))


def _step_case(step: Step, style: TextOptions) -> _Case:
    if step.action is Action.NOOP and not step.changes:
        return _passed(step)
    verdict = "skipped" if step.action in _SKIPPED else "error" if step.action in _ERRORS else "failure"
    lines = [step_header(step), *author_lines(step, style), *plain_lines(step_body(step, style)), *step_remarks(step)]
    return replace(_passed(step), verdict=verdict, kind=step.reason.value, message=reason_sentence(step), lines=lines)


def _drift_case(step: Step, row: DriftRow | None, style: TextOptions) -> _Case:
    if step.action is Action.UNREADABLE:
        return replace(_passed(step), verdict="error", kind=step.reason.value, message=reason_sentence(step))
    if row is None:
        return _passed(step)
    message = f"It was {GONE}." if row.gone else reason_sentence(step)
    moved = plain_lines(moved_lines(step, row.changes, style))
    lines = [*author_lines(step, style), *moved, mending_text(step), *step_remarks(step)]
    return replace(_passed(step), verdict="failure", kind=step.diff.state.value, message=message, lines=lines)


def _result_case(step: Step, result: StepResult | None, style: TextOptions) -> _Case:
    if result is None or is_held_back(result):
        return _passed(step) if step.action is Action.NOOP else _held_case(step)
    verdict = {Outcome.FAILED: "failure", Outcome.NOT_FULFILLED: "failure", Outcome.SKIPPED: "skipped"}
    word = verdict.get(result.outcome, "")
    lines = [step_header(step), *plain_lines(step_body(step, style))] if word == "failure" else []
    kind, message = result.reason or result.outcome.value, full_stop(result.cause)
    return replace(_passed(step), verdict=word, kind=kind, message=message, lines=lines, duration=result.duration)


def _held_case(step: Step) -> _Case:
    """Return a step that the plan itself did not let run."""
    return replace(_passed(step), verdict="skipped", message=reason_sentence(step), lines=step_remarks(step))


def _compared_case(one: Compared, style: TextOptions) -> _Case:
    verdict = {Standing.SAME: "", Standing.UNREADABLE: "error"}.get(one.standing, "failure")
    return _Case(
        suite=scope_title(one.id),
        classname=one.arm_type,
        name=one.name,
        verdict=verdict,
        kind=one.standing.value,
        message=full_stop(one.detail or one.standing.value) if verdict else "",
        lines=plain_lines(compared_lines(one, style)) if verdict else (),
    )


def _document(title: str, cases: Sequence[_Case]) -> str:
    suites: dict[str, list[_Case]] = {}
    for case in cases:
        suites.setdefault(case.suite, []).append(case)
    head = _open("testsuites", name=f"trueup: {title}", **_counts(cases, of_all=True))
    body = [line for name, members in sorted(suites.items()) for line in _suite(name, members)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *body, "</testsuites>"]) + "\n"


def _suite(name: str, cases: Sequence[_Case]) -> Iterator[str]:
    yield "  " + _open("testsuite", name=name, **_counts(cases))
    for case in cases:
        head = _open("testcase", classname=case.classname, name=case.name, time=_seconds(case.duration))
        yield f"    {head[:-1]}/>" if not case.verdict else f"    {head}"
        if case.verdict:
            yield f"      {_verdict(case)}"
            yield "    </testcase>"
    yield "  </testsuite>"


def _verdict(case: _Case) -> str:
    kind = {"type": case.kind} if case.kind and case.verdict != "skipped" else {}
    text = "\n".join(_escape(line) for line in case.lines)
    return f"{_open(case.verdict, message=case.message, **kind)}{text}</{case.verdict}>"


def _counts(cases: Sequence[_Case], *, of_all: bool = False) -> dict[str, str]:
    found = Counter(c.verdict for c in cases)
    spent = _seconds(sum((c.duration for c in cases), timedelta(0)))
    counts = {"tests": str(len(cases)), "failures": str(found["failure"]), "errors": str(found["error"])}
    return {**counts, **({} if of_all else {"skipped": str(found["skipped"])}), "time": spent}


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.3f}"


def _open(element: str, /, **attributes: str) -> str:
    return f"<{element}{''.join(f' {key}={_quoted(value)}' for key, value in attributes.items())}>"


def _quoted(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    """Return a text for XML: what XML cannot hold at all stands as an escape that people can read."""
    return html.escape(printable(text))
