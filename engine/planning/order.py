"""Owners and references first, deletes in reverse: an order of steps, and the cycles that forbid one."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from heapq import heapify, heappop, heappush
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def sort_topologically(
    nodes: Collection[T], edges: Mapping[T, Collection[T]], *, rank: Mapping[T, int]
) -> tuple[tuple[T, ...], tuple[tuple[T, ...], ...]]:
    """Order nodes so that each comes after everything it depends on.

    Args:
        nodes: What to order.
        edges: node -> what it depends on; names outside ``nodes`` are ignored.
        rank: Decides between nodes that are free at the same time; makes the result independent of input order.

    Returns:
        The order, and the cycles found. Members of a cycle and what depends on them come last, by rank.
    """
    known = set(nodes)
    waiting = {n: {d for d in edges.get(n, ()) if d in known and d != n} for n in known}
    dependents: dict[T, list[T]] = {n: [] for n in known}
    for node, needs in waiting.items():
        for need in needs:
            dependents[need].append(node)
    free = [(rank[n], n) for n in known if not waiting[n]]
    heapify(free)
    out: list[T] = []
    while free:
        _, node = heappop(free)
        out.append(node)
        for dependent in dependents[node]:
            waiting[dependent].discard(node)
            if not waiting[dependent]:
                heappush(free, (rank[dependent], dependent))
    left = sorted(known.difference(out), key=lambda n: rank[n])
    return (*out, *left), tuple(_cycles(left, waiting, rank))


def _cycles(left: list[T], waiting: Mapping[T, set[T]], rank: Mapping[T, int]) -> list[tuple[T, ...]]:
    """Follow the lowest-ranked need of each node that is left until a node repeats."""
    cycles: list[tuple[T, ...]] = []
    done: set[T] = set()
    for start in left:
        trail: list[T] = []
        node = start
        while node not in done and node not in trail:
            trail.append(node)
            node = min(waiting[node], key=lambda n: rank[n])
        if node in trail:
            cycles.append(tuple(trail[trail.index(node) :]))
        done.update(trail)
    return cycles
