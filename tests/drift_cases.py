"""Drift for tests: steps of resources that moved, and the ledgers they make."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.drift.finding import look_at
from engine.drift.ledger import Ledger
from engine.model.change import ChangeOrigin, DiffState, FieldChange
from engine.model.plan import Action, Reason, Step
from tests.builders import build_change, build_diff, build_step

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def moved(path: str = "/properties/minimumTlsVersion", **more: Any) -> FieldChange:
    """Return a place that Azure moved: ``before`` is what it has now, ``after`` what we left there."""
    return build_change(path, **({"origin": ChangeOrigin.DRIFT} | more))


def drifted(name: str = "app", *changes: FieldChange, **more: Any) -> Step:
    """Return the decision to put a storage account right."""
    key = name if "/" in name else f"default/StorageAccount/{name}"
    return build_step(Action.UPDATE, key, changes=changes or (moved(),), reason=Reason.DRIFTED, **more)


def missing(name: str = "app", **more: Any) -> Step:
    """Return the decision to create again what was deleted in Azure."""
    diff = build_diff(state=DiffState.DRIFTED)
    return build_step(Action.CREATE, f"default/StorageAccount/{name}", reason=Reason.DRIFTED, diff=diff, **more)


def ledger_of(*steps: Step, at: datetime = NOON) -> Ledger:
    """Return a ledger that was told of steps."""
    ledger = Ledger()
    for step in steps:
        ledger.note(step.key.identity, look_at(step), at)
    return ledger
