"""What one pass is given and what it gives back: ports, options, result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.desired.identity import ObjectIdentity
from engine.desired.ignore import FleetRule
from engine.desired.owner_graph import SubscriptionOf
from engine.model.ids import ArmId
from engine.model.plan import Plan
from engine.model.policy import Limits
from engine.model.problem import Notice, Problem
from engine.planning.finding import Finding
from engine.ports import AuditLog, BaselineStore, Clock, DesiredSource
from engine.runtime.executor import Azure
from engine.runtime.ledger import NoAuditLog
from engine.runtime.scope import ANY_INPUT, InputScope
from engine.runtime.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The ports of one pass.

    Attributes:
        audit: Where writes leave their trace; without one nothing can be written.
    """

    source: DesiredSource
    azure: Azure
    store: BaselineStore
    clock: Clock
    audit: AuditLog = field(default_factory=NoAuditLog)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOptions:
    """What is asked of a pass.

    Attributes:
        subscription: For objects whose owner chain names none.
        subscription_of: The same for each object, where credentials differ.
        edition: What changes when ``subscription_of`` answers otherwise.
        strict: Refuse what ASO's own tools forgive.
        ignore: Ignore rules for many objects.
        scope: The input as a whole: what another one applied has not left it.
        drift_waits: Objects whose drift is not corrected by this pass, and why.
    """

    endpoint: str
    subscription: str = ""
    subscription_of: SubscriptionOf | None = None
    edition: int = 0
    selection: Selection = field(default_factory=Selection)
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    ignore: tuple[FleetRule, ...] = ()
    scope: InputScope = ANY_INPUT
    drift_waits: Mapping[ObjectIdentity, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What a pass saw and decided.

    Attributes:
        findings: What was compared anew: what is not in sync, and what is if it was to be kept.
        problems: Input that could not be used.
        notices: What the author of the input should know.
        at: When the pass began; None when nobody asked a clock.
        contents: What is in each resource group that the plan may delete.
    """

    plan: Plan
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...] = ()
    notices: tuple[Notice, ...] = ()
    at: datetime | None = None
    contents: Mapping[ArmId, tuple[ArmId, ...]] = field(default_factory=dict)
