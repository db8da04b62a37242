"""A saved plan against a fresh one: what may still be carried out, and never more than was planned."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.model.document import canonical, encode_wire
from engine.model.ids import PlanId, ResourceKey
from engine.model.plan import Action, Plan, Reason, Request, SecretPrint, Step
from engine.model.policy import Limits
from engine.planning.budget import compute_budget
from engine.planning.depend import hold_dependents
from engine.planning.moved import Marks, describe_moves, find_secrets

_DONE = {True: (Action.FORGET,), False: (Action.NOOP,)}
"""What a fresh plan says of a resource whose planned delete, or planned write, was carried out already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleStep:
    """A saved step that must not be carried out, and what moved."""

    key: ResourceKey
    moved: str


def seal(plan: Plan) -> Plan:
    """Return the plan with hashes of what its requests carry, so that a saved copy can be checked later.

    Bodies are hashed with their secrets masked; each secret has a mark of its own. Both fit this plan only.
    """
    marks = Marks(plan.id)
    return replace(plan, steps=tuple(_seal_step(s, marks) for s in plan.steps))


def _seal_step(step: Step, marks: Marks) -> Step:
    secrets = marks.of(step) if step.action.mutates else ()
    mark = _hash((canonical(r.body) for r in _with_bodies(step)), marks.plan_id)
    return replace(step, precondition=replace(step.precondition, desired_hash=mark, secrets=secrets))


def restrict(fresh: Plan, saved: Plan) -> tuple[Plan, tuple[StaleStep, ...]]:
    """Keep of a fresh plan only what the saved one says too.

    Returns:
        The plan to carry out, and the saved steps that are stale: object, secret or Azure moved since.
        Those are blocked, with what depends on them. What is done already is left as it is.
    """
    wanted = {s.key.identity: s for s in saved.steps}
    marks = Marks(saved.id)
    steps, stale = [], []
    for step in fresh.steps:
        planned = wanted.pop(step.key.identity, None)
        moved = _what_moved(step, planned, marks) if planned is not None and planned.action.mutates else ""
        if moved:
            stale.append(StaleStep(key=step.key, moved=moved))
        steps.append(_restrict_step(step, planned, moved))
    for n, kept in _taken_along(fresh.steps, steps):
        moved = f"it holds {kept}, which is not as it was planned and would go with it"
        stale.append(StaleStep(key=steps[n].key, moved=moved))
        steps[n] = _restrict_step(steps[n], None, moved)
    left = [s for s in wanted.values() if s.action.mutates and s.action is not Action.DELETE]
    stale += [StaleStep(key=s.key, moved="its object is no longer in the input") for s in left]
    held = hold_dependents(tuple(steps))
    return replace(fresh, steps=held, id=saved.id, budget=compute_budget(held, Limits())), tuple(stale)


def _taken_along(fresh: Sequence[Step], restricted: Sequence[Step]) -> list[tuple[int, ResourceKey]]:
    """Return the steps that delete what the saved plan does not let go of: by position, with the first such resource.

    What is deleted with its parent, or created again after it, has no request that could be left out.
    """
    kept = [
        was
        for was, now in zip(fresh, restricted, strict=True)
        if was is not now and was.id is not None and was.precondition.actual_hash
    ]
    out = []
    for n, step in enumerate(restricted if kept else ()):
        if step.action in (Action.DELETE, Action.REPLACE) and step.requests and step.id is not None:
            inside = [k.key for k in kept if k.id is not None and k.id.is_within(step.id) and k.id != step.id]
            out += [(n, inside[0])] if inside else []
    return out


def _restrict_step(step: Step, saved: Step | None, moved: str) -> Step:
    if moved:
        detail = f"the saved plan is stale: {moved}; plan again"
        return replace(step, action=Action.BLOCKED, reason=Reason.GUARDED, detail=detail, requests=(), fallback=None)
    if step.action.mutates and (saved is None or not saved.action.mutates):
        return replace(step, action=Action.SKIP, detail="not part of the saved plan", requests=(), fallback=None)
    return step


def _what_moved(step: Step, saved: Step, marks: Marks) -> str:
    """Return in words what is not as it was planned; empty where the step may go on, or is done already."""
    if step.action is Action.UNREADABLE or step.action in _DONE[saved.action is Action.DELETE]:
        return ""
    told = describe_moves(step, saved)
    if step.action is not saved.action:
        why = f" ({step.detail})" if step.detail and step.detail not in told else ""
        told = (*told, f"planned was {saved.action}, now it is {step.action}{why}")
    return "; ".join((*told, *_moved_secrets(step, saved, marks))) if told else _secrets_text(step, saved, marks)


def _secrets_text(step: Step, saved: Step, marks: Marks) -> str:
    return "; ".join(_moved_secrets(step, saved, marks))


def _moved_secrets(step: Step, saved: Step, marks: Marks) -> tuple[str, ...]:
    """Return which secrets have another value than at planning time, one sentence each."""
    if not saved.precondition.secrets:
        return _moved_unmarked(step, saved, marks.plan_id)
    then = {s.pointer: s for s in saved.precondition.secrets}
    now = marks.of(step)
    moved = [s for s in now if s.pointer in then and then[s.pointer].mark != s.mark]
    return tuple(dict.fromkeys(f"{_name_of(s)} changed since" for s in moved))


def _name_of(secret: SecretPrint) -> str:
    return secret.source or f"the secret at {secret.pointer}"


def _moved_unmarked(step: Step, saved: Step, plan_id: PlanId) -> tuple[str, ...]:
    """Compare secrets by the one hash over all that files without marks have."""
    if not any(find_secrets(r.body) for r in _with_bodies(step)):
        return ()
    mark = _hash((encode_wire(r.body) for r in _with_bodies(step)), plan_id)
    return () if mark == saved.precondition.desired_hash else ("a secret of the object changed since",)


def _with_bodies(step: Step) -> tuple[Request, ...]:
    return tuple(r for r in step.requests if r.method != "DELETE")


def _hash(bodies: Iterable[bytes], plan_id: PlanId) -> str:
    found: list[Any] = list(bodies)
    if not found:
        return ""
    digest = hashlib.blake2b(key=plan_id.encode()[:64], digest_size=16)
    for body in found:
        digest.update(body)
    return digest.hexdigest()
