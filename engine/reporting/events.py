"""NDJSON: one event a line, ``version`` first; the verbs are those of Terraform's machine-readable stream.

Every event has ``type``. Readers ignore types and keys they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.reporting.drift import drift_report
from engine.reporting.history import History, write_json
from engine.reporting.wire import allowances_json, encode_json, step_json, summary_json
from engine.reporting.wire_results import apply_summary_json, drift_row_json, drift_summary_json, step_result_json
from engine.reporting.wire_values import object_json, text

EVENTS_FORMAT = "trueup.events/1"
_FAILURES = (Outcome.FAILED, Outcome.NOT_FULFILLED)


def _line(kind: str, **fields: Any) -> bytes:
    return encode_json({"type": kind, **fields}, indent=False)


def version_line() -> bytes:
    """Return the first line of every stream."""
    return _line("version", format=EVENTS_FORMAT)


def diagnostic_line(severity: Literal["error", "warning"], message: str) -> bytes:
    """Return something the reader should know that belongs to no step."""
    return _line("diagnostic", severity=severity, message=text(message))


def plan_lines(plan: Plan) -> Iterator[bytes]:
    """Yield version, problems, one line per step (as in the plan JSON), ``change_summary``.

    A step is a ``planned_change``; where nothing is to be done it is a ``planned_noop``.
    """
    yield version_line()
    yield from (diagnostic_line("error", p) for p in plan.problems)
    for step in plan.steps:
        kind = "planned_noop" if step.action is Action.NOOP else "planned_change"
        yield _line(kind, step=step_json(step))
    fields = {"plan": plan.id, "complete": plan.complete, "appliable": plan.appliable}
    yield _line("change_summary", **fields, summary=summary_json(plan), **allowances_json(plan))


def drift_lines(plan: Plan) -> Iterator[bytes]:
    """Yield version, problems, one ``resource_drift`` per resource that moved or differs, ``drift_summary``."""
    report = drift_report(plan)
    yield version_line()
    yield from (diagnostic_line("error", p) for p in plan.problems)
    for row in (*report.drifted, *report.unattributed):
        yield _line("resource_drift", resource=drift_row_json(row))
    for step in report.unreadable:
        yield diagnostic_line("warning", f"{step.key} cannot be read: {step.detail}")
    yield _line("drift_summary", complete=plan.complete, summary=drift_summary_json(report))


def progress_line(step: Step, result: StepResult | None, *, done: int, total: int) -> bytes:
    """Return ``apply_start`` without a result, else ``apply_complete`` or ``apply_errored``.

    ``done`` counts the steps that ended, this one included.
    """
    if result is None:
        arm_id = text(step.id.text) if step.id else None
        fields = {"id": arm_id, "object": object_json(step.key), "action": step.action.value}
        return _line("apply_start", **fields, done=done, total=total)
    kind = "apply_errored" if result.outcome in _FAILURES else "apply_complete"
    return _line(kind, result=step_result_json(result), done=done, total=total)


def result_line(result: ApplyResult) -> bytes:
    """Return ``apply_summary``, the last line of an apply."""
    fields = {"succeeded": not result.failed, "summary": apply_summary_json(result)}
    return _line("apply_summary", **fields, **allowances_json(result.plan))


def history_events(history: History) -> Iterator[bytes]:
    """Yield version, one ``recorded_write`` per write."""
    yield version_line()
    for write in history.writes:
        yield _line("recorded_write", write=write_json(write))
