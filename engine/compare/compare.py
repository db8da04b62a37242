"""Compare one resource: what is asked for, what Azure holds, what our last settled write left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from engine.compare import rules
from engine.compare.facts import FactTable, table_for
from engine.compare.finding import Place
from engine.compare.origin import Memory, Verdict, judge_without_memory
from engine.compare.owned import OwnedChildren
from engine.compare.secrets import conceal
from engine.compare.walk import Frame, walk
from engine.errors import InvalidSpecError
from engine.model.change import (
    IN_SYNC,
    ChangeKind,
    ChangeOrigin,
    DiffState,
    FieldChange,
    ResourceDiff,
    Suppressed,
)
from engine.model.document import ABSENT, REDACTED, Body
from engine.model.path import ByKey, FieldPath
from engine.model.policy import IgnoreRule
from engine.model.state import ActualState, Baseline, DesiredState, Presence
from schemas.arm import lookup_nearest, nearest
from schemas.nodes import ANY, Node, ObjectNode, UnionNode

RULES_VERSION: Final = "1"
"""Changes when a rule changes its meaning: results remembered under another version are worked out anew."""

_NOTHING: Final = frozenset[str]()
_TYPES_IN_MEMORY = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is known of a resource beside its bodies.

    Attributes:
        id: ARM id; empty when not known, then children are told by their own ids only.
        owned: Ids of children that other objects manage.
        secret_key: Key of the hashes in remembered bodies.
        ignore: Rules in force today.
        unseen: Places whose Secret is not available here, as JSON Pointer segments.
        open_keys: Places of maps with a key that is not known yet.
    """

    arm_type: str
    api_version: str
    id: str = ""
    owned: frozenset[str] = _NOTHING
    secret_key: bytes = b""
    ignore: tuple[IgnoreRule, ...] = ()
    unseen: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    open_keys: frozenset[tuple[str, ...]] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class RememberedBodies:
    """The parsed baseline. ``desired`` None: only what Azure held is remembered."""

    desired: Any
    actual: Any


def compare(
    desired: DesiredState,
    actual: ActualState,
    baseline: Baseline | None,
    *,
    owned: frozenset[str] = _NOTHING,
    secret_key: bytes = b"",
    today: date | None = None,
) -> ResourceDiff:
    """Return how a resource differs from what its object asks for.

    Args:
        desired: What the object asks for.
        actual: What a read of Azure said.
        baseline: Our last settled write; None when nothing is remembered: every origin is then unknown.
        owned: Ids of children that other objects manage.
        secret_key: The state folder's key, for secrets in the baseline.
        today: For ignore rules that end; None keeps all of them in force.

    Raises:
        ValueError: A body is not JSON.
    """
    if actual.presence is Presence.UNREADABLE:
        return ResourceDiff(state=DiffState.UNREADABLE)
    if actual.document is None:
        return _absent(desired, is_remembered=baseline is not None)
    subject = subject_of(desired, actual, owned=owned, secret_key=secret_key, today=today)
    return compare_bodies(desired.body, actual.document.value, subject, remembered=remembered_of(baseline))


def compare_bodies(
    desired: Body, actual: Body, subject: Subject, *, remembered: RememberedBodies | None = None
) -> ResourceDiff:
    """Compare two bodies of one resource. Bodies of a type that is unknown are compared without schema."""
    verdicts = judge_bodies(desired, actual, subject, remembered=remembered)
    return _result(verdicts) if verdicts else IN_SYNC


def judge_bodies(
    desired: Body, actual: Body, subject: Subject, *, remembered: RememberedBodies | None = None
) -> list[Verdict]:
    """Return a verdict on every place where a plain comparison of two bodies would differ."""
    node, facts = _guides(subject.arm_type, subject.api_version)
    frame = Frame(
        shape=node,
        facts=facts,
        owned=OwnedChildren(subject.id, subject.owned) if subject.owned else _OWNS_NOTHING,
        unseen=subject.unseen,
        open_keys=subject.open_keys,
    )
    findings = walk(desired, actual, frame)
    if remembered is None:
        verdicts = [judge_without_memory(f) for f in findings]
    else:
        then_desired = desired if remembered.desired is None else remembered.desired
        if not findings and desired == then_desired:
            return []
        memory = Memory(
            desired,
            actual,
            then_desired=then_desired,
            then_actual=remembered.actual,
            node=node,
            key=subject.secret_key,
        )
        verdicts = [memory.judge(f) for f in findings]
        verdicts += memory.removals({f.at for f in findings})
    return [_ignored(v, subject.ignore) for v in verdicts] if subject.ignore else verdicts


def check_type(arm_type: str, api_version: str) -> None:
    """Refuse a type that no schema knows; an unknown api-version of a known type is compared with the nearest.

    Raises:
        InvalidSpecError: With the names of similar types.
    """
    if _shape(arm_type, api_version) is None:
        near = nearest(arm_type, api_version)
        raise InvalidSpecError(
            "unknown ARM type",
            detail=arm_type,
            hint=f"did you mean {', '.join(near)}" if near else "check its spelling",
        )


def subject_of(
    desired: DesiredState,
    actual: ActualState,
    *,
    owned: frozenset[str] = _NOTHING,
    secret_key: bytes = b"",
    today: date | None = None,
) -> Subject:
    """Gather what a comparison needs from the two states."""
    policy = desired.policy
    unseen = frozenset(_plain(w.path) for w in desired.waits if w.secret_only and w.path is not None)
    return Subject(
        arm_type=desired.arm_type,
        api_version=desired.api_version,
        id=actual.id.text,
        owned=owned,
        secret_key=secret_key,
        ignore=tuple(r for r in policy.ignore if r.until is None or today is None or today <= r.until),
        unseen=unseen,
        open_keys=frozenset(_plain(path) for path in desired.unknown),
    )


def remembered_of(baseline: Baseline | None) -> RememberedBodies | None:
    """Return the parsed bodies of a baseline."""
    return None if baseline is None else RememberedBodies(baseline.desired.value, baseline.actual.value)


def shape_for(arm_type: str, api_version: str) -> Node:
    """Return the shape a type is compared by: of the nearest known version, ANY when the type is unknown."""
    return _shape(arm_type, api_version) or ANY


_OWNS_NOTHING = OwnedChildren("", ())


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def _shape(arm_type: str, api_version: str) -> ObjectNode | UnionNode | None:
    found = lookup_nearest(arm_type, api_version)
    return None if found is None else found.type.body


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def _guides(arm_type: str, api_version: str) -> tuple[Node, FactTable]:
    return shape_for(arm_type, api_version), table_for(arm_type, api_version)


def _absent(desired: DesiredState, *, is_remembered: bool) -> ResourceDiff:
    origin = ChangeOrigin.DRIFT if is_remembered else ChangeOrigin.UNKNOWN
    node, _ = _guides(desired.arm_type, desired.api_version)
    whole = FieldChange(
        path=FieldPath(),
        kind=ChangeKind.ADD,
        before=ABSENT,
        after=conceal(desired.body, node),
        origin=origin,
    )
    return ResourceDiff(changes=(whole,), state=_state({origin}))


def _plain(path: FieldPath) -> tuple[str, ...]:
    return tuple(s if isinstance(s, str) else str(s.index if isinstance(s, ByKey) else s) for s in path.segments)


def _ignored(verdict: Verdict, ignore: Sequence[IgnoreRule]) -> Verdict:
    if verdict.is_hidden or not any(_is_below(verdict.finding.at, rule.path) for rule in ignore):
        return verdict
    return Verdict(
        finding=verdict.finding,
        is_hidden=True,
        rule="ignore",
        why=rules.WHY["ignore"],
        origin=verdict.origin,
        then_desired=verdict.then_desired,
        then_actual=verdict.then_actual,
    )


def _is_below(at: Place, path: FieldPath) -> bool:
    """Whether a place is at or below an ignored one; ``*`` in a rule stands for any one segment."""
    wanted, place = _plain(path), _plain(FieldPath(at))
    return len(place) >= len(wanted) and all(w in ("*", s) for w, s in zip(wanted, place, strict=False))


def _result(verdicts: Sequence[Verdict]) -> ResourceDiff:
    changes = [_change(v) for v in verdicts if not v.is_hidden]
    suppressed = [_receipt(v) for v in verdicts if v.is_hidden]
    return ResourceDiff(
        changes=tuple(sorted(changes, key=lambda c: c.path.sort_key())),
        suppressed=tuple(sorted(suppressed, key=lambda s: (s.path.sort_key(), s.rule))),
        state=_state({c.origin for c in changes}),
    )


def _state(origins: set[ChangeOrigin]) -> DiffState:
    if not origins:
        return DiffState.IN_SYNC
    if ChangeOrigin.BOTH in origins:
        return DiffState.CONFLICTED
    return DiffState.DRIFTED if ChangeOrigin.DRIFT in origins else DiffState.CHANGED


def _change(verdict: Verdict) -> FieldChange:
    finding = verdict.finding
    return FieldChange(
        path=FieldPath(finding.at),
        kind=finding.kind,
        before=shown(verdict, finding.actual),
        after=shown(verdict, finding.desired),
        origin=verdict.origin,
        baseline=shown(verdict, verdict.then_actual),
        sensitive=finding.veiled,
    )


def _receipt(verdict: Verdict) -> Suppressed:
    finding = verdict.finding
    return Suppressed(
        path=FieldPath(finding.at),
        rule=verdict.rule,
        why=verdict.why,
        before=shown(verdict, finding.actual),
        after=shown(verdict, finding.desired),
    )


def shown(verdict: Verdict, value: Any) -> Any:
    """Return a value as results may carry it: secrets are REDACTED."""
    if isinstance(value, Mapping | list):
        return REDACTED if verdict.finding.veiled else conceal(value, verdict.finding.node)
    if verdict.finding.veiled and isinstance(value, str) and value:
        return REDACTED
    return conceal(value, verdict.finding.node)
