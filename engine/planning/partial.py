"""What may be carried out of a plan in which something is not known."""

from __future__ import annotations

from dataclasses import replace

from engine.model.plan import Action, Plan, Reason, Step
from engine.model.policy import Limits
from engine.planning.budget import compute_budget
from engine.planning.depend import hold_dependents
from engine.planning.patch import has_unknown


def without_unreadable(plan: Plan) -> Plan:
    """Return the plan as complete: steps of unreadable resources stay and send nothing.

    What needs an unreadable resource to be created is blocked already (``arrange``).
    """
    return replace(plan, complete=True)


def without_unknown(plan: Plan) -> Plan:
    """Return the plan with steps held back whose request holds a value that is not known here.

    Without a Secret a plan can still show that a resource would be written; sending it needs the value.
    """
    if not any(_is_unknown(step) for step in plan.steps):
        return plan
    steps = hold_dependents(tuple(_held(s) if _is_unknown(s) else s for s in plan.steps))
    return replace(plan, steps=steps, budget=compute_budget(steps, Limits()))


def _is_unknown(step: Step) -> bool:
    return step.action.mutates and any(has_unknown(r.body) for r in step.requests)


def _held(step: Step) -> Step:
    detail = "; ".join(dict.fromkeys(w.text for w in step.waits)) or "a value of it is not known"
    return replace(step, action=Action.WAIT, reason=Reason.WAITING_FOR_INPUT, detail=detail, requests=(), fallback=None)
