"""Deletion protection and blast-radius limits, as data on the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from engine.model.ids import ArmId
from engine.model.plan import Action, Guard, Reason, Step
from engine.model.policy import Limits, ObjectPolicy
from schemas.behaviours import is_data_bearing

_DESTRUCTIVE = (Action.DELETE, Action.REPLACE)
_MANY = 2


def guard_step(
    step: Step, policy: ObjectPolicy, limits: Limits, *, unowned: tuple[ArmId, ...] | None = ()
) -> tuple[Guard, ...]:
    """Return what speaks against deleting or replacing this one resource.

    Args:
        step: The decision; only deletes and replaces have guards.
        policy: The object's annotations.
        limits: What this run allows.
        unowned: Contents of a resource group that no object owns; None when they could not be read.
    """
    if any(r.method == "POST" for r in step.requests):
        text = "the deleted resource of this name would be purged for good; --allow-data-loss confirms that"
        return (Guard(name="data-bearing", text=text, blocks=not limits.allow_data_loss),)
    if step.action not in _DESTRUCTIVE:
        return ()
    guards = []
    if policy.protect:
        guards.append(Guard(name="protect", text="trueup.dev/protect is set: remove the annotation first"))
    if is_data_bearing(step.arm_type):
        text = "its data would be lost for good; --allow-data-loss confirms that"
        guards.append(Guard(name="data-bearing", text=text, blocks=not limits.allow_data_loss))
    if unowned is None:
        text = "what the resource group contains could not be read"
        guards.append(Guard(name="unowned-contents", text=text))
    elif unowned:
        names = ", ".join(i.name for i in unowned[:3]) + (f" and {len(unowned) - 3} more" if len(unowned) > 3 else "")
        text = f"the group also holds {names}, which no object asks for; --allow-data-loss deletes them too"
        guards.append(Guard(name="unowned-contents", text=text, blocks=not limits.allow_data_loss))
    return tuple(guards)


def guard_mass_delete(steps: Iterable[Step], managed: int, taken: Mapping[ArmId, int], limits: Limits) -> Guard | None:
    """Return the breaker when a plan deletes too much at once.

    Args:
        steps: All steps of the plan.
        managed: How many resources the input manages.
        taken: Resource group -> how many managed resources go with it.
        limits: Count and share from which deletions wait; both must be reached.
    """
    count = sum(1 + (taken.get(s.id, 0) if s.id is not None else 0) for s in steps if s.action in _DESTRUCTIVE)
    if count < limits.mass_delete_count or count < limits.mass_delete_share * managed:
        return None
    text = f"{count} of {managed} managed resources would be deleted at once; --allow-mass-delete confirms that"
    return Guard(name="mass-delete", text=text, blocks=not limits.allow_mass_delete)


def guard_empty_input(steps: Iterable[Step], limits: Limits) -> Guard | None:
    """Return the breaker when an input without objects would delete several: a wrong folder looks just like that."""
    count = sum(s.action in _DESTRUCTIVE for s in steps)
    if count < _MANY:
        return None
    text = (
        f"the input holds no objects: all {count} that were applied would be deleted; --allow-mass-delete confirms that"
    )
    return Guard(name="mass-delete", text=text, blocks=not limits.allow_mass_delete)


def block(step: Step, guards: tuple[Guard, ...]) -> Step:
    """Attach guards; a guard that blocks turns the step into a blocked one without requests."""
    if not guards:
        return step
    held = (*step.guards, *guards)
    reasons = [g.text for g in guards if g.blocks]
    if not reasons:
        return replace(step, guards=held)
    return replace(
        step, action=Action.BLOCKED, reason=Reason.GUARDED, detail="; ".join(reasons), requests=(), guards=held
    )
