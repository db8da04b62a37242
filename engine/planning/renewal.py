"""What a replace takes with it: children are created again, and one that must stay keeps its parent as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.model.change import DiffState, ResourceDiff
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Guard, Reason, Step
from engine.model.policy import Limits
from engine.model.state import ActualState, Presence
from engine.planning.finding import Finding
from engine.planning.guard import DATA_LOSS, block
from schemas.behaviours import why_data_bearing

_LEAVING = (Action.DELETE, Action.CREATE)
_NAMED = 3


def renew_children(
    steps: Sequence[Step],
    settled: Sequence[Step],
    limits: Limits,
    *,
    again: Callable[[Finding], Step],
    others: Mapping[ArmId, ResourceKey] | None = None,
) -> tuple[list[Step], list[Step]]:
    """Plan anew what lies in replaced resources.

    Args:
        steps: Decided and guarded steps in any order.
        settled: Steps of resources in sync.
        limits: What this run allows.
        again: Returns the step of a finding.
        others: Resources of objects that this run does not decide about; they must stay.

    Returns:
        Both lists, with the steps of children that are to be created again in the first.
    """
    replaced = sorted((s.id for s in steps if s.action is Action.REPLACE and s.id), key=lambda i: len(i.key))
    out, rest = list(steps), list(settled)
    for resource in replaced:
        inside = [s for s in (*out, *rest) if s.id is not None and s.id.is_within(resource) and _is_lost(s)]
        renewed = {s.key.identity: _renew(s, again) for s in inside}
        kept = [s.key for s in inside if not _may_go(s, renewed[s.key.identity])]
        kept += [key for i, key in (others or {}).items() if i.is_within(resource)]
        guards = _guards(kept, [s.key for s in inside if why_data_bearing(s.arm_type)], limits)
        if guards:
            out = [block(s, guards) if s.id == resource else s for s in out]
        if any(g.blocks for g in guards):
            continue
        out = [renewed.pop(s.key.identity, s) for s in out]
        rest = [s for s in rest if s.key.identity not in renewed]
        out += renewed.values()
    return out, rest


def _is_lost(step: Step) -> bool:
    return step.action not in _LEAVING and (step.action is not Action.FORGET or step.reason is Reason.DETACHED)


def _renew(step: Step, again: Callable[[Finding], Step]) -> Step:
    """Return the step as if nothing were there; the same step where no object asks for the resource."""
    if step.desired is None or step.id is None:
        return step
    absent = ActualState(id=step.id, presence=Presence.ABSENT)
    fresh = again(Finding(desired=step.desired, actual=absent, diff=ResourceDiff(state=DiffState.CHANGED)))
    return replace(fresh, detail="it goes with what holds it, which is replaced, and is created again")


def _guards(kept: Sequence[ResourceKey], lost: Sequence[ResourceKey], limits: Limits) -> tuple[Guard, ...]:
    """Return what speaks against taking children along: some must stay, some hold data."""
    guards = []
    if kept:
        guards.append(
            Guard(
                name="children",
                text=f"it holds {_names(kept)}, which must stay",
                effect="the replace would delete that",
                allow="let go of what it holds first: its own step says what keeps it",
            )
        )
    if lost:
        found = Guard(
            name="children",
            text=f"it holds the data of {_names(lost)}",
            effect="that would be lost for good",
            allow=f"pass {DATA_LOSS}",
        )
        guards.append(found.allowed(DATA_LOSS) if limits.allow_data_loss else found)
    return tuple(guards)


def _may_go(step: Step, fresh: Step) -> bool:
    protected = step.desired is not None and step.desired.policy.protect
    return fresh.action is Action.CREATE and step.action not in (Action.ADOPT, Action.UNREADABLE) and not protected


def _names(keys: Sequence[ResourceKey]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(map(str, keys[:_NAMED])) + more
