"""Plans, drift and results for pull requests: a table, then details, never longer than a comment may be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, StepResult
from engine.reporting.allowances import allowance_lines
from engine.reporting.changes import Line
from engine.reporting.comparison import Compared, Comparison, Standing, compared_lines, comparison_line
from engine.reporting.drift import DriftRow, drift_line, drift_report, moved_lines
from engine.reporting.phrases import (
    GONE,
    INCOMPLETE,
    failure_reason,
    full_stop,
    plural,
    reason_sentence,
    sent_text,
    type_text,
)
from engine.reporting.spending import spending_lines
from engine.reporting.style import TextOptions
from engine.reporting.summary import apply_line, plan_line, summarize_apply, summarize_plan
from engine.reporting.text import author_lines, is_quiet, scope_title, step_body, step_remarks
from engine.reporting.text_results import mending_text, result_sections
from engine.reporting.values import printable, shorten

COMMENT_LIMIT = 65_000
"""GitHub takes 65,536 characters; the rest is left for what a bot writes around the report."""
_OPTIONS = TextOptions(width=120)
_SENTENCE_LIMIT = 300
_BLOCK_LIMIT = 12_000
_ROOM_FOR_TAIL = 200
_PROBLEMS_SHOWN = 10
_RANKS = (Action.BLOCKED, Action.REPLACE, Action.DELETE, Action.UNREADABLE, Action.UPDATE, Action.WAIT, Action.ADOPT)
_FENCE_SIGNS = {"~": "!", "@": "#"}
_SPECIAL = re.compile(r"[&<>|`*_\[\]#@~\\$!]|:(?=//)")


def escape_markdown(text: str) -> str:
    """Return the text for running markdown: no markup, HTML, mention, link or new line can come of it."""
    return _SPECIAL.sub(lambda m: f"&#{ord(m.group())};", printable(text))


def render_plan(plan: Plan, *, limit: int = COMMENT_LIMIT, now: datetime | None = None) -> str:
    """Return the plan for a pull request, at most ``limit`` characters; what is left out is counted."""
    summary = summarize_plan(plan)
    shown = [s for s in plan.steps if not is_quiet(s)]
    head = ["### Trueup plan", "", f"**{plan_line(plan, summary)}**", ""]
    head += [line for text in spending_lines(plan.budget) for line in (escape_markdown(text), "")]
    head += _problem_lines(plan.problems)
    if not plan.complete:
        head += [INCOMPLETE, ""]
    head += _bullets("Allowed for this run:", allowance_lines(plan))
    if shown:
        head += _table("action", ((f"{a.symbol} {a.value}", n) for a, n in summary.actions.items()))
    return _assemble(
        head, [_Block(partial(_step_block, s, limit, now), s.action.value, _rank(s)) for s in shown], limit=limit
    )


def render_drift(plan: Plan, *, limit: int = COMMENT_LIMIT, now: datetime | None = None) -> str:
    """Return the drift for people, at most ``limit`` characters; values read "as it was → as it is now"."""
    report = drift_report(plan)
    rows = (*report.drifted, *report.unattributed)
    head = ["### Trueup drift", "", f"**{drift_line(report)}**", "", *_problem_lines(plan.problems)]
    head += [f"- unreadable: {_code(str(s.key))} {_sentence(s.detail)}" for s in report.unreadable[:_PROBLEMS_SHOWN]]
    blocks = [_Block(partial(_drift_block, r, limit, now), r.step.diff.state.value) for r in rows]
    return _assemble([*head, ""], blocks, limit=limit)


def render_result(result: ApplyResult, *, limit: int = COMMENT_LIMIT) -> str:
    """Return how an apply ended: counts, then what needs the reader's eye."""
    head = ["### Trueup apply", "", f"**{apply_line(result)}**", ""]
    head += _bullets("Allowed for this run:", allowance_lines(result.plan))
    head += _table("outcome", ((o.value, n) for o, n in summarize_apply(result).outcomes.items()))
    items = [(title, r) for title, results in result_sections(result) for r in results]
    return _assemble(head, [_Block(partial(_result_block, t, r), r.outcome.value) for t, r in items], limit=limit)


def render_comparison(comparison: Comparison, *, limit: int = COMMENT_LIMIT) -> str:
    """Return how two states differ, at most ``limit`` characters; values read "first → second"."""
    names = f"From {_code(comparison.first)} to {_code(comparison.second)}:"
    head = ["### Trueup diff", "", f"**{comparison_line(comparison)}**", "", names, ""]
    differing = [r for r in comparison.resources if r.standing is not Standing.SAME]
    return _assemble(
        head, [_Block(partial(_compared_block, r, limit), r.standing.value) for r in differing], limit=limit
    )


class _Block(NamedTuple):
    """One resource; where not all fit, those of a lower rank come first, and the others are never made."""

    make: Callable[[], str]
    kind: str
    rank: int = 0


def _rank(step: Step) -> int:
    return _RANKS.index(step.action) if step.action in _RANKS else len(_RANKS)


def _assemble(head: Sequence[str], blocks: Sequence[_Block], *, limit: int) -> str:
    """Join what fits, what matters most first where that is not all, and count the rest."""
    room = limit - _ROOM_FOR_TAIL
    start = "\n".join(head)[:room].rstrip("\n") + "\n"
    out, left = _fill(start, blocks, room)
    if not left:
        return out
    out, left = _fill(start, sorted(blocks, key=lambda b: b.rank), room)
    counts = Counter(b.kind for b in left)
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    return f"{out}\n… and {len(left):,} more, left out here ({kinds}): the report would be too long.\n"


def _fill(out: str, blocks: Sequence[_Block], room: int) -> tuple[str, Sequence[_Block]]:
    """Add blocks while there is room; return the rest, too."""
    for index, block in enumerate(blocks):
        text = block.make()
        if len(out) + len(text) + 1 > room:
            return out, blocks[index:]
        out += "\n" + text
    return out, ()


def _problem_lines(problems: Sequence[str]) -> list[str]:
    if not problems:
        return []
    lines = [f"- {_sentence(p)}" for p in problems[:_PROBLEMS_SHOWN]]
    rest = len(problems) - _PROBLEMS_SHOWN
    more = [f"- and {rest:,} more"] if rest > 0 else []
    return [f"**{plural(len(problems), 'problem')}:**", "", *lines, *more, ""]


def _bullets(title: str, lines: Sequence[str]) -> list[str]:
    return [title, "", *(f"- {_sentence(line)}" for line in lines), ""] if lines else []


def _table(title: str, rows: Iterable[tuple[str, int]]) -> list[str]:
    cells = [f"| {escape_markdown(name)} | {count:,} |" for name, count in rows if count]
    return [f"| {title} | resources |", "|---|---:|", *cells, ""]


def _sentence(text: str) -> str:
    return escape_markdown(shorten(full_stop(text), _SENTENCE_LIMIT)) if text else ""


def _code(text: str) -> str:
    return f"<code>{escape_markdown(shorten(text, _SENTENCE_LIMIT))}</code>"


def _step_block(step: Step, limit: int, now: datetime | None) -> str:
    sent = escape_markdown(sent_text(step) or step.action.value)
    title = f"{escape_markdown(step.action.symbol)} {_title(step)} {sent}"
    body = [_where(step), _sentence(reason_sentence(step)), *_author(step, now)]
    return _details(title, body, step_body(step, _OPTIONS), step_remarks(step), limit=limit)


def _drift_block(row: DriftRow, limit: int, now: datetime | None) -> str:
    step = row.step
    body = [_where(step), *([GONE] if row.gone else []), *_author(step, now)]
    return _details(
        _title(step),
        body,
        moved_lines(step, row.changes, _OPTIONS),
        [mending_text(step), *step_remarks(step)],
        limit=limit,
    )


def _compared_block(one: Compared, limit: int) -> str:
    title = f"{escape_markdown(one.standing.value)} {_code(one.name)} {_code(type_text(one.arm_type, one.api_version))}"
    remarks = [one.detail] if one.detail else []
    return _details(title, [escape_markdown(scope_title(one.id))], compared_lines(one, _OPTIONS), remarks, limit=limit)


def _result_block(title: str, result: StepResult) -> str:
    reason = failure_reason(result)
    reason = f"{escape_markdown(reason)}: " if reason else ""
    return f"- {title} {_code(str(result.step.key))} {reason}{_sentence(result.cause)}\n"


def _title(step: Step) -> str:
    return f"{_code(str(step.key))} {_code(type_text(step.arm_type, step.api_version))}"


def _where(step: Step) -> str:
    return escape_markdown(scope_title(step.id))


def _author(step: Step, now: datetime | None) -> list[str]:
    return [_sentence(text) for text in author_lines(step, replace(_OPTIONS, now=now))]


def _details(title: str, body: Sequence[str], lines: Sequence[Line], remarks: Sequence[str], *, limit: int) -> str:
    parts = ["<details>", f"<summary>{title}</summary>", "", "<br>\n".join(body), ""]
    fence = list(_fence_lines(lines, min(_BLOCK_LIMIT, limit // 4)))
    if fence:
        mark = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", "\n".join(fence))), default=0))
        parts += [f"{mark}diff", *fence, mark, ""]
    parts += [f"- {_sentence(r)}" for r in remarks]
    return "\n".join([*parts, "", "</details>"]) + "\n"


def _fence_lines(lines: Sequence[Line], limit: int) -> Iterator[str]:
    """Yield lines whose first character gives them a colour, until the limit; the last counts the rest."""
    used = 0
    for index, line in enumerate(lines):
        note = f"  ({line.note})" if line.note else ""
        text = f"{_FENCE_SIGNS.get(line.sign, line.sign)} {'  ' * line.depth}{line.text}{note}"
        used += len(text) + 1
        if used > limit:
            yield f"# … {len(lines) - index:,} more lines"
            return
        yield text
