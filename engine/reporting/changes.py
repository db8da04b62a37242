"""What differs in one resource, as lines; text and markdown only add their own dress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.model.change import ChangeKind, FieldChange
from engine.model.document import ABSENT, REDACTED, UNKNOWN
from engine.model.path import FieldPath
from engine.model.plan import Step
from engine.model.state import Wait
from engine.reporting.documents import lay_out_pair
from engine.reporting.phrases import baseline_tells_more, of_fingerprint, plural, who_moved
from engine.reporting.style import TextOptions
from engine.reporting.values import (
    KNOWN_LATER,
    KnownAfter,
    cut_lines,
    diff_lines,
    format_value,
    is_marker,
    is_multiline,
    iterate_leaves,
    printable,
    shorten,
    shorten_pair,
)

_SIGNS = {ChangeKind.ADD: "+", ChangeKind.REMOVE: "-", ChangeKind.CHANGE: "~", ChangeKind.REORDER: "~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One printable line.

    Attributes:
        sign: ``+``, ``-``, ``~``, ``@`` (something is left out) or a space.
        depth: 0 for a changed place, 1 for lines that belong to it.
    """

    sign: str
    text: str
    note: str = ""
    depth: int = 0


def step_waits(step: Step) -> tuple[Wait, ...]:
    """Return what the step waits for, from the step or from its desired state."""
    return step.waits or (step.desired.waits if step.desired else ())


def known_after(waits: Sequence[Wait]) -> Callable[[FieldPath], str]:
    """Return a function that says what an unknown value at a place waits for, in brackets."""
    by_place = {w.path.pointer: w.text for w in waits if w.path is not None}
    only = {w.text for w in waits}

    def say(path: FieldPath) -> str:
        pointer = path.pointer
        while pointer and pointer not in by_place:
            pointer = pointer.rpartition("/")[0]
        text = by_place.get(pointer) or (min(only) if len(only) == 1 else "")
        if not text:
            return KNOWN_LATER
        return f"({printable(text)})" if text.startswith("known after") else f"(known after: {printable(text)})"

    return say


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What stands before and after at one place.

    Attributes:
        before, after: Both values, whole.
        lines: Signs and lines of what differs in them, where they are too long for a line; else None.
    """

    before: str = ""
    after: str = ""
    lines: tuple[tuple[str, str], ...] | None = None


def change_sides(change: FieldChange, say: KnownAfter, options: TextOptions) -> Sides:
    """Return both sides of a change; texts that hold documents and big containers are compared line by line.

    Args:
        change: What differs.
        say: Names what an unknown value waits for.
        options: Widths.
    """
    before, after = shown(change, change.before), shown(change, change.after)
    is_long = _is_long_text(before, options) or _is_long_text(after, options)
    laid_out = lay_out_pair(before, after) if is_long else (before, after)
    if _are_texts(*laid_out) and any(map(is_multiline, laid_out)):
        return Sides(lines=tuple(diff_lines(*laid_out, limit=options.line_limit)))
    old = format_value(before, path=change.path, known_after=say)
    new = format_value(after, path=change.path, known_after=say)
    if _is_big(before, old, options) or _is_big(after, new, options):
        texts = (_leaf_text(change.path, v, say) for v in (before, after))
        return Sides(lines=tuple(diff_lines(*texts, limit=options.line_limit)))
    return Sides(before=old, after=new)


def change_lines(change: FieldChange, say: KnownAfter, options: TextOptions, *, note: str | None = None) -> list[Line]:
    """Return the lines of one change: one line where it fits, else the place and what it holds below.

    Args:
        change: What differs.
        say: Names what an unknown value waits for.
        options: Widths.
        note: Stands after the first line; who moved unless given.
    """
    sign = change_sign(change)
    note = change_note(change, say, options) if note is None else note
    place = change_place(change)
    sides = change_sides(change, say, options)
    if sides.lines is not None:
        return [Line(sign=sign, text=f"{place}:", note=note), *_below(sides.lines)]
    is_word = is_marker(shown(change, change.before)) or is_marker(shown(change, change.after))
    room = 10_000 if is_word else options.value_limit
    return [Line(sign=sign, text=f"{place}: {_values(change, sides.before, sides.after, room)}", note=note)]


def change_sign(change: FieldChange) -> str:
    """Return ``+``, ``-`` or ``~``."""
    return _SIGNS[change.kind]


def change_place(change: FieldChange) -> str:
    """Return where the change is; printable."""
    return printable(change.path.text) or "(the whole body)"


def _are_texts(*values: Any) -> bool:
    return all(isinstance(v, str) or v is ABSENT for v in values)


def _is_long_text(value: Any, options: TextOptions) -> bool:
    return isinstance(value, str) and (is_multiline(value) or len(value) > options.value_limit)


def shown(change: FieldChange, value: Any) -> Any:
    """Return a value of the change, or REDACTED where it must not be seen."""
    return REDACTED if change.sensitive and value not in (ABSENT, UNKNOWN) else value


def _is_big(value: Any, text: str, options: TextOptions) -> bool:
    return isinstance(value, dict | list | tuple) and len(text) > options.value_limit


def _values(change: FieldChange, old: str, new: str, room: int) -> str:
    if change.kind is ChangeKind.ADD:
        return shorten(new, room * 2)
    if change.kind is ChangeKind.REMOVE:
        return shorten(old, room * 2)
    short_old, short_new = shorten_pair(old, new, room)
    return f"{short_old} → {short_new}"


def _leaf_text(base: FieldPath, value: Any, say: KnownAfter) -> str | None:
    if value is ABSENT:
        return None
    skip = len(base.segments)
    lines = []
    for path, leaf in iterate_leaves(value, base):
        place = printable(FieldPath(path.segments[skip:]).text)
        text = format_value(leaf, path=path, known_after=say)
        lines.append(f"{place}: {text}" if place else text)
    return "\n".join(lines)


def _below(lines: Iterable[tuple[str, str]]) -> list[Line]:
    return [Line(sign=sign, text=text, depth=1) for sign, text in lines]


def change_note(change: FieldChange, say: KnownAfter, options: TextOptions) -> str:
    """Return who moved, with the value of the last apply where it is a third one."""
    who = who_moved(change)
    if change.is_shortened:
        return of_fingerprint(who)
    if not baseline_tells_more(change):
        return who
    was = shorten(format_value(change.baseline, path=change.path, known_after=say), options.value_limit)
    return f"{who}; was {was} after the last apply" if who else f"was {was} after the last apply"


def created_leaves(step: Step) -> Iterator[tuple[FieldPath, Any]]:
    """Yield place and value of each member that a create would send; nothing where its body is not known."""
    body = step.requests[-1].body if step.requests else (step.desired.body if step.desired else ABSENT)
    return iterate_leaves(body) if body is not ABSENT else iter(())


def is_empty(value: Any) -> bool:
    """Whether a member says nothing."""
    return value is None or value in ({}, [])


def body_lines(step: Step, options: TextOptions, *, below: str = "") -> list[Line]:
    """Return what a create would send, value by value; empty when nothing is known of it.

    Args:
        step: The create.
        options: Widths, and whether members without content are shown.
        below: JSON Pointer; only what lies there.
    """
    say = known_after(step_waits(step))
    lines, empty = [], 0
    wanted = below.rstrip("/").lower() + "/"
    for path, value in created_leaves(step):
        if not f"{path.pointer.lower()}/".startswith(wanted):
            continue
        if not options.verbose and is_empty(value):
            empty += 1
            continue
        text = shorten(format_value(value, path=path, known_after=say), options.value_limit * 2)
        lines.append(("+", f"{printable(path.text)}: {text}"))
    shown_lines = [Line(sign=sign, text=text) for sign, text in cut_lines(lines, 3 * options.line_limit)]
    return [*shown_lines, *([Line(sign="@", text=f"{plural(empty, 'empty member')} hidden")] if empty else [])]


def hidden_text(step: Step) -> str:
    """Return what the lines above do not show: values that are equal, differences that do not count."""
    parts = []
    unchanged = count_unchanged(step) if step.changes else 0
    if unchanged:
        parts.append(f"{plural(unchanged, 'unchanged value')} hidden")
    receipts = len(step.diff.suppressed)
    if receipts:
        verb = "does" if receipts == 1 else "do"
        parts.append(
            f"{plural(receipts, 'difference')} that {verb} not count hidden (trueup explain {printable(str(step.key))})"
        )
    return "; ".join(parts)


def count_unchanged(step: Step) -> int:
    """Count the desired values that no change touches; 0 when the desired body is not at hand (a saved plan)."""
    if step.desired is None or not isinstance(step.desired.body, dict):
        return 0
    changed = {c.path.pointer for c in step.changes}
    above = {prefix for pointer in changed for prefix in _prefixes(pointer)}
    count = 0
    for path, _ in iterate_leaves(step.desired.body):
        pointer = path.pointer
        touched = pointer in above or not changed.isdisjoint(_prefixes(pointer))
        count += not touched
    return count


def _prefixes(pointer: str) -> list[str]:
    parts = pointer.split("/")
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
