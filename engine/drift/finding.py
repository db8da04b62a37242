"""What one object's resource shows: a finding that can be kept, shown and told apart from the next one."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import Final

from engine.drift.severity import Severity, severity_of_missing, severity_of_moves
from engine.model.change import Attribution, FieldChange
from engine.model.ids import ResourceKey
from engine.model.plan import Action, Plan, Step
from engine.model.policy import DriftPolicy
from engine.reporting.changes import shown
from engine.reporting.drift import DriftRow, as_moved, count_unheard, drift_report, is_unheard
from engine.reporting.phrases import who_moved
from engine.reporting.summary import count_ignored
from engine.reporting.text_results import mending_text
from engine.reporting.values import format_value, printable, shorten_pair

VALUE_LIMIT: Final = 160
"""Characters of a value that are kept."""
MOVE_LIMIT: Final = 10
"""Moved places of one resource that are kept; the others are counted."""
_TEXT_LIMIT: Final = 600


class State(enum.StrEnum):
    """What is the matter."""

    DRIFTED = "Drifted"
    MISSING = "Missing"
    DIFFERS = "Differs"


class Standing(enum.StrEnum):
    """What a look at one object's resource told; PENDING is what only the object's author moved."""

    IN_SYNC = "InSync"
    FOUND = "Found"
    UNHEARD = "Unheard"
    UNREADABLE = "Unreadable"
    PENDING = "Pending"
    ABSENT = "Absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One place that moved, in words.

    Attributes:
        path: JSON Pointer into the ARM body.
        place: The same as people read it.
        before: As it was; ``(none)``, ``(secret)`` and cut texts are possible.
        after: As it is in Azure now.
        who: Which side moved, in words; empty where nothing is remembered.
    """

    path: str
    place: str
    before: str
    after: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One resource that is not as we left it.

    Attributes:
        moves: The first few; ``more`` counts the others.
        by: Who wrote the resource last, where Azure says.
        request: What would put it right, or why nothing is sent.
        fingerprint: Another one as soon as anything else moved.
    """

    key: ResourceKey
    resource: str
    type: str
    state: State
    severity: Severity
    moves: tuple[Move, ...]
    more: int
    by: Attribution | None
    policy: DriftPolicy
    request: str
    fingerprint: str

    @property
    def is_drift(self) -> bool:
        """Whether Azure is known to have moved; else it differs and nothing is remembered."""
        return self.state is not State.DIFFERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look told of an object.

    Attributes:
        finding: None unless ``standing`` is FOUND.
        ignored: Differences that nobody wants to hear of.
        cause: Why it could not be read; empty otherwise.
    """

    standing: Standing
    finding: Finding | None = None
    ignored: int = 0
    cause: str = ""


_IN_SYNC: Final = Seen(standing=Standing.IN_SYNC)


def look_at(step: Step) -> Seen:
    """Return what a decision tells of drift. An unreadable resource tells nothing, least of all that drift ended."""
    if step.action is Action.NOOP and not step.changes:
        ignored = count_ignored((step,)) if step.diff.suppressed else 0
        return Seen(standing=Standing.IN_SYNC, ignored=ignored) if ignored else _IN_SYNC
    if step.action is Action.UNREADABLE:
        return Seen(standing=Standing.UNREADABLE, cause=step.detail)
    if is_unheard(step):
        ignored = count_unheard(step)
        return Seen(standing=Standing.UNHEARD if ignored else Standing.IN_SYNC, ignored=ignored)
    report = drift_report(Plan(steps=(step,), complete=True))
    ignored = count_ignored((step,))
    for row in (*report.drifted, *report.unattributed):
        finding = _finding(row, is_known=bool(report.drifted))
        return Seen(standing=Standing.FOUND, finding=finding, ignored=ignored)
    standing = Standing.ABSENT if report.absent else Standing.PENDING if report.pending else Standing.IN_SYNC
    return Seen(standing=standing, ignored=ignored)


def _finding(row: DriftRow, *, is_known: bool) -> Finding:
    step, moved = row.step, [as_moved(c) for c in row.changes]
    state = State.MISSING if row.gone else State.DRIFTED if is_known else State.DIFFERS
    severity = severity_of_missing(step.arm_type) if row.gone else severity_of_moves(step.arm_type, moved)
    moves = tuple(_move(was, change) for was, change in zip(moved, row.changes, strict=True))
    return Finding(
        key=step.key,
        resource=step.id.text if step.id is not None else "",
        type=step.arm_type,
        state=state,
        severity=severity,
        moves=moves[:MOVE_LIMIT],
        more=max(0, len(moves) - MOVE_LIMIT),
        by=step.diff.last_modified,
        policy=step.desired.policy.drift if step.desired is not None else DriftPolicy.CORRECT,
        request=_cut(mending_text(step)),
        fingerprint=_print_of(step, state, moved),
    )


def _move(moved: FieldChange, change: FieldChange) -> Move:
    before, after = (format_value(shown(moved, v), path=moved.path) for v in (moved.before, moved.after))
    before, after = shorten_pair(before, after, VALUE_LIMIT)
    return Move(
        path=_cut(printable(moved.path.pointer)),
        place=_cut(printable(moved.path.text)),
        before=before,
        after=after,
        who=who_moved(change),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"


def _print_of(step: Step, state: State, moved: list[FieldChange]) -> str:
    """Return a hash of what is the matter: resource, places, and what Azure has there now. Secrets are not in it."""
    parts = [step.id.key if step.id is not None else str(step.key.identity), state.value]
    parts += [f"{m.path.pointer}={format_value(shown(m, m.after), path=m.path)}" for m in moved]
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=10).hexdigest()
