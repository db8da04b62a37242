"""A saved plan against a fresh one: what may still be carried out, and never more than was planned."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from engine.model.document import canonical, encode_wire
from engine.model.ids import PlanId, ResourceKey
from engine.model.plan import Action, Plan, Reason, Request, Step
from engine.planning.depend import hold_dependents

_DONE = {True: (Action.FORGET,), False: (Action.NOOP,)}
"""What a fresh plan says of a resource whose planned delete, or planned write, was carried out already."""


def seal(plan: Plan) -> Plan:
    """Return the plan with hashes of what its requests carry, so that a saved copy can be checked later.

    The hash covers secrets too. Its key is made from the plan's id: it fits this plan only.
    """
    steps = tuple(replace(s, precondition=replace(s.precondition, desired_hash=_hash(s, plan.id))) for s in plan.steps)
    return replace(plan, steps=steps)


def restrict(fresh: Plan, saved: Plan) -> tuple[Plan, tuple[ResourceKey, ...]]:
    """Keep of a fresh plan only what the saved one says too.

    Returns:
        The plan to carry out, and the objects whose saved step is stale: object, Azure or request moved since.
        Those are blocked, with what depends on them. What is done already is left as it is.
    """
    wanted = {s.key.identity: s for s in saved.steps}
    steps, stale = [], []
    for step in fresh.steps:
        planned = wanted.pop(step.key.identity, None)
        moved = _what_moved(step, planned, saved.id) if planned is not None and planned.action.mutates else ""
        if moved:
            stale.append(step.key)
        steps.append(_restrict_step(step, planned, moved))
    stale += [s.key for s in wanted.values() if s.action.mutates and s.action is not Action.DELETE]
    return replace(fresh, steps=hold_dependents(tuple(steps)), id=saved.id), tuple(stale)


def _restrict_step(step: Step, saved: Step | None, moved: str) -> Step:
    if moved:
        detail = f"the saved plan is stale: {moved}; plan again"
        return replace(step, action=Action.BLOCKED, reason=Reason.GUARDED, detail=detail, requests=(), fallback=None)
    if step.action.mutates and (saved is None or not saved.action.mutates):
        return replace(step, action=Action.SKIP, detail="not part of the saved plan", requests=(), fallback=None)
    return step


def _what_moved(step: Step, saved: Step, plan_id: PlanId) -> str:
    """Return in words what is not as it was planned; empty where the step may go on, or is done already."""
    if step.action is Action.UNREADABLE or step.action in _DONE[saved.action is Action.DELETE]:
        return ""
    if step.action is not saved.action:
        return f"planned was {saved.action}, now it is {step.action}"
    if step.precondition.actual_hash != saved.precondition.actual_hash:
        return "Azure moved since"
    if [_public(r) for r in step.requests] != [_public(r) for r in saved.requests]:
        return "the object changed since"
    if _hash(step, plan_id) != saved.precondition.desired_hash:
        return "a secret of the object changed since"
    return ""


def _public(request: Request) -> tuple[str, str, bytes]:
    return (request.method, request.url, canonical(request.body))


def _hash(step: Step, plan_id: PlanId) -> str:
    bodies = [r for r in step.requests if r.method != "DELETE"]
    if not bodies:
        return ""
    digest = hashlib.blake2b(key=plan_id.encode()[:64], digest_size=16)
    for request in bodies:
        digest.update(encode_wire(request.body))
    return digest.hexdigest()
