"""What passes of the controller are made of."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import timedelta

from engine.cluster.breaker import Breaker
from engine.model.policy import Limits
from engine.ports import AuditLog, Clock
from engine.runtime.controller.board import Board
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.exports import Exporter
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.controller.outside import Outside
from engine.runtime.controller.post_checks import PostChecks
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.routing import Credentials
from engine.runtime.controller.store import ControllerStore
from engine.runtime.controller.telemetry import Telemetry
from engine.runtime.executor import ExecutorOptions
from engine.runtime.world import PassResult

LIMITS = Limits(adopt=True, allow_data_loss=True, allow_other_owner=True, cascades=True, mass_delete_count=sys.maxsize)
"""As ASO: what exists is taken over, and who deletes an object means it. The breaker counts over passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the controller may do."""

    endpoint: str
    executor: ExecutorOptions = field(default_factory=lambda: ExecutorOptions(patience=timedelta(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What passes are made of."""

    objects: Objects
    contract: Contract
    store: ControllerStore
    clock: Clock
    queue: WorkQueue
    credentials: Credentials
    audit: AuditLog
    rules: Rules
    corrections: Corrections
    exporter: Exporter
    post_checks: PostChecks
    drift: DriftBook
    board: Board
    operations: Operations
    outside: Outside
    telemetry: Telemetry
    breaker: Breaker = field(default_factory=Breaker)

    def note(self, planned: PassResult, seconds: float, *, is_full: bool) -> None:
        """Tell who keeps books of it what a pass, over everything or not, decided after so long."""
        self.drift.note(planned.plan.steps)
        self.board.note(planned.plan.steps)
        self.telemetry.planned(planned, seconds, is_full=is_full)
