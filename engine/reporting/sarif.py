"""Plans, drift and applies as SARIF 2.1.0: findings at the lines of the manifests that ask for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from engine.model.change import FieldChange
from engine.model.path import FieldPath
from engine.model.plan import Action, Plan, Reason, Step
from engine.model.result import ApplyResult
from engine.reporting.changes import change_lines, known_after, step_waits
from engine.reporting.drift import as_moved, drift_line, drift_report, moved_note
from engine.reporting.phrases import GONE, full_stop, reason_meaning, reason_sentence
from engine.reporting.style import TextOptions
from engine.reporting.summary import apply_line, plan_line
from engine.reporting.text import author_lines, is_quiet, plain_lines, step_header, step_remarks
from engine.reporting.text_results import mending_text, ticket_line
from engine.reporting.values import printable, shorten
from engine.reporting.wire import encode_json
from engine.reporting.wire_values import text

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_RESULTS: Final = 5_000
"""GitHub shows no more of one upload."""
_CHANGES: Final = 100
_MESSAGE: Final = 2_000
_INVALID: Final = "InvalidInput"
_FAILED: Final = "ApplyFailed"
_MEANINGS: Final[Mapping[str, str]] = {
    **{reason.value: reason_meaning(reason) for reason in Reason},
    _INVALID: "The input could not be used.",
    _FAILED: "Azure did not take what was sent, or holds something else now.",
}
_ERRORS: Final = frozenset({Action.BLOCKED, Action.UNREADABLE})
_WARNINGS: Final = frozenset({Action.REPLACE, Action.DELETE})
_SERIOUS: Final = frozenset({Reason.DRIFTED, Reason.CONFLICTED, Reason.NOT_CONVERGING})
_PLACE: Final = re.compile(r"(?P<origin>[^:\n]+:\d+): (?P<text>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """One result.

    Attributes:
        origin: ``file:line``; empty where no file asks for it.
        name: The object, for people.
        print: What makes it the same finding in the next run.
    """

    rule: str
    level: str
    message: str
    origin: str
    name: str = ""
    id: str = ""
    print: str = ""


def render_plan(plan: Plan, options: TextOptions | None = None) -> str:
    """Return what a plan would change, each field at its line."""
    style = options or TextOptions()
    found = (f for step in plan.steps if not is_quiet(step) for f in _step_findings(step, style))
    return _document([*_problems(plan.problems), *found], plan_line(plan), complete=plan.complete)


def render_drift(plan: Plan, options: TextOptions | None = None) -> str:
    """Return what moved in Azure, each field at the line that says otherwise."""
    style = options or TextOptions()
    report = drift_report(plan)
    found = _problems(plan.problems)
    for row in (*report.drifted, *report.unattributed):
        changes = [(c, as_moved(c), moved_note(c, known_after(()), style)) for c in row.changes]
        after = [*author_lines(row.step, style), mending_text(row.step)]
        if row.gone:
            found.append(_of_step(row.step, "warning", [GONE, *after]))
        found += _of_changes(row.step, "warning", changes, after, style)
    found += [_of_step(step, "error", [reason_sentence(step)]) for step in report.unreadable]
    return _document(found, drift_line(report), complete=plan.complete)


def render_result(result: ApplyResult, options: TextOptions | None = None) -> str:
    """Return what did not end as planned."""
    del options
    found = _problems(result.plan.problems)
    for failed in result.failed:
        ticket = [ticket_line(failed)] if failed.ids.client else []
        found.append(_of_step(failed.step, "error", [full_stop(failed.cause), *ticket], rule=_FAILED))
    return _document(found, apply_line(result), complete=not result.stopped)


def _problems(problems: Sequence[str]) -> list[_Finding]:
    found = []
    for problem in problems:
        placed = _PLACE.fullmatch(problem)
        origin, message = (placed["origin"], placed["text"]) if placed else ("", problem)
        found.append(_Finding(rule=_INVALID, level="error", message=message, origin=origin, print=problem))
    return found


def _step_findings(step: Step, style: TextOptions) -> Iterator[_Finding]:
    level = _level(step)
    lines = [reason_sentence(step), *author_lines(step, style), *step_remarks(step)]
    if step.action in _ERRORS or not step.changes:
        yield _of_step(step, level, lines)
    else:
        yield from _of_changes(step, level, [(c, c, None) for c in step.changes], lines, style)


def _level(step: Step) -> str:
    if step.action in _ERRORS:
        return "error"
    return "warning" if step.action in _WARNINGS or step.reason in _SERIOUS else "note"


def _of_step(step: Step, level: str, lines: Sequence[str], *, rule: str = "") -> _Finding:
    return _Finding(
        rule=rule or step.reason.value,
        level=level,
        message="\n".join([step_header(step), *lines]),
        origin=step.origin,
        name=str(step.key),
        id=step.id.text if step.id is not None else "",
        print=_print(step),
    )


def _of_changes(
    step: Step,
    level: str,
    changes: Sequence[tuple[FieldChange, FieldChange, str | None]],
    after: Sequence[str],
    style: TextOptions,
) -> Iterator[_Finding]:
    """Yield one finding per field: the change, as it is shown, and its note; those beyond the limit are one."""
    say = known_after(step_waits(step))
    for change, shown, note in changes[:_CHANGES]:
        lines = plain_lines(change_lines(shown, say, style, note=note))
        yield replace(
            _of_step(step, level, [*lines, *after]),
            origin=style.locate(step.origin, change.spec_path or FieldPath(("spec",))),
            print=_print(step, change.path.pointer),
        )
    if len(changes) > _CHANGES:
        yield _of_step(step, level, [f"and {len(changes) - _CHANGES:,} more fields", *after])


def _print(step: Step, pointer: str = "") -> str:
    return "\n".join((*step.key.identity, step.reason.value, pointer))


def _document(findings: Sequence[_Finding], line: str, *, complete: bool) -> str:
    shown = findings[:_RESULTS]
    left = len(findings) - len(shown)
    rules = sorted({f.rule for f in shown})
    notices = [line, *([f"{left:,} more findings were left out."] if left else [])]
    run = {
        "tool": {"driver": {"name": "trueup", "rules": [_rule_json(rule) for rule in rules]}},
        "invocations": [
            {
                "executionSuccessful": complete,
                "toolExecutionNotifications": [{"level": "note", "message": _message(n)} for n in notices],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result_json(f, rules) for f in shown],
    }
    return encode_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}).decode()


def _rule_json(rule: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": _MEANINGS[rule]}}


def _result_json(finding: _Finding, rules: Sequence[str]) -> dict[str, Any]:
    digest = hashlib.blake2b(finding.print.encode("utf-8", "replace"), digest_size=16).hexdigest()
    encoded: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level,
        "message": _message(finding.message),
        "locations": [_location(finding)],
        "partialFingerprints": {"trueup/v1": digest},
    }
    return encoded | ({"properties": {"armId": text(finding.id)}} if finding.id else {})


def _message(words: str) -> dict[str, str]:
    """Return a message from which no link can come."""
    clean = "\n".join(printable(line) for line in words.split("\n")).replace("](", "] (")
    return {"text": shorten(clean, _MESSAGE)}


def _location(finding: _Finding) -> dict[str, Any]:
    location: dict[str, Any] = {}
    file, _, line = finding.origin.rpartition(":")
    if line.isdigit() and file not in ("", "-"):
        location["physicalLocation"] = {
            "artifactLocation": _artifact(file),
            "region": {"startLine": max(1, int(line))},
        }
    if finding.name:
        location["logicalLocations"] = [{"fullyQualifiedName": printable(finding.name), "kind": "resource"}]
    return location


def _artifact(file: str) -> dict[str, str]:
    """Return where a file is: from the root of the checkout where the command was given it so."""
    path = file.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    encoded = quote(path.encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{encoded}"} if path.startswith("/") else {"uri": encoded, "uriBaseId": "%SRCROOT%"}
