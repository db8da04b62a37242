"""Attaches every guard to the steps of a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from engine.model.hold import Holds
from engine.model.ids import ArmId
from engine.model.plan import Plan, Step
from engine.model.policy import Limits, ObjectPolicy
from engine.model.state import ActualState
from engine.planning.breaker import guard_empty_input, guard_mass_delete
from engine.planning.finding import PlanInput
from engine.planning.guard import DESTRUCTIVE, Surroundings, block, guard_step
from engine.planning.holds import guard_holds
from engine.planning.owners import guard_owner
from engine.planning.removal import find_unowned


def attach_guards(steps: Sequence[Step], data: PlanInput) -> list[Step]:
    """Attach guards of single steps, then the breaker for all of them."""
    owned = _owned(steps, data)
    protected = {b.id for b, _ in data.orphans if b.protect}
    actual = {f.desired.id: f.actual for f in data.findings} | {b.id: a for b, a in data.orphans}
    out = [_guard_one(s, data, owned=owned.keys(), protected=protected, actual=actual.get(s.id)) for s in steps]
    managed = Counter(s.key.namespace for s in (*steps, *data.in_sync))
    breakers = guard_mass_delete(out, managed=managed, owned=owned, limits=data.limits)
    if not breakers and not data.findings and not data.in_sync:
        breakers = guard_empty_input(out, data.limits)
    if not breakers:
        return out
    return [
        block(s, (breakers[s.key.namespace],)) if s.action in DESTRUCTIVE and s.key.namespace in breakers else s
        for s in out
    ]


def holds_back(plan: Plan, holds: Holds, limits: Limits) -> bool:
    """Whether locks or deny assignments have something to say about a plan that was made without them."""
    return any(guard_holds(s, holds, limits) for s in plan.steps if s.requests)


def _guard_one(
    step: Step, data: PlanInput, *, owned: Collection[ArmId], protected: Collection[ArmId], actual: ActualState | None
) -> Step:
    if not step.action.mutates:
        return step
    around = Surroundings(unowned=find_unowned(step, data.contents, owned))
    guards = guard_step(step, _policy(step, protected), data.limits, around)
    held = actual.document.value if actual is not None and actual.document is not None else None
    owners = guard_owner(step, held, owned, data.limits)
    return block(step, (*guards, *owners, *guard_holds(step, data.holds, data.limits)))


def _owned(steps: Sequence[Step], data: PlanInput) -> dict[ArmId, str]:
    """Return every resource of an object, with the object's namespace."""
    owned = {i: key.namespace for i, key in data.others.items()}
    return owned | {s.id: s.key.namespace for s in (*steps, *data.in_sync) if s.id is not None}


def _policy(step: Step, protected: Collection[ArmId]) -> ObjectPolicy:
    """Return the policy of the object, of one that left the input what is remembered of it."""
    return step.desired.policy if step.desired is not None else ObjectPolicy(protect=step.id in protected)
