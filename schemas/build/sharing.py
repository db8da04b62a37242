"""Gives equal shapes one identity, recursive ones included, so that each is stored once.

Two nodes are equal when nothing that can be reached from them differs (bisimulation). Identity is a digest: of the
node's own content and its children's digests where the graph has no cycle; inside a cycle, of what can be seen within
twice as many steps as the cycle has distinct nodes, which is enough to tell any two apart. A node that leads into a
cycle keeps an identity of its own even when it looks like a node of that cycle: a little room lost, no wrong answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

Digest = bytes
Key = TypeVar("Key", bound=Hashable)


class Shape(NamedTuple):
    """A node without its children: ``content`` is everything else that tells it from others."""

    content: bytes
    children: tuple[Digest, ...]


class Draft(NamedTuple):
    """A node before its children have digests. ``children`` are keys of the same graph, in a fixed order."""

    content: bytes
    children: tuple[Hashable, ...]


def digest_graph(graph: Mapping[Key, Draft]) -> dict[Key, Digest]:
    """Return each node's digest; linear but for cycles, which cost their size times twice their distinct nodes."""
    digests: dict[Hashable, Digest] = {}
    for component in _components(graph):
        first = component[0]
        if len(component) == 1 and first not in graph[first].children:
            digests[first] = _digest(graph[first].content, [digests[c] for c in graph[first].children])
        else:
            digests.update(_digest_cycle(graph, component, digests))
    return {key: digests[key] for key in graph}


def _digest(content: bytes, children: list[Digest]) -> Digest:
    return hashlib.blake2b(b"\0".join((content, *children)), digest_size=16).digest()


def _digest_cycle(
    graph: Mapping[Key, Draft], component: list[Key], outside: Mapping[Hashable, Digest]
) -> dict[Hashable, Digest]:
    seen: dict[Hashable, Digest] = {key: _digest(graph[key].content, []) for key in component}
    rounds, distinct, limit = 0, 0, len(component)
    while rounds < 2 * limit:
        seen = {
            key: _digest(graph[key].content, [seen[c] if c in seen else outside[c] for c in graph[key].children])
            for key in component
        }
        rounds += 1
        if distinct == len(set(seen.values())):
            limit = distinct
        distinct = max(distinct, len(set(seen.values())))
    return seen


def _components(graph: Mapping[Key, Draft]) -> list[list[Key]]:
    """Return the strongly connected components, each after everything it points to (Tarjan, without recursion)."""
    order: dict[Hashable, int] = {}
    low: dict[Hashable, int] = {}
    open_nodes: dict[Hashable, None] = {}
    found: list[list[Key]] = []
    for root in graph:
        if root not in order:
            _visit(graph, root, order, low, open_nodes, found)
    return found


def _visit(
    graph: Mapping[Key, Draft],
    root: Key,
    order: dict[Hashable, int],
    low: dict[Hashable, int],
    open_nodes: dict[Hashable, None],
    found: list[list[Key]],
) -> None:
    path = [(root, iter(graph[root].children))]
    order[root] = low[root] = len(order)
    open_nodes[root] = None
    while path:
        node, children = path[-1]
        for child in children:
            if child not in order:
                order[child] = low[child] = len(order)
                open_nodes[child] = None
                path.append((child, iter(graph[child].children)))  # type: ignore[arg-type,index]  # children are keys of the graph
                break
            if child in open_nodes:
                low[node] = min(low[node], order[child])
        else:
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == order[node]:
                found.append(_close(open_nodes, node))


def _close(open_nodes: dict[Hashable, None], root: Key) -> list[Key]:
    component: list[Key] = []
    while True:
        node, _ = open_nodes.popitem()
        component.append(node)  # type: ignore[arg-type]  # keys of the graph
        if node == root:
            return component
