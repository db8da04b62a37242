"""Deletes in reverse, and what goes with a deleted parent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Guard, Reason, Step
from engine.planning.guard import block

_GROUP_TYPE = "microsoft.resources/resourcegroups"


def find_unowned(
    step: Step, contents: Mapping[ArmId, tuple[ArmId, ...]], owned: Collection[ArmId]
) -> tuple[ArmId, ...] | None:
    """Return what a deleted or replaced resource group holds that no object asks for.

    Returns:
        Sorted ids; empty for other steps; None when the contents could not be read.
    """
    if step.action not in (Action.DELETE, Action.REPLACE) or step.arm_type.lower() != _GROUP_TYPE or step.id is None:
        return ()
    held = contents.get(step.id)
    if held is None:
        return None
    return tuple(sorted(i for i in held if i not in owned and not any(i.is_within(o) for o in owned if o != step.id)))


def cascade_deletes(
    steps: Sequence[Step],
    *,
    settled: Sequence[Step] = (),
    others: Mapping[ArmId, ResourceKey] | None = None,
    takes_all: bool = False,
) -> list[Step]:
    """Let children go with a deleted ancestor, and hold an ancestor back while a child must stay.

    A child whose resource group or parent is deleted in the same plan sends no request of its own. An ancestor
    with a child that is blocked, or that stays wanted, is blocked too: its DELETE would take the child along.

    Args:
        steps: Decided steps in any order.
        settled: Steps of resources in sync, which stay wanted.
        others: Resources of objects that this run does not decide about; they stay wanted too.
        takes_all: Who deletes an ancestor means everything in it; only what is protected holds it back.
    """
    out = list(steps)
    deleted = sorted((s.id for s in steps if s.action is Action.DELETE and s.id), key=lambda i: len(i.key))
    if not deleted:
        return out
    for resource in reversed(deleted):
        inside = [s for s in (*out, *settled) if s.id is not None and s.id.is_within(resource)]
        if takes_all:
            kept = [s.key for s in inside if s.desired is not None and s.desired.policy.protect]
        else:
            kept = [s.key for s in inside if must_stay(s)]
            kept += [key for i, key in (others or {}).items() if i.is_within(resource)]
        if kept:
            names = ", ".join(map(str, kept[:3])) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
            guard = Guard(
                name="unowned-contents",
                text=f"it holds {names}, which must stay",
                effect="the delete would take that along",
                allow="let go of what it holds first: its own step says what keeps it",
            )
            out = [block(s, (guard,)) if s.id == resource and s.action is Action.DELETE else s for s in out]
    gone = {s.id: s for s in out if s.action is Action.DELETE and s.id}
    return [_follow_ancestor(s, gone) for s in out]


def must_stay(step: Step) -> bool:
    """Whether the resource of a step is there and is not to go with what holds it.

    1. What is deleted anyway, or does not exist yet, may go.
    2. What is forgotten because it is gone, or because Azure cannot delete it alone, may go.
    3. What was detached or is skipped stays, and so does everything that is still wanted.
    """
    if step.action in (Action.DELETE, Action.CREATE):
        return False
    if step.action is Action.FORGET:
        return step.reason is Reason.DETACHED
    return step.action is not Action.WAIT or bool(step.precondition.actual_hash)


def _follow_ancestor(step: Step, gone: Mapping[ArmId, Step]) -> Step:
    if step.action is not Action.DELETE or step.id is None:
        return step
    ancestor = next((a for i, a in sorted(gone.items(), key=lambda g: len(g[0].key)) if step.id.is_within(i)), None)
    if ancestor is None:
        return step
    return replace(step, requests=(), depends_on=(ancestor.key,), detail=f"goes with {ancestor.key}")
