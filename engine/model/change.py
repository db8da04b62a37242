"""How one resource differs: changes, what was left out and why, who moved."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.model.document import ABSENT
from engine.model.path import FieldPath
from engine.model.policy import IgnoreRule


class ChangeKind(enum.StrEnum):
    """What the plan would do at the place."""

    ADD = "add"
    REMOVE = "remove"
    CHANGE = "change"
    REORDER = "reorder"


class ChangeOrigin(enum.StrEnum):
    """Who moved since our last settled write; unknown where nothing is remembered."""

    USER = "user"
    DRIFT = "drift"
    BOTH = "both"
    UNKNOWN = "unknown"


class DiffState(enum.StrEnum):
    """The verdict on one resource."""

    IN_SYNC = "in_sync"
    CHANGED = "changed"
    DRIFTED = "drifted"
    CONFLICTED = "conflicted"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One difference, as the plan would mend it.

    Attributes:
        path: Place in the ARM body; list positions are the desired ones, for elements only Azure has the actual one.
        before: Azure now; ABSENT when it has none. Secrets are REDACTED.
        after: Desired now; ABSENT to remove, UNKNOWN when not known yet.
        baseline: Azure as we last left it; ABSENT when nothing is remembered.
        spec_path: The same place in the object, None where it has none.
        sensitive: The values must not be shown.
        rule: The rule or fact that would have hidden it, had nobody moved; empty when none applies.
        is_shortened: Only a print is left of what was remembered here: who moved is told of the part around, and what
            was there is not.
    """

    path: FieldPath
    kind: ChangeKind
    before: Any
    after: Any
    origin: ChangeOrigin
    baseline: Any = ABSENT
    spec_path: FieldPath | None = None
    sensitive: bool = False
    rule: str = ""
    is_shortened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A difference that is no change: the receipt.

    Attributes:
        rule: Name of the rule or fact that decided (``region``, ``arm-id``, ``known-difference`` ...).
        why: One sentence with the source of the rule.
        before, after: Azure now and desired now, for people: secrets are REDACTED.
        held: Azure's value as it is, for a PUT that must send it back; never printed or stored.
        origin: Who moved, where an ignore rule hid it; unknown for what is no difference to begin with.
    """

    path: FieldPath
    rule: str
    why: str
    before: Any = ABSENT
    after: Any = ABSENT
    held: Any = field(default=ABSENT, repr=False, compare=False)
    origin: ChangeOrigin = ChangeOrigin.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who wrote a resource last, as Azure says.

    Attributes:
        by: Name or id of the principal.
        by_type: ``User``, ``Application``, ``ManagedIdentity``, ``Key``; empty when Azure does not say.
        at: With time zone.
    """

    by: str
    by_type: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDiff:
    """All differences of one resource, sorted by path.

    Attributes:
        last_modified: Who made the drift; None without drift, and where it cannot be told from our own writes.
        ignores: Ignore rules that name a difference, whether it counts without them or not.
    """

    changes: tuple[FieldChange, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    state: DiffState = DiffState.IN_SYNC
    last_modified: Attribution | None = None
    ignores: tuple[IgnoreRule, ...] = ()


IN_SYNC = ResourceDiff()
