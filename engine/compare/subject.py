"""What is known of a resource beside its bodies, gathered from the states of a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol

from engine.model.document import Body
from engine.model.path import FieldPath, Segment
from engine.model.policy import IgnoreRule
from engine.model.state import ActualState, Baseline, DesiredState

NOTHING_OWNED: Final = frozenset[str]()


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
        scaled_by: The object that sets the resource's capacity; empty when none does.
        leaves_drift: Why drift beside an edit is left alone; empty where it is corrected.
    """

    arm_type: str
    api_version: str
    id: str = ""
    owned: frozenset[str] = NOTHING_OWNED
    secret_key: bytes = b""
    ignore: tuple[IgnoreRule, ...] = ()
    unseen: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    open_keys: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    scaled_by: str = ""
    leaves_drift: str = ""


@dataclass(frozen=True, slots=True)
class RememberedBodies:
    """The parsed baseline.

    Attributes:
        desired: None: only what Azure held is remembered.
        api_version: Of both bodies; empty where it is the one of today.
    """

    desired: Any
    actual: Any
    api_version: str = ""


class Witness(Protocol):
    """Somebody else's memory of what Azure held, which may not show all of a body.

    It is only asked where something differs. The manifest has not changed since, so there are no moves of the user.
    """

    @property
    def is_settled(self) -> bool:
        """Whether the body asked for today was written and led to what was seen: what differs there is known."""

    def held(self) -> Body:
        """Return what was seen."""

    def project(self, body: Body) -> Body:
        """Return a body as it would be seen; list positions stay."""

    def shows(self, place: Sequence[Segment]) -> bool:
        """Whether something could be seen at a place of an actual body."""


Memories = RememberedBodies | Witness


def subject_of(
    desired: DesiredState,
    actual: ActualState,
    *,
    owned: frozenset[str] = NOTHING_OWNED,
    secret_key: bytes = b"",
    today: date | None = None,
) -> Subject:
    """Gather what a comparison needs from the two states."""
    policy = desired.policy
    unseen = frozenset(plain_place(w.path) for w in desired.waits if w.secret_only and w.path is not None)
    return Subject(
        arm_type=desired.arm_type,
        api_version=desired.api_version,
        id=actual.id.text,
        owned=owned,
        secret_key=secret_key,
        ignore=tuple(r for r in policy.ignore if r.until is None or today is None or today <= r.until),
        unseen=unseen,
        open_keys=frozenset(plain_place(path) for path in desired.unknown),
        scaled_by=desired.scaled_by,
        leaves_drift=policy.why_drift_stays,
    )


def remembered_of(baseline: Baseline | None) -> RememberedBodies | None:
    """Return the parsed bodies of a baseline."""
    if baseline is None:
        return None
    return RememberedBodies(baseline.desired.value, baseline.actual.value, baseline.api_version)


def plain_place(path: FieldPath) -> tuple[str, ...]:
    """Return a path as its JSON Pointer's segments."""
    return tuple(s if isinstance(s, str) else str(s if isinstance(s, int) else s.index) for s in path.segments)
