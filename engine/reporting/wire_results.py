"""Drift, explanations and the result of an apply as public, versioned JSON; the rules of the plan hold for them too."""

from __future__ import annotations

from typing import Any

from engine.model.document import ABSENT, REDACTED
from engine.model.plan import Plan, Step
from engine.model.result import ApplyResult, RequestIds, StepResult
from engine.reporting.drift import DriftReport, DriftRow, drift_line, drift_report
from engine.reporting.phrases import reason_sentence, why_it_counts
from engine.reporting.sending import Sent, sent_at
from engine.reporting.summary import apply_line, summarize_apply
from engine.reporting.text_explain import select_below
from engine.reporting.wire import (
    allowances_json,
    author_json,
    change_json,
    encode_json,
    request_json,
    suppressed_json,
)
from engine.reporting.wire_values import Collector, encode_path, object_json, text

DRIFT_FORMAT = "trueup.drift/1"
RESULT_FORMAT = "trueup.result/1"
EXPLAIN_FORMAT = "trueup.explain/1"


def encode_drift(plan: Plan, *, indent: bool = True) -> bytes:
    """Return the drift in a plan as JSON."""
    return encode_json(drift_json(plan), indent=indent)


def drift_json(plan: Plan) -> dict[str, Any]:
    """Return the drift as plain JSON values: ``resources`` moved or differ, ``unreadable`` are not known."""
    report = drift_report(plan)
    return {
        "format": DRIFT_FORMAT,
        "plan": plan.id,
        "complete": plan.complete,
        "problems": [text(p) for p in plan.problems],
        "summary": drift_summary_json(report),
        "resources": [drift_row_json(row) for row in (*report.drifted, *report.unattributed)],
        "unreadable": [{**_identity(s), "detail": text(s.detail)} for s in report.unreadable],
    }


def drift_summary_json(report: DriftReport) -> dict[str, Any]:
    """Return the counts of a drift report; ``pending`` are resources that only the manifests changed."""
    return {
        "text": drift_line(report),
        "checked": report.checked,
        "drifted": len(report.drifted),
        "unattributed": len(report.unattributed),
        "unreadable": len(report.unreadable),
        "pending": report.pending,
        "ignored": report.ignored,
        "others": report.others,
        "absent": report.absent,
    }


def drift_row_json(row: DriftRow) -> dict[str, Any]:
    """Return one resource: ``before`` is Azure now, ``after`` what is wanted, ``baseline`` the last apply.

    ``requests`` are what would mend it; empty when apply would send nothing, then ``reason`` says why.
    """
    step = row.step
    return {
        **_identity(step),
        "state": step.diff.state.value,
        "gone": row.gone,
        "changes": [change_json(c) for c in row.changes],
        "action": step.action.value,
        "reason": step.reason.value,
        "detail": text(step.detail),
        "requests": [request_json(r) for r in step.requests] if step.action.mutates else [],
        **_author(step),
    }


def _author(step: Step) -> dict[str, Any]:
    author = step.diff.last_modified
    return {"lastModified": author_json(author)} if author is not None else {}


def _identity(step: Step) -> dict[str, Any]:
    return {
        "id": text(step.id.text) if step.id else None,
        "object": object_json(step.key),
        "type": step.arm_type,
        "api": step.api_version,
    }


def encode_result(result: ApplyResult, *, indent: bool = True) -> bytes:
    """Return how an apply ended as JSON."""
    return encode_json(result_json(result), indent=indent)


def result_json(result: ApplyResult) -> dict[str, Any]:
    """Return how an apply ended as plain JSON values; results stand in the order the steps finished."""
    return {
        "format": RESULT_FORMAT,
        "plan": result.plan.id,
        "succeeded": not result.failed,
        "summary": apply_summary_json(result),
        **allowances_json(result.plan),
        "results": [step_result_json(r) for r in result.results],
    }


def apply_summary_json(result: ApplyResult) -> dict[str, Any]:
    """Return the counts of an apply."""
    counts = summarize_apply(result)
    return {
        "text": apply_line(result, counts),
        "outcomes": {o.value: n for o, n in counts.outcomes.items()},
        "heldBack": {a.value: n for a, n in counts.held_back.items()},
        "writes": counts.writes,
        "stopped": result.stopped,
        "left": counts.left,
    }


def step_result_json(result: StepResult) -> dict[str, Any]:
    """Return how one step ended; ``httpStatus`` is null when it is not known."""
    step = result.step
    return {
        **_identity(step),
        "action": step.action.value,
        "outcome": result.outcome.value,
        "reason": text(result.reason),
        "cause": text(result.cause or (reason_sentence(step) if not step.action.mutates else "")),
        "writes": result.requests,
        "httpStatus": result.http_status or None,
        "durationSeconds": round(result.duration.total_seconds(), 3),
        **_ids_json(result.ids),
    }


def _ids_json(ids: RequestIds) -> dict[str, str]:
    """Return what Azure calls the last write, and what we call it; nothing where none was sent."""
    if not ids.client:
        return {}
    named = {"clientRequestId": ids.client, "correlationId": ids.correlation, "requestId": ids.request}
    return {name: text(value) for name, value in named.items() if value}


def _sent_json(sent: Sent) -> dict[str, Any]:
    """Return what a request does at a place; without ``value`` it removes, by leaving out or by name."""
    found = Collector()
    encoded: dict[str, Any] = {"request": sent.label, **encode_path(sent.path)}
    if sent.value is not ABSENT:
        encoded["value"] = found.clean(sent.value, "/value")
    places = {"unknown": found.unknown, "masked": found.masked}
    return encoded | {name: pointers for name, pointers in places.items() if pointers}


def encode_explanation(step: Step, path: str = "", *, indent: bool = True) -> bytes:
    """Return every difference of one resource at or below a place, with what decided about it, as JSON."""
    changes, hidden = select_below(step, path)
    return encode_json(
        {
            "format": EXPLAIN_FORMAT,
            **_identity(step),
            "state": step.diff.state.value,
            "action": step.action.value,
            "reason": step.reason.value,
            "detail": text(step.detail),
            "path": text(path),
            "changes": [
                {
                    **change_json(c),
                    "why": why_it_counts(c),
                    "sends": [_sent_json(s) for s in sent_at(step, c.path, sensitive=c.sensitive)],
                }
                for c in changes
            ],
            "suppressed": [
                {
                    **suppressed_json(s, values=True),
                    "sends": [_sent_json(t) for t in sent_at(step, s.path, sensitive=REDACTED in (s.before, s.after))],
                }
                for s in hidden
            ],
            **_author(step),
        },
        indent=indent,
    )
