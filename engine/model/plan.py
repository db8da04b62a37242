"""Decisions: one step per resource, printable and complete before anything happens."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import Any

from engine.model.change import FieldChange, ResourceDiff
from engine.model.ids import ApiVersion, ArmId, Generation, PlanId, ResourceKey
from engine.model.state import DesiredState, Wait


class Action(enum.StrEnum):
    """What a step does to one resource."""

    NOOP = "noop"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    FORGET = "forget"
    WAIT = "wait"
    SKIP = "skip"
    BLOCKED = "blocked"
    UNREADABLE = "unreadable"

    @property
    def mutates(self) -> bool:
        """Whether the action writes to ARM; observe-only plans have none. ADOPT only shows what --adopt would do."""
        return self in _MUTATING

    @property
    def symbol(self) -> str:
        """Return the sign in rendered plans."""
        return _SYMBOLS[self]


_MUTATING = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE})
_SYMBOLS = {
    Action.NOOP: "=",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.ADOPT: "<",
    Action.FORGET: ".",
    Action.WAIT: ">",
    Action.SKIP: "*",
    Action.BLOCKED: "!",
    Action.UNREADABLE: "?",
}


class Reason(enum.StrEnum):
    """Why a step is what it is. For readers; nothing may branch on it later."""

    IN_SYNC = "InSync"
    MISSING = "Missing"
    SPEC_CHANGED = "SpecChanged"
    DRIFTED = "Drifted"
    CONFLICTED = "Conflicted"
    DIFFERS = "Differs"
    NOT_SETTLED = "NotSettled"
    IMMUTABLE_CHANGE = "ImmutableChange"
    NO_LONGER_IN_INPUT = "NoLongerInInput"
    OBJECT_DELETED = "ObjectDeleted"
    POLICY_SKIP = "PolicySkip"
    DRIFT_POLICY = "DriftPolicy"
    DETACHED = "Detached"
    WAITING_FOR_OWNER = "WaitingForOwner"
    WAITING_FOR_REFERENCE = "WaitingForReference"
    WAITING_FOR_INPUT = "WaitingForInput"
    DEPENDENCY_BLOCKED = "DependencyBlocked"
    GUARDED = "Guarded"
    UNREADABLE = "Unreadable"
    NOT_CONVERGING = "NotConverging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request to ARM.

    Attributes:
        url: Absolute, with api-version.
        body: JSON with Secret values possible; ABSENT (None is null) when there is none.
    """

    method: str
    url: str
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """One reason for which a step may not run, as data.

    Attributes:
        name: protect, data-bearing, purge, subscription, mass-delete, unowned-contents, children, replace, lock,
            deny-assignment, other-owner or not-converging.
        text: What was found.
        effect: What would happen; empty where the finding says it.
        allow: The exact way to let the step go on once.
        allowed_by: The option or annotation that let it go on; empty where it blocks, and for mere warnings.
        blocks: False is a warning only.
    """

    name: str
    text: str
    effect: str = ""
    allow: str = ""
    allowed_by: str = ""
    blocks: bool = True

    @property
    def sentence(self) -> str:
        """Return what was found and what would happen."""
        return f"{self.text}; {self.effect}" if self.effect else self.text

    def allowed(self, option: str) -> Guard:
        """Return the guard as a warning that this option let pass."""
        return replace(self, blocks=False, allowed_by=option)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPrint:
    """A secret that a saved step sends, without the secret.

    Attributes:
        pointer: Place in the body of the request.
        source: Where it is read (``Secret web/database, key password``); empty: in the object itself, or in Azure.
        mark: A hash that fits this plan only.
    """

    pointer: str
    source: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """What must still hold when a saved step is applied.

    Attributes:
        desired_hash: Of the bodies to be sent, secrets masked; only saved plans have it.
        secrets: What the masked places hold; only saved plans have them.
    """

    generation: Generation = Generation(0)
    etag: str = ""
    actual_hash: str = ""
    desired_hash: str = ""
    secrets: tuple[SecretPrint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The decision about one resource: enough to print, audit or refuse it without another look-up.

    Attributes:
        requests: In order; empty when nothing is sent. A replace has two.
        fallback: The PUT that is sent once if Azure refuses the PATCH; None for other requests.
        diff: Empty for resources that are absent or unreadable.
        depends_on: Steps (by object) that must have succeeded before this one starts.
        notes: Short sentences for the reader (``secret not compared``).
        waits: What must be known before it can be written; kept here so that a saved plan can still say it.
        desired: None when the object left the input.
    """

    key: ResourceKey
    id: ArmId | None
    arm_type: str
    api_version: ApiVersion
    action: Action
    reason: Reason
    detail: str = ""
    requests: tuple[Request, ...] = ()
    fallback: Request | None = None
    diff: ResourceDiff = field(default_factory=ResourceDiff)
    precondition: Precondition = field(default_factory=Precondition)
    depends_on: tuple[ResourceKey, ...] = ()
    guards: tuple[Guard, ...] = ()
    notes: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    desired: DesiredState | None = None
    origin: str = ""

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """Return what differs."""
        return self.diff.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Requests of one kind against what ARM grants one caller in one subscription.

    Attributes:
        kind: reads, writes or deletes.
        requests: Of reads those that follow writes, as many as recordings needed; writes and deletes are exact.
        at_once: How many a rested caller may send in one go ...
        per_s: ... and how many a second after that.
    """

    kind: str
    requests: int
    at_once: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """How long carrying out the plan will take, and what says so.

    Attributes:
        expected_s: Along the longest path, each write at its median; never less than the limits allow.
        slow_s: The same with each write as slow as one of ten.
        path: Objects of the longest path, in order.
        recordings: Recorded writes behind the times on the path.
        assumed: Objects on the path of whose type there is no recording: the middle of all types stands for them.
    """

    expected_s: float
    slow_s: float
    path: tuple[ResourceKey, ...]
    recordings: int = 0
    assumed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the plan spends and how long ARM's own limits make that last (seconds).

    Attributes:
        spending: One entry per kind; empty when nothing is sent.
        expectation: None when nothing is sent.
    """

    writes: int = 0
    deletes: int = 0
    floor_s: float = 0.0
    spending: tuple[Spending, ...] = ()
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in an order that respects ``depends_on``.

    Attributes:
        complete: False when something could not be read or rendered; such a plan is for reading only.
        problems: Why it is not complete, one sentence each.
        allowed: What the run was told to let pass: options as they were given. Guards name the one that let them.
    """

    steps: tuple[Step, ...]
    complete: bool
    id: PlanId = PlanId("")
    problems: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    allowed: tuple[str, ...] = ()

    @property
    def appliable(self) -> bool:
        """Whether there is anything to do and it is safe to do it."""
        return self.complete and any(s.action.mutates for s in self.steps)
