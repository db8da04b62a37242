"""The condition ``Drifted``, beside the Ready condition of ASO: whether Azure is as we left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from engine.cluster.condition import Condition, Severity
from engine.model.plan import Action, Step
from engine.model.policy import DriftPolicy
from engine.reporting.summary import has_drifted, left_alone

DRIFTED: Final = "Drifted"
_NAMED: Final = 3
_SILENT: Final = (Action.WAIT, Action.UNREADABLE, Action.DELETE, Action.FORGET)
"""Of these it is not known, or not of interest, whether anything moved."""


def drifted_of_step(step: Step, generation: int) -> Condition | None:
    """Return what a decision says of drift; None where it says nothing."""
    if step.action in _SILENT:
        return None
    policy = step.desired.policy.drift if step.desired is not None else DriftPolicy.CORRECT
    if policy is DriftPolicy.IGNORE or not has_drifted(step):
        return not_drifted(generation)
    places = [c.path.text for c in step.changes] + [s.path.text for s in left_alone(step)]
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    message = f"Azure was changed at {', '.join(places[:_NAMED])}{more}" if places else "It was deleted in Azure"
    return Condition(
        type=DRIFTED,
        status="True",
        severity=Severity.WARNING,
        reason="DriftDetected",
        message=message,
        observed_generation=generation,
    )


def not_drifted(generation: int) -> Condition:
    """Azure is as we left it."""
    return Condition(type=DRIFTED, status="False", reason="InSync", observed_generation=generation)


def put_drifted(others: tuple[Any, ...], said: Condition | None, now: datetime) -> tuple[Any, ...]:
    """Return the conditions beside Ready with what is said of drift; the very same ones where that changes nothing.

    An object that never drifted has no such condition: in steady state nothing is written for it. The generation alone
    is no news.
    """
    held = next((c for c in others if isinstance(c, Mapping) and c.get("type") == DRIFTED), None)
    if said is None or (held is None and not said.is_true):
        return others
    if held is not None and all(held.get(m, "") == said.to_wire().get(m, "") for m in ("status", "reason", "message")):
        return others
    since = now.astimezone(UTC).replace(microsecond=0)
    keeps = held is not None and held.get("status") == said.status
    wire = replace(said, since=since).to_wire()
    if keeps and held is not None and "lastTransitionTime" in held:
        wire["lastTransitionTime"] = held["lastTransitionTime"]
    return (*(c for c in others if c is not held), wire)
