"""What a page shows of one resource, as compact JSON: no secret, nothing that can turn or hide text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any, Final

from engine.model.change import Attribution, ChangeOrigin, FieldChange
from engine.model.document import ABSENT
from engine.model.ids import ArmId
from engine.model.plan import Action, Step
from engine.model.result import Outcome, StepResult
from engine.reporting.changes import (
    change_note,
    change_place,
    change_sides,
    change_sign,
    created_leaves,
    is_empty,
    known_after,
    step_waits,
)
from engine.reporting.comparison import Compared
from engine.reporting.drift import DriftRow, as_moved, moved_note
from engine.reporting.phrases import (
    GONE,
    PRINCIPALS,
    duration_text,
    full_stop,
    plural,
    reason_sentence,
    sent_text,
    type_text,
)
from engine.reporting.style import TextOptions
from engine.reporting.text import step_remarks
from engine.reporting.text_results import mending_text, ticket_line
from engine.reporting.values import KnownAfter, cut_lines, format_value, printable, shorten

_OPTIONS: Final = TextOptions(width=200, verbose=True)
_LINES: Final = 400
_VALUE: Final = 4_000
_WHO: Final = {ChangeOrigin.DRIFT: "d", ChangeOrigin.USER: "u", ChangeOrigin.BOTH: "b"}

Change = list[Any]
"""Sign, place, before, after, note; and lines of sign and text where the values are long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource of a page.

    Attributes:
        state: What the page counts and filters by.
        sent: What is sent for it.
        who: Who moved: letters of ``u`` (the manifest), ``d`` (Azure), ``b`` (both).
        needs: Rows (by number) that must be written first.
        on_path: Where it stands on the longest path of the plan, counted from 1; 0 for nowhere.
    """

    title: str
    state: str
    arm_type: str
    api_version: str
    id: ArmId | None
    origin: str = ""
    reason: str = ""
    sent: str = ""
    changes: Sequence[Change] = ()
    remarks: Sequence[str] = ()
    author: Attribution | None = None
    who: str = ""
    wave: int = 0
    needs: tuple[int, ...] = ()
    on_path: int = 0

    def encode(self, numbers: Mapping[int, int]) -> dict[str, Any]:
        """Return the members that there are, but for the changes; ``numbers`` are the lines of rows."""
        members: dict[str, Any] = {
            "n": printable(self.title),
            "t": printable(type_text(self.arm_type, self.api_version)),
            "i": printable(self.id.text) if self.id is not None else "",
            "o": printable(self.origin),
            "r": self.reason,
            "q": self.sent,
            "m": list(self.remarks),
            "b": _author(self.author),
            "g": self.who,
            "w": self.wave,
            "a": [numbers[n] for n in self.needs],
            "l": self.on_path,
        }
        return {name: value for name, value in members.items() if value}


def _author(author: Attribution | None) -> list[str]:
    if author is None:
        return []
    return [printable(author.by), PRINCIPALS.get(author.by_type, "somebody"), author.at.astimezone(UTC).isoformat()]


def bare_row(step: Step, state: str, **told: Any) -> Row:
    """Return the resource of a step; ``told`` are the members of the row that say what is done and why."""
    return Row(
        title=str(step.key),
        state=state,
        arm_type=step.arm_type,
        api_version=step.api_version,
        id=step.id,
        origin=step.origin,
        author=step.diff.last_modified,
        **told,
    )


def step_row(step: Step, state: str) -> Row:
    """Return a step of a plan."""
    return bare_row(
        step,
        state,
        reason=reason_sentence(step),
        sent=sent_text(step),
        changes=_step_changes(step),
        remarks=step_remarks(step),
        who=_who(step.changes),
    )


def drift_row(row: DriftRow, state: str) -> Row:
    """Return what moved, from the last apply to Azure now."""
    say = known_after(step_waits(row.step))
    moved = [(as_moved(c), moved_note(c, say, _OPTIONS)) for c in row.changes]
    remarks = [*([GONE] if row.gone else []), mending_text(row.step), *step_remarks(row.step)]
    changes = [encode_change(c, say, note) for c, note in moved]
    return bare_row(
        row.step,
        state,
        reason=reason_sentence(row.step),
        sent=sent_text(row.step),
        changes=changes,
        remarks=remarks,
        who="d" if row.gone else _who(row.changes),
    )


def result_row(step: Step, result: StepResult | None, state: str) -> Row:
    """Return how a step ended; what was written as planned has nothing more to tell."""
    if result is None:
        return step_row(step, state)
    said = [full_stop(result.cause)] if result.cause else []
    if result.outcome is Outcome.FAILED and result.ids.client:
        said.append(ticket_line(result))
    took = f"{plural(result.requests, 'write')}, {duration_text(result.duration)}" if result.requests else ""
    row = step_row(step, state)
    return replace(row, remarks=[*said, *row.remarks], sent=took)


def compared_row(one: Compared) -> Row:
    """Return how one resource differs between two states."""
    return Row(
        title=one.name,
        state=one.standing.value,
        arm_type=one.arm_type,
        api_version=one.api_version,
        id=one.id,
        reason=full_stop(one.detail),
        changes=[encode_change(c, known_after(()), "") for c in one.diff.changes],
    )


def _who(changes: Sequence[FieldChange]) -> str:
    return "".join(sorted({_WHO[c.origin] for c in changes if c.origin in _WHO}))


def _step_changes(step: Step) -> list[Change]:
    say = known_after(step_waits(step))
    if step.action is Action.CREATE and not step.changes:
        return list(_body_changes(step, say))
    return [encode_change(c, say, change_note(c, say, _OPTIONS)) for c in step.changes]


def encode_change(change: FieldChange, say: Callable[..., str], note: str) -> Change:
    """Return one change as the page's script reads it."""
    sides = change_sides(change, say, _OPTIONS)
    encoded: Change = [change_sign(change), change_place(change)]
    if sides.lines is not None:
        return [*encoded, "", "", note, [list(line) for line in cut_lines(list(sides.lines), _LINES)]]
    encoded += [_side(change.before, sides.before), _side(change.after, sides.after)]
    return [*encoded, note] if note else encoded


def _side(value: Any, text: str) -> str | None:
    return None if value is ABSENT else shorten(text, _VALUE)


def _body_changes(step: Step, say: KnownAfter) -> Iterator[Change]:
    """Yield what a create sends, member by member, but for empty ones."""
    for path, value in created_leaves(step):
        if not is_empty(value):
            text = shorten(format_value(value, path=path, known_after=say), _VALUE)
            yield ["+", printable(path.text) or "(the whole body)", None, text]
