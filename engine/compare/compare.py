"""Compare one resource: what is asked for, what Azure holds, what our last settled write left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final

from engine.compare.facts import table_for
from engine.compare.finding import Finding
from engine.compare.ignore import apply_ignores
from engine.compare.leaving import leave_drift
from engine.compare.notes import Frame
from engine.compare.origin import Memory
from engine.compare.owned import OwnedChildren
from engine.compare.result import make_diff, state_of
from engine.compare.secrets import Secrecy, find_secrets
from engine.compare.sighting import Sighting
from engine.compare.subject import (
    NOTHING_OWNED,
    Memories,
    RememberedBodies,
    Subject,
    Witness,
    remembered_of,
    subject_of,
)
from engine.compare.verdict import Verdict, judge_without_memory
from engine.compare.walk import walk
from engine.errors import InvalidSpecError
from engine.model.change import IN_SYNC, ChangeKind, ChangeOrigin, DiffState, FieldChange, ResourceDiff
from engine.model.document import ABSENT, Body
from engine.model.path import FieldPath
from engine.model.state import ActualState, Baseline, DesiredState, Presence
from schemas.arm import lookup_nearest, nearest
from schemas.nodes import ANY, Node, ObjectNode, UnionNode

RULES_VERSION: Final = "1"
"""Changes when a rule changes its meaning: results remembered under another version are worked out anew."""

_TYPES_IN_MEMORY = 1_024


def compare(
    desired: DesiredState,
    actual: ActualState,
    baseline: Baseline | None,
    *,
    seen: Witness | None = None,
    owned: frozenset[str] = NOTHING_OWNED,
    secret_key: bytes = b"",
    today: date | None = None,
) -> ResourceDiff:
    """Return how a resource differs from what its object asks for.

    Args:
        desired: What the object asks for.
        actual: What a read of Azure said.
        baseline: Our last settled write; None when nothing is remembered: every origin is then unknown.
        seen: Who else saw what Azure held; asked where there is no baseline.
        owned: Ids of children that other objects manage.
        secret_key: The state folder's key, for secrets in the baseline.
        today: For ignore rules that end; None keeps all of them in force.

    Raises:
        ValueError: A body is not JSON.
    """
    if actual.presence is Presence.UNREADABLE:
        return ResourceDiff(state=DiffState.UNREADABLE)
    if actual.document is None:
        return _absent(desired, is_remembered=baseline is not None or seen is not None)
    subject = subject_of(desired, actual, owned=owned, secret_key=secret_key, today=today)
    return compare_bodies(desired.body, actual.document.value, subject, remembered=remembered_of(baseline) or seen)


def compare_bodies(
    desired: Body, actual: Body, subject: Subject, *, remembered: Memories | None = None
) -> ResourceDiff:
    """Compare two bodies of one resource. Bodies of a type that is unknown are compared without schema.

    Raises:
        ValueError: The actual body is not an object, or the bodies are nested too deeply.
    """
    verdicts = judge_bodies(desired, actual, subject, remembered=remembered)
    return make_diff(verdicts, secrecy_of(subject.arm_type, subject.api_version, desired)) if verdicts else IN_SYNC


def judge_bodies(desired: Body, actual: Body, subject: Subject, *, remembered: Memories | None = None) -> list[Verdict]:
    """Return a verdict on every place where a plain comparison of two bodies would differ.

    Raises:
        ValueError: As in ``compare_bodies``.
    """
    if type(actual) is not dict:
        raise ValueError(f"the body of {subject.id or subject.arm_type} is not an object")
    try:
        verdicts = _judge(desired, actual, subject, remembered)
    except RecursionError as exc:
        raise ValueError(f"the body of {subject.id or subject.arm_type} is nested too deeply") from exc
    if subject.ignore:
        verdicts = apply_ignores(verdicts, subject.ignore, desired, actual)
    return leave_drift(verdicts, subject.leaves_drift) if subject.leaves_drift else verdicts


def _judge(desired: Body, actual: Body, subject: Subject, remembered: Memories | None) -> list[Verdict]:
    frame, secret_key = _frame_of(subject), subject.secret_key
    if isinstance(remembered, RememberedBodies) and remembered.desired is not None:
        desired = frame.owned.ask_for_none(desired, remembered.desired)
    findings = walk(desired, actual, frame)
    if remembered is None:
        return [judge_without_memory(f) for f in findings]
    if not isinstance(remembered, RememberedBodies):
        sighting = Sighting(desired, actual, remembered, node=frame.shape, key=secret_key)
        return [sighting.judge(f) for f in findings]
    then_desired = desired if remembered.desired is None else remembered.desired
    if not findings and desired == then_desired:
        return []
    memory = Memory(
        desired,
        actual,
        then_desired=then_desired,
        then_actual=remembered.actual,
        node=frame.shape,
        key=secret_key,
        then_node=_other_shape(subject, remembered.api_version),
    )
    return [memory.judge(f) for f in findings] + memory.removals({f.at for f in findings})


def find_differences(arm_type: str, api_version: str, desired: Body, actual: Body) -> list[Finding]:
    """Return every place where a plain comparison of two bodies would differ, whatever it is worth."""
    return walk(desired, actual, _plain_frame(arm_type, api_version))


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


def shape_for(arm_type: str, api_version: str) -> Node:
    """Return the shape a type is compared by: of the nearest known version, ANY when the type is unknown."""
    return _shape(arm_type, api_version) or ANY


def secrecy_of(arm_type: str, api_version: str, desired: Body) -> Secrecy:
    """Return how to tell a secret in the bodies of a resource that is asked for like this."""
    shape, facts = shape_for(arm_type, api_version), table_for(arm_type, api_version)
    return Secrecy(shape, facts.is_secret, find_secrets(desired))


def _other_shape(subject: Subject, then: str) -> Node | None:
    """Return the shape of bodies remembered under another api-version."""
    return shape_for(subject.arm_type, then) if then and then.lower() != subject.api_version.lower() else None


def _frame_of(subject: Subject) -> Frame:
    plain = _plain_frame(subject.arm_type, subject.api_version)
    if not (subject.owned or subject.unseen or subject.open_keys or subject.scaled_by):
        return plain
    return replace(
        plain,
        owned=OwnedChildren(subject.arm_type, subject.id, subject.owned),
        unseen=subject.unseen,
        open_keys=subject.open_keys,
        scaled_by=subject.scaled_by,
    )


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def _shape(arm_type: str, api_version: str) -> ObjectNode | UnionNode | None:
    found = lookup_nearest(arm_type, api_version)
    return None if found is None else found.type.body


@lru_cache(maxsize=_TYPES_IN_MEMORY)
def _plain_frame(arm_type: str, api_version: str) -> Frame:
    """Return what every resource of a type@version shares."""
    return Frame(
        shape=shape_for(arm_type, api_version),
        facts=table_for(arm_type, api_version),
        owned=OwnedChildren(arm_type, "", ()),
    )


def _absent(desired: DesiredState, *, is_remembered: bool) -> ResourceDiff:
    origin = ChangeOrigin.DRIFT if is_remembered else ChangeOrigin.UNKNOWN
    secrecy = secrecy_of(desired.arm_type, desired.api_version, desired.body)
    whole = FieldChange(
        path=FieldPath(),
        kind=ChangeKind.ADD,
        before=ABSENT,
        after=secrecy.conceal(desired.body, secrecy.shape),
        origin=origin,
    )
    return ResourceDiff(changes=(whole,), state=state_of({origin}))
