"""A plan for people: Terraform's sentences, the signs of ARM's what-if, who moved, what would be sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.model.ids import ArmId
from engine.model.plan import Action, Guard, Plan, Step
from engine.reporting.allowances import block_of_allowances
from engine.reporting.changes import Line, body_lines, change_lines, hidden_text, known_after, step_waits
from engine.reporting.phrases import INCOMPLETE, author_text, full_stop, plural, reason_sentence, sent_text, type_text
from engine.reporting.spending import spending_lines
from engine.reporting.style import TextOptions
from engine.reporting.summary import plan_line, summarize_plan
from engine.reporting.values import printable

_TONES = {"+": "good", "-": "bad", "~": "warn", "@": "dim"}
_WITH_BODY = frozenset({Action.CREATE})
_HELD = frozenset({Action.BLOCKED, Action.WAIT, Action.UNREADABLE})
NOT_PLACED = "Not placed in Azure yet"


def render_plan(plan: Plan, options: TextOptions | None = None) -> str:
    """Return the plan as text that ends with its summary line; the same plan gives the same text."""
    style = options or TextOptions()
    summary = summarize_plan(plan)
    shown = [s for s in plan.steps if style.verbose or not is_quiet(s)]
    blocks = problem_blocks(plan, style)
    if shown:
        blocks.append([_legend(shown)])
    for scope, steps in group_steps(shown):
        blocks.append([style.paint("bold", scope)])
        if style.brief:
            blocks.append([line for step in steps for line in brief_lines(step, style)])
        else:
            blocks += [list(step_lines(step, style)) for step in steps]
    hidden = len(plan.steps) - len(shown)
    if hidden and not summary.clean:
        blocks.append([style.paint("dim", f"{plural(hidden, 'unchanged resource')} hidden (--verbose shows them).")])
    if not plan.complete:
        blocks.append([INCOMPLETE])
    blocks += block_of_allowances(plan)
    if costs := spending_lines(plan.budget):
        blocks.append(costs)
    blocks.append([style.paint("bold", plan_line(plan, summary))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def is_quiet(step: Step) -> bool:
    """Whether a step has nothing to tell: no request, no change, no warning."""
    return step.action is Action.NOOP and not step.changes and not step.guards and not step.notes


def problem_blocks(plan: Plan, style: TextOptions) -> list[list[str]]:
    """Return one block with every problem of the plan that is not told yet; no block when there is none."""
    problems = [p for p in plan.problems if p not in style.told]
    if not problems:
        return []
    head = style.paint("bad", f"{plural(len(problems), 'problem')}:")
    return [[head, *(f"  ! {printable(p)}" for p in problems)]]


def _legend(steps: Sequence[Step]) -> str:
    used = {s.action for s in steps}
    return "Signs: " + ", ".join(f"{a.symbol} {a.value}" for a in Action if a in used)


def group_steps(steps: Sequence[Step]) -> list[tuple[str, list[Step]]]:
    """Group steps by resource group, groups in the order of their ids; within one the plan's order is kept."""
    groups: dict[tuple[str, str], list[Step]] = {}
    titles: dict[tuple[str, str], str] = {}
    for step in steps:
        key = _scope_key(step.id)
        groups.setdefault(key, []).append(step)
        titles.setdefault(key, scope_title(step.id))
    return [(titles[key], groups[key]) for key in sorted(groups)]


def _scope_key(arm_id: ArmId | None) -> tuple[str, str]:
    return (arm_id.subscription.lower(), arm_id.resource_group.lower()) if arm_id else ("~", "")


def scope_title(arm_id: ArmId | None) -> str:
    """Return the heading a resource belongs under; printable."""
    if arm_id is None:
        return NOT_PLACED
    subscription, group = printable(arm_id.subscription), printable(arm_id.resource_group)
    if group:
        return f"Resource group {group}, subscription {subscription}"
    return f"Subscription {subscription}" if subscription else "Tenant"


def step_lines(step: Step, style: TextOptions) -> Iterator[str]:
    """Yield header, reason, changes, waits, guards and notes of one step, indented."""
    yield "  " + style.paint_action(step.action, step_header(step))
    yield f"      {reason_sentence(step)}"
    yield from (f"      {text}" for text in author_lines(step, style))
    for line in step_body(step, style):
        yield dress(line, style, indent=6)
    hidden = hidden_text(step)
    if hidden and step.action is not Action.NOOP:
        yield style.paint("dim", f"        {hidden}")
    yield from (f"      {text}" for text in step_remarks(step))
    if style.verbose and step.depends_on:
        yield f"      after: {', '.join(printable(str(k)) for k in step.depends_on)}"


def author_lines(step: Step, style: TextOptions) -> list[str]:
    """Return who made the drift, where that is known."""
    author = step.diff.last_modified
    return [author_text(author, style.now)] if author is not None else []


def brief_lines(step: Step, style: TextOptions) -> Iterator[str]:
    """Yield the header alone, and below it what keeps a step from running."""
    yield "  " + style.paint_action(step.action, step_header(step))
    if step.action in _HELD and not step.guards:
        yield f"      {reason_sentence(step)}"
    yield from (f"      {text}" for text in step_remarks(step))


def step_header(step: Step) -> str:
    """Return sign, object, type and api-version, and what would be sent; printable."""
    what = type_text(step.arm_type, step.api_version)
    parts = [f"{step.action.symbol} {step.key}", what, sent_text(step) or step.action.value]
    return "  ".join(printable(p) for p in parts if p)


def step_body(step: Step, style: TextOptions) -> list[Line]:
    """Return the lines of what differs, or of what a create sends."""
    if step.action in _WITH_BODY and not step.changes:
        return body_lines(step, style)
    say = known_after(step_waits(step))
    return [line for change in step.changes for line in change_lines(change, say, style)]


def dress(line: Line, style: TextOptions, *, indent: int) -> str:
    """Return a line of a change with its sign, its colour and its indent."""
    sign = " " if line.sign == "@" else line.sign
    note = style.paint("info", f"  ({line.note})") if line.note else ""
    body = style.paint(_TONES.get(line.sign, ""), f"{sign} {line.text}")
    return " " * (indent + 2 * line.depth) + body + note


def plain_lines(lines: Iterable[Line]) -> list[str]:
    """Return lines of changes as they stand alone: without colour, width or indent."""
    return [dress(line, TextOptions(), indent=0) for line in lines]


def step_remarks(step: Step) -> list[str]:
    """Return waits, guards and notes as printable sentences."""
    told = step.detail
    pending = step_waits(step) if step.action is Action.WAIT else ()
    waits = [f"waits: {full_stop(text)}" for text in dict.fromkeys(w.text for w in pending) if text not in told]
    guards = [guard_text(g) for g in step.guards]
    return [*waits, *guards, *(f"note: {full_stop(n)}" for n in step.notes)]


def guard_text(guard: Guard) -> str:
    """Return what a guard found, what would happen, and what lets the step go on once or has let it."""
    head = f"{'blocked' if guard.blocks else 'warning'} ({printable(guard.name)}): "
    if guard.allowed_by:
        return head + full_stop(f"{guard.sentence}; allowed by {guard.allowed_by}")
    advice = f" To allow it once: {full_stop(guard.allow)}" if guard.allow and guard.blocks else ""
    return head + full_stop(guard.sentence) + advice
