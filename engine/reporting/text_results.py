"""Drift reports and applies for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.model.plan import Plan, Request, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.reporting.allowances import block_of_allowances
from engine.reporting.drift import DriftRow, drift_line, drift_report, moved_lines
from engine.reporting.phrases import GONE, duration_text, failure_reason, full_stop, reason_sentence, request_label
from engine.reporting.style import TextOptions
from engine.reporting.summary import apply_line, is_held_back
from engine.reporting.text import author_lines, dress, problem_blocks, scope_title, step_header, step_remarks
from engine.reporting.values import printable

_OUTCOME_TONES = {
    Outcome.CREATED: "good",
    Outcome.UPDATED: "warn",
    Outcome.REPLACED: "strange",
    Outcome.DELETED: "bad",
    Outcome.FAILED: "bad",
    Outcome.NOT_FULFILLED: "bad",
}
_WORDS = {Outcome.NOT_FULFILLED: "not as planned"}


def render_drift(plan: Plan, options: TextOptions | None = None) -> str:
    """Return per resource who moved what since the last apply, and the request that would mend it."""
    style = options or TextOptions()
    report = drift_report(plan)
    blocks = [["Moved in Azure since the last apply (as it was → as it is now):"]] if report.drifted else []
    blocks += [list(_drift_block(row, style)) for row in report.drifted]
    if report.unattributed:
        blocks.append(["Differs, but no earlier apply is remembered (as the manifest asks → as it is now):"])
        blocks += [list(_drift_block(row, style)) for row in report.unattributed]
    blocks += [_unreadable_block(step, style) for step in report.unreadable]
    blocks += problem_blocks(plan, style)
    blocks.append([style.paint("bold", drift_line(report))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _drift_block(row: DriftRow, style: TextOptions) -> Iterator[str]:
    step = row.step
    where = scope_title(step.id)
    yield style.paint("bold", f"{printable(str(step.key))}  {printable(step.arm_type)}")
    yield style.paint("dim", f"    {where[0].lower()}{where[1:]}")
    if row.gone:
        yield f"    {GONE}"
    yield from (f"    {text}" for text in author_lines(step, style))
    yield from (dress(line, style, indent=4) for line in moved_lines(step, row.changes, style))
    yield f"    {mending_text(step)}"
    yield from (f"    {text}" for text in step_remarks(step))


def mending_text(step: Step) -> str:
    """Return what an apply would send to mend the drift, or why it would send nothing."""
    if step.action.mutates and step.requests:
        return f"apply would send: {', '.join(_request_text(r) for r in step.requests)}"
    return f"apply would send nothing: {reason_sentence(step)}"


def _request_text(request: Request) -> str:
    path = request.url.partition("?")[0]
    rest = path.partition("://")[2]
    return printable(f"{request_label(request)} /{rest.partition('/')[2]}" if rest else f"{request.method} {path}")


def _unreadable_block(step: Step, style: TextOptions) -> list[str]:
    return [style.paint_action(step.action, step_header(step)), f"    {reason_sentence(step)}"]


def _methods(step: Step) -> str:
    return ", ".join(printable(request_label(r)) for r in step.requests)


def render_progress(result: StepResult, *, done: int, total: int, options: TextOptions | None = None) -> str:
    """Return the line for a step that ended; a failure has its cause below. Without line end."""
    style = options or TextOptions()
    word = style.paint(_OUTCOME_TONES.get(result.outcome, ""), outcome_word(result.outcome))
    lines = [f"[{done}/{total}] {word} {printable(str(result.step.key))}{_sent(result)}"]
    lines += _cause_lines(result)
    return "\n".join(lines)


def outcome_word(outcome: Outcome) -> str:
    """Return how people call an outcome."""
    return _WORDS.get(outcome, outcome.value)


def _sent(result: StepResult) -> str:
    if not result.requests:
        return ""
    status = f" {result.http_status}" if result.http_status else ""
    return f"  {_methods(result.step)}{status}, {duration_text(result.duration)}"


def _cause_lines(result: StepResult) -> list[str]:
    if not result.cause:
        return []
    reason = failure_reason(result)
    lines = [f"      {f'{printable(reason)}: ' if reason else ''}{full_stop(result.cause)}"]
    return [*lines, f"      {ticket_line(result)}"] if result.outcome is Outcome.FAILED and result.ids.client else lines


def ticket_line(result: StepResult) -> str:
    """Return the names under which Azure's support finds a failed request."""
    ids = result.ids
    named = (("correlation id", ids.correlation), ("request id", ids.request), ("client request id", ids.client))
    return f"for Azure support: {', '.join(f'{name} {printable(value)}' for name, value in named if value)}"


def render_result(result: ApplyResult, options: TextOptions | None = None) -> str:
    """Return what did not end as planned, each with ARM's words, and the summary line."""
    style = options or TextOptions()
    blocks = []
    for title, results in result_sections(result):
        blocks.append([style.paint("bad" if results[0] in result.failed else "bold", title)])
        blocks[-1] += _result_lines(results, style)
    blocks += block_of_allowances(result.plan)
    blocks.append([style.paint("bold", apply_line(result))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def result_sections(result: ApplyResult) -> list[tuple[str, list[StepResult]]]:
    """Return what needs the reader's eye, each with its heading: failures, what was skipped for them, remarks."""
    skipped = [r for r in result.results if r.outcome is Outcome.SKIPPED and r.cause and not is_held_back(r)]
    quiet = {*(r.step.key.identity for r in (*result.failed, *skipped))}
    remarks = [r for r in result.results if r.cause and r.step.key.identity not in quiet and not is_held_back(r)]
    sections = (("Failed:", list(result.failed)), ("Skipped:", skipped), ("Done, but:", remarks))
    return [(title, results) for title, results in sections if results]


def _result_lines(results: Iterable[StepResult], style: TextOptions) -> Iterator[str]:
    for result in results:
        yield "  " + style.paint_action(result.step.action, step_header(result.step))
        yield from _cause_lines(result)
