"""Why each difference of one resource counts or does not, for people."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.change import ChangeOrigin, FieldChange, Suppressed
from engine.model.document import ABSENT, REDACTED
from engine.model.path import ByKey, FieldPath
from engine.model.plan import Action, Step
from engine.reporting.changes import body_lines, known_after, shown, step_waits
from engine.reporting.phrases import full_stop, plural, reason_sentence, who_moved, why_it_counts
from engine.reporting.sending import sent_at
from engine.reporting.style import TextOptions
from engine.reporting.text import author_lines, dress, scope_title, step_header, step_remarks
from engine.reporting.values import KnownAfter, format_value, printable, shorten


def select_below(step: Step, path: str) -> tuple[list[FieldChange], list[Suppressed]]:
    """Return changes and hidden differences at or below a JSON Pointer into the body or the object; all for none."""
    changes = [c for c in step.changes if _is_below(path, c.path, c.spec_path)]
    return changes, [s for s in step.diff.suppressed if _is_below(path, s.path)]


def _is_below(pointer: str, *places: FieldPath | None) -> bool:
    wanted = pointer.rstrip("/").lower()
    return not wanted or any(
        f"{spelled}/".startswith(f"{wanted}/") for p in places if p is not None for spelled in _spellings(p)
    )


def _spellings(path: FieldPath) -> tuple[str, str]:
    """Return a place as a pointer with positions, and with elements by their keys: ``/subnets/[name=web]``."""
    keyed = (f"[{s.identifier}={s.value}]" if isinstance(s, ByKey) else s for s in path.segments)
    return path.pointer.lower(), FieldPath(tuple(keyed)).pointer.lower()


def render_explanation(step: Step, path: str = "", options: TextOptions | None = None) -> str:
    """Return every difference at or below a place with both values and the rule that decided about it."""
    style = options or TextOptions()
    changes, hidden = select_below(step, path)
    say = known_after(step_waits(step))
    blocks = [[style.paint("bold", step_header(step)), f"    {scope_title(step.id)}", f"    {reason_sentence(step)}"]]
    blocks[0] += [f"    {text}" for text in (*author_lines(step, style), *step_remarks(step))]
    if changes:
        verb = "counts" if len(changes) == 1 else "count"
        blocks.append([f"{plural(len(changes), 'difference')} that {verb}:"])
        blocks += [list(_change_lines(step, c, say, style)) for c in changes]
    if hidden:
        verb = "does" if len(hidden) == 1 else "do"
        blocks.append([f"{plural(len(hidden), 'difference')} that {verb} not count:"])
        blocks += [list(_hidden_lines(step, s, say, style)) for s in hidden]
    if not changes and not hidden:
        blocks.append(_nothing_lines(step, path, style))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


_MOVERS = {
    ChangeOrigin.USER: "the manifest",
    ChangeOrigin.DRIFT: "Azure",
    ChangeOrigin.BOTH: "both the manifest and Azure",
}


_COMPARED = frozenset({Action.NOOP, Action.UPDATE, Action.ADOPT, Action.SKIP})
"""Actions that are decided by comparing; of the others there may be nothing in Azure to compare with."""


def _nothing_lines(step: Step, path: str, style: TextOptions) -> list[str]:
    """Return why no difference is shown; of what is to be created, what apply would send."""
    if step.action in _COMPARED or step.changes or step.diff.suppressed:
        return [f"Nothing differs{f' at or below {printable(path)}' if path else ''}."]
    if step.action is not Action.CREATE:
        return ["Nothing could be compared."]
    sent = [dress(line, style, indent=2) for line in body_lines(step, style, below=path)]
    return ["There is nothing in Azure to compare with. apply sends:" if sent else "apply sends nothing there.", *sent]


def _change_lines(step: Step, change: FieldChange, say: KnownAfter, style: TextOptions) -> Iterator[str]:
    yield f"  {style.paint('warn', printable(change.path.pointer) or '/')}"
    values = {"Azure now": change.before, "wanted": change.after}
    if change.baseline is not ABSENT:
        values["last apply"] = change.baseline
    for title, value in values.items():
        yield _value_line(title, format_value(shown(change, value), path=change.path, known_after=say), style)
    if change.spec_path is not None:
        yield f"    in the object  {printable(change.spec_path.pointer)}"
    if change.is_shortened:
        yield f"    last apply     {_FINGERPRINT}"
    yield f"    who moved      {who_moved(change) or _not_known(change)}"
    yield f"    because        {full_stop(why_it_counts(change))}"
    yield from _sent_lines(step, change.path, say, style, sensitive=change.sensitive)


_FINGERPRINT = "not kept: the memory had to be shortened, of this part a fingerprint is left; it tells moved or not"


def _not_known(change: FieldChange) -> str:
    cannot = "not known: what is left of the memory cannot be compared"
    return cannot if change.is_shortened else "not known: no earlier apply is remembered"


def _hidden_lines(step: Step, item: Suppressed, say: KnownAfter, style: TextOptions) -> Iterator[str]:
    yield f"  {style.paint('dim', printable(item.path.pointer) or '/')}"
    for title, value in (("Azure now", item.before), ("wanted", item.after)):
        if item.before is not ABSENT or item.after is not ABSENT:
            yield _value_line(title, format_value(value, path=item.path, known_after=say), style)
    yield f"    rule           {printable(item.rule)}: {full_stop(item.why)}"
    if item.origin is not ChangeOrigin.UNKNOWN:
        yield f"    who moved      {_MOVERS[item.origin]}"
    yield from _sent_lines(step, item.path, say, style, sensitive=REDACTED in (item.before, item.after))


def _sent_lines(step: Step, path: FieldPath, say: KnownAfter, style: TextOptions, *, sensitive: bool) -> Iterator[str]:
    """Yield what apply would send about a place; the reason why it sends nothing stands above all differences."""
    title = "apply sends"
    for sent in sent_at(step, path, sensitive=sensitive):
        place = printable(sent.path.pointer) or "/"
        if sent.value is ABSENT:
            what = f"{sent.label} without {place}" if sent.path.segments else sent.label
            yield f"    {title:<13}  {what}"
        else:
            value = format_value(sent.value, path=sent.path, known_after=say)
            yield _value_line(title, f"{sent.label} {place}: {value}", style)
        title = ""
    if title:
        yield f"    {title:<13}  nothing about it"


def _value_line(title: str, value: str, style: TextOptions) -> str:
    return f"    {title:<13}  {value if style.verbose else shorten(value, style.width)}"
