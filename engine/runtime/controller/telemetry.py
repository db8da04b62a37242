"""Who wants to know what passes see and do."""

from __future__ import annotations

from typing import Protocol

from engine.model.plan import Plan
from engine.model.result import StepResult
from engine.runtime.world import PassResult


class Telemetry(Protocol):
    """Is told; must neither wait nor raise."""

    def planned(self, planned: PassResult, seconds: float, *, is_full: bool) -> None:
        """A pass, over everything or not, has decided, after so long."""
        ...

    def ended(self, result: StepResult) -> None:
        """A write was carried out, or not."""
        ...

    def passed(self, plan: Plan, seconds: float, *, is_full: bool) -> None:
        """A pass is over, after so long."""
        ...
