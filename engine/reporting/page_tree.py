"""The order of a page's list: subscription, resource group, owners, what they own; and the waves of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.ids import ArmId
from engine.model.plan import Action, Plan
from engine.reporting.text import NOT_PLACED

_SCOPES = ("subscriptions", "resourcegroups")
_IN_WAVES = frozenset({Action.WAIT, Action.BLOCKED})


@dataclass(slots=True)
class Node:
    """One line of the tree.

    Attributes:
        index: Which resource it is; None for a place that no resource of the report stands for.
    """

    title: str
    index: int | None = None
    sort: tuple[str, ...] = ()
    children: list[Node] = field(default_factory=list)


def grow_tree(ids: Sequence[ArmId | None], titles: Sequence[str]) -> Iterator[tuple[int, Node]]:
    """Yield depth and node, each before what lies in it; every resource once, by place, type and name.

    Args:
        ids: Where the resources are; None for what has no place yet. Of several with one id the first owns the rest.
        titles: What they are called.
    """
    nodes = [Node(title, index, _sort(arm_id)) for index, (arm_id, title) in enumerate(zip(ids, titles, strict=True))]
    known: dict[str, Node] = {}
    for arm_id, node in zip(ids, nodes, strict=True):
        if arm_id is not None:
            known.setdefault(arm_id.key, node)
    root = Node("")
    lost = Node(NOT_PLACED, sort=("~",))
    for arm_id, node in zip(ids, nodes, strict=True):
        parent = lost if arm_id is None else _parent(arm_id, known, root, node)
        parent.children.append(node)
    if lost.children:
        root.children.append(lost)
    yield from _walk(root, 0)


def _sort(arm_id: ArmId | None) -> tuple[str, ...]:
    return (arm_id.resource_type.lower(), arm_id.key) if arm_id is not None else ()


def _parent(arm_id: ArmId, known: dict[str, Node], root: Node, node: Node) -> Node:
    """Return the nearest owner in the report; else its resource group, subscription or the tenant."""
    same = known[arm_id.key]
    if same is not node:
        return same
    above = arm_id.parent
    while above is not None:
        if above.key in known:
            return known[above.key]
        if _is_scope(above):
            made = known[above.key] = Node(_title(above), sort=_sort(above))
            _parent(above, known, root, made).children.append(made)
            return made
        above = above.parent
    return root


def _is_scope(arm_id: ArmId) -> bool:
    return bool(arm_id.subscription) and len(arm_id.segments) in (2, 4) and arm_id.segments[-2].lower() in _SCOPES


def _title(scope: ArmId) -> str:
    return f"Resource group {scope.name}" if scope.resource_group else f"Subscription {scope.name}"


def _walk(node: Node, depth: int) -> Iterator[tuple[int, Node]]:
    for child in sorted(node.children, key=lambda n: (n.sort, n.title)):
        yield depth, child
        yield from _walk(child, depth + 1)


def number_waves(plan: Plan) -> Mapping[tuple[str, str, str, str], int]:
    """Return by object which wave of writes a step is in, counted from 1; what waits or is blocked has one, too."""
    waves: dict[tuple[str, str, str, str], int] = {}
    for step in plan.steps:
        if step.action.mutates or step.action in _IN_WAVES:
            before = (waves.get(key.identity, 0) for key in step.depends_on)
            waves[step.key.identity] = 1 + max(before, default=0)
    return waves
