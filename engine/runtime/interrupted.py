"""What a plan says of resources whose last write an earlier run sent without ever seeing its answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.model.ids import ArmId
from engine.model.plan import Action, Plan, Step

_AGAIN = "an earlier run never learned what became of its write; Azure shows nothing of it, so it is sent once more"
_STOPPED = "an earlier run never learned what became of its write; what is planned is what is left to do"


def with_interrupted(plan: Plan, interrupted: Collection[ArmId]) -> Plan:
    """Return the plan with a note on each step that writes what an earlier run may have written."""
    if not interrupted:
        return plan
    return replace(plan, steps=tuple(_noted(s) if s.id in interrupted else s for s in plan.steps))


def _noted(step: Step) -> Step:
    if not step.action.mutates:
        return step
    return replace(step, notes=(*step.notes, _AGAIN if step.action is Action.CREATE else _STOPPED))
