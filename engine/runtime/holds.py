"""What a plan needs to know of Azure beside its resources: contents of groups, locks, deny assignments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId
from engine.model.plan import Plan, Step
from engine.planning.finding import PlanInput
from engine.planning.guard import DESTRUCTIVE
from engine.planning.guarding import holds_back
from engine.planning.planner import build_plan
from engine.ports import ActualSource


async def heed_holds(azure: ActualSource, plan: Plan, data: PlanInput) -> Plan:
    """Ask for locks and deny assignments where the plan would send something, and plan again if they matter."""
    holds = await read_holds(azure, plan)
    return build_plan(replace(data, holds=holds)) if holds_back(plan, holds, data.limits) else plan


async def read_contents(azure: ActualSource, groups: Iterable[ArmId]) -> dict[ArmId, tuple[ArmId, ...]]:
    """List resource groups; those that cannot be read are left out."""
    out: dict[ArmId, tuple[ArmId, ...]] = {}
    for group in sorted(groups):
        held = await azure.list_children(group)
        if held is not None:
            out[group] = tuple(held)
    return out


async def read_holds(azure: ActualSource, plan: Plan) -> Holds:
    """Return what may hold back the plan's requests; nothing is read for a plan without any.

    Where the list of a subscription is refused, the groups of what is to be deleted are asked.
    """
    found = Holds()
    steps = [s for s in plan.steps if s.requests and s.action.mutates and s.id is not None]
    for subscription in sorted({s.id.subscription.lower() for s in steps if s.id is not None and s.id.subscription}):
        scope = ArmId(f"/subscriptions/{subscription}")
        for kind in HoldKind:
            held = await azure.list_holds(scope, kind)
            if held.unread:
                groups = _groups_of_deletes(steps, subscription)
                held = await _read_groups(azure, groups, kind) if groups else held
            found += held
    return found


async def _read_groups(azure: ActualSource, groups: Iterable[ArmId], kind: HoldKind) -> Holds:
    found = Holds()
    for group in groups:
        found += await azure.list_holds(group, kind)
    return found


def _groups_of_deletes(steps: Iterable[Step], subscription: str) -> list[ArmId]:
    """Return the resource groups in which something is to be deleted or replaced."""
    ids = [s.id for s in steps if s.action in DESTRUCTIVE and s.id is not None]
    inside = [i for i in ids if i.resource_group and i.subscription.lower() == subscription]
    return sorted({ArmId("/" + "/".join(i.segments[:4])) for i in inside})
