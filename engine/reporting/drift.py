"""What moved in Azure since the last apply: the selection that every format of the drift report prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from engine.model.change import ChangeKind, ChangeOrigin, DiffState, FieldChange, Suppressed
from engine.model.document import ABSENT, REDACTED
from engine.model.plan import Action, Plan, Step
from engine.model.policy import DriftPolicy
from engine.reporting.changes import Line, change_lines, known_after, step_waits
from engine.reporting.phrases import of_fingerprint, plural, who_moved
from engine.reporting.style import TextOptions
from engine.reporting.summary import count_ignored, count_left_to_others, has_drifted, left_alone
from engine.reporting.values import KnownAfter, format_value, shorten


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One resource that is not as we left it.

    Attributes:
        changes: What Azure moved, or what differs with nobody known; what only the manifest changed is left out.
        gone: The resource itself was deleted in Azure.
    """

    step: Step
    changes: tuple[FieldChange, ...]
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """The drift in a plan.

    Attributes:
        drifted: Moved in Azure since the last apply.
        unattributed: Differs, but no earlier apply is remembered.
        unreadable: Steps whose resource could not be read: nothing is known of them.
        pending: How many resources differ only because the manifest changed.
        checked: How many resources were looked at.
        problems: How many inputs could not be used; nothing is known of their resources.
        ignored: How many differences nobody wants to hear of: ignore rules and drift policies say so.
        others: How many elements others put into lists that they share with an object; they are left to them.
        absent: How many resources were never applied and are not in Azure.
    """

    drifted: tuple[DriftRow, ...]
    unattributed: tuple[DriftRow, ...]
    unreadable: tuple[Step, ...]
    pending: int
    checked: int
    problems: int
    ignored: int = 0
    others: int = 0
    absent: int = 0


def drift_report(plan: Plan) -> DriftReport:
    """Select what moved from the plan that would mend it; the plan's order is kept."""
    alarming = [s for s in plan.steps if not is_unheard(s)]
    drifted = [s for s in alarming if has_drifted(s)]
    rest = [s for s in alarming if s.changes and s.action is not Action.DELETE and not has_drifted(s)]
    unknown = [s for s in rest if any(c.origin is ChangeOrigin.UNKNOWN for c in s.changes)]
    return DriftReport(
        drifted=tuple(_row(s) for s in drifted),
        unattributed=tuple(_row(s) for s in unknown),
        unreadable=tuple(s for s in plan.steps if s.action is Action.UNREADABLE),
        pending=len(rest) - len(unknown),
        checked=len(plan.steps),
        problems=len(plan.problems),
        ignored=count_ignored(plan.steps) + sum(count_unheard(s) for s in plan.steps if is_unheard(s)),
        others=count_left_to_others(plan.steps),
        absent=sum(s.action is Action.CREATE and not has_drifted(s) for s in alarming),
    )


def count_unheard(step: Step) -> int:
    """Count what moved in a resource whose owner asked for no alarm; one that is gone is one."""
    row = _row(step)
    return len(row.changes) or int(row.gone and has_drifted(step))


def is_unheard(step: Step) -> bool:
    """Whether the owner of the object asked for no alarm about what Azure moves."""
    return step.desired is not None and step.desired.policy.drift is DriftPolicy.IGNORE


def _row(step: Step) -> DriftRow:
    changes = [c for c in step.changes if c.origin is not ChangeOrigin.USER]
    changes += [_as_change(s) for s in left_alone(step)]
    changes.sort(key=lambda c: c.path.sort_key())
    return DriftRow(step=step, changes=tuple(changes), gone=not step.changes and step.diff.state is DiffState.DRIFTED)


def _as_change(left: Suppressed) -> FieldChange:
    """Return drift that is left alone as the change that would mend it."""
    kind = ChangeKind.ADD if left.before is ABSENT else ChangeKind.REMOVE if left.after is ABSENT else ChangeKind.CHANGE
    return FieldChange(
        path=left.path,
        kind=kind,
        before=left.before,
        after=left.after,
        origin=left.origin,
        sensitive=REDACTED in (left.before, left.after),
    )


def as_moved(change: FieldChange) -> FieldChange:
    """Turn a change that would mend into the move that happened: from the last apply to Azure now.

    Where no value is remembered the desired one stands for it.
    """
    was = change.after if change.baseline is ABSENT else change.baseline
    return replace(change, before=was, after=change.before, kind=_moved_kind(change, was), baseline=ABSENT)


def _moved_kind(change: FieldChange, was: Any) -> ChangeKind:
    if was is ABSENT:
        return ChangeKind.ADD
    if change.before is ABSENT:
        return ChangeKind.REMOVE
    return ChangeKind.REORDER if change.kind is ChangeKind.REORDER else ChangeKind.CHANGE


def moved_lines(step: Step, changes: Iterable[FieldChange], options: TextOptions) -> list[Line]:
    """Return the lines of what moved, each with who moved it."""
    say = known_after(step_waits(step))
    return [
        line
        for change in changes
        for line in change_lines(as_moved(change), say, options, note=moved_note(change, say, options))
    ]


def moved_note(change: FieldChange, say: KnownAfter, options: TextOptions) -> str:
    """Return who moved, and what the manifest asks by now where that moved too."""
    who = who_moved(change)
    if change.is_shortened:
        return of_fingerprint(who)
    if change.origin is not ChangeOrigin.BOTH or change.sensitive:
        return who
    asked = format_value(change.after, path=change.path, known_after=say)
    return f"{who}, which asks {shorten(asked, options.value_limit)} now"


def drift_line(report: DriftReport) -> str:
    """Return the last line of a drift report."""
    errors = f"; {plural(report.problems, 'error')}" if report.problems else ""
    if not (report.drifted or report.unattributed or report.unreadable):
        return _still_line(report, errors)
    parts = [f"{report.checked:,} checked", f"{len(report.drifted):,} drifted"]
    if report.unattributed:
        verb = "differs" if len(report.unattributed) == 1 else "differ"
        parts.append(f"{len(report.unattributed):,} {verb} without a remembered apply")
    if report.ignored:
        parts.append(f"{report.ignored:,} ignored")
    if report.others:
        parts.append(f"{report.others:,} left to others")
    if report.unreadable:
        parts.append(f"{len(report.unreadable):,} unreadable")
    if report.pending:
        parts.append(f"{report.pending:,} changed in the manifests only")
    if report.absent:
        parts.append(f"{report.absent:,} not in Azure yet")
    return f"Drift: {', '.join(parts)}{errors}."


def _still_line(report: DriftReport, errors: str) -> str:
    """Return the last line when nothing moved as far as could be seen."""
    if not report.checked:
        return f"No objects to check{errors}."
    resources = plural(report.checked, "resource")
    pending = f"; {report.pending:,} changed in the manifests, not yet applied" if report.pending else ""
    pending += f"; {report.absent:,} not in Azure yet" if report.absent else ""
    ignored = f", {report.ignored:,} ignored" if report.ignored else ""
    ignored += f", {report.others:,} left to others" if report.others else ""
    if errors:
        return f"No drift in the {resources} that could be checked{ignored}{pending}{errors}."
    return f"No drift. {resources} checked{ignored}{pending}."
