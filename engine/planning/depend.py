"""Which step waits for which: dependencies inside the plan, what a blocked step blocks, cycles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from engine.model.ids import ResourceKey
from engine.model.plan import Action, Reason, Step
from engine.planning.order import sort_topologically

Identity = tuple[str, str, str, str]
_HOLDING = (Action.BLOCKED, Action.WAIT)


def arrange(
    steps: Sequence[Step],
    *,
    settled: Sequence[Step],
    users: Mapping[Identity, Collection[Identity]] | None = None,
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Order steps, keep only dependencies inside the plan, and hold back what depends on a held step.

    Args:
        steps: Decided steps in any order.
        settled: Steps of resources in sync; they come first and depend on nothing.
        users: What is to be deleted -> what named it last, which comes before it wherever that makes no cycle.

    Returns:
        All steps in an order that respects ``depends_on``, and one sentence per cycle found.
    """
    first = sorted(settled, key=lambda s: s.key.identity)
    if not steps:
        return tuple(first), ()
    ranked = sorted(steps, key=_rank)
    known = {s.key.identity: s.key for s in (*settled, *ranked)}
    deletes = {s.key.identity for s in ranked if s.action is Action.DELETE}
    edges = {s.key.identity: _needs(s, known, deletes) for s in ranked}
    for step in ranked:
        if step.key.identity in deletes and step.requests:
            _reverse(step, edges, deletes)
            for user in sorted((users or {}).get(step.key.identity, ())):
                if user in edges and not _reaches(user, step.key.identity, edges):
                    edges[step.key.identity].add(user)
    rank = {s.key.identity: n for n, s in enumerate(ranked)}
    order, cycles = sort_topologically(list(rank), edges, rank=rank)
    looped = {member: cycle for cycle in cycles for member in cycle}
    by_identity = {s.key.identity: s for s in ranked}
    done: dict[Identity, Step] = {}
    for identity in order:
        needs = tuple(sorted(known[i] for i in edges[identity]))
        step = replace(by_identity[identity], depends_on=needs)
        cycle = looped.get(identity)
        done[identity] = _block_cycle(step, cycle, known) if cycle else _hold(step, done)
    texts = tuple("a cycle of references: " + _chain(c, known) for c in cycles)
    return (*first, *done.values()), texts


def hold_dependents(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Hold back what needs a held step, once more, after steps of an arranged plan were held."""
    done: dict[Identity, Step] = {}
    for step in steps:
        done[step.key.identity] = _hold(step, done)
    return tuple(done.values())


def _rank(step: Step) -> tuple[bool, str, Identity]:
    """Deletes last; then by id, so that a resource group's members stand together."""
    return (step.action is Action.DELETE, step.id.key if step.id is not None else "~", step.key.identity)


def _needs(step: Step, known: dict[Identity, ResourceKey], deletes: set[Identity]) -> set[Identity]:
    """Return what the step waits for; a delete waits for what uses it, not for what it uses."""
    mine = {k.identity for k in step.depends_on} & known.keys()
    if step.key.identity in deletes and step.requests:
        return set()
    return mine


def _reverse(step: Step, edges: dict[Identity, set[Identity]], deletes: set[Identity]) -> None:
    for need in step.depends_on:
        if need.identity in deletes:
            edges[need.identity].add(step.key.identity)


def _reaches(start: Identity, goal: Identity, edges: Mapping[Identity, Collection[Identity]]) -> bool:
    """Whether a step waits for another one, be it by way of others."""
    ahead, seen = [start], {start}
    while ahead:
        for need in edges.get(ahead.pop(), ()):
            if need == goal:
                return True
            if need not in seen:
                seen.add(need)
                ahead.append(need)
    return False


def _hold(step: Step, done: dict[Identity, Step]) -> Step:
    """Block or wait where a needed step does; unreadable needs hold only what does not exist yet."""
    if not step.action.mutates:
        return step
    for need in step.depends_on:
        other = done.get(need.identity)
        if other is None:
            continue
        if other.action is Action.DELETE and step.action is not Action.DELETE:
            detail = f"{other.key}, which it needs, is being deleted"
            return replace(
                step, action=Action.BLOCKED, reason=Reason.DEPENDENCY_BLOCKED, detail=detail, requests=(), fallback=None
            )
        if other.action in _HOLDING or (other.action is Action.UNREADABLE and step.action is Action.CREATE):
            action = Action.WAIT if other.action is Action.WAIT else Action.BLOCKED
            words = {Action.WAIT: "waits", Action.BLOCKED: "is blocked"}.get(other.action, "could not be read")
            return replace(
                step,
                action=action,
                reason=Reason.DEPENDENCY_BLOCKED,
                detail=f"{other.key}, which it needs, {words}",
                requests=(),
            )
    return step


def _block_cycle(step: Step, cycle: tuple[Identity, ...], known: dict[Identity, ResourceKey]) -> Step:
    if not step.action.mutates:
        return step
    return replace(
        step,
        action=Action.BLOCKED,
        reason=Reason.DEPENDENCY_BLOCKED,
        detail=f"a cycle of references: {_chain(cycle, known)}",
        requests=(),
    )


def _chain(cycle: tuple[Identity, ...], known: dict[Identity, ResourceKey]) -> str:
    return " -> ".join(str(known[i]) for i in (*cycle, cycle[0]))
