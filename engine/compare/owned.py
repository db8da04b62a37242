"""Which list elements are resources of their own that other objects manage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.compare.finding import Place
from engine.compare.places import find_key, get_member
from engine.model.document import ABSENT, Body
from schemas.behaviours import child_lists, lookup_behaviour


class OwnedChildren:
    """Ids of resources that other objects own, looked up by list element.

    An element is recognised by its own ``id``, or by its name below the parent: the agent pool ``.../agentPools/blue``
    is the element ``blue`` of ``agentPoolProfiles``. Which child type a list holds is in the behaviour table; of lists
    that are not in it, the name must start with the child type's singular.
    """

    __slots__ = ("_ids", "_lists", "_segments", "_shared")

    def __init__(self, arm_type: str, parent: str, ids: Iterable[str]) -> None:
        """Index the ids; those outside the parent count by ``id`` only.

        Args:
            arm_type: Type of the resource whose body is compared.
            parent: Its id.
            ids: Ids of resources that other objects own.
        """
        prefix = parent.rstrip("/").lower() + "/"
        self._ids = frozenset(i.rstrip("/").lower() for i in ids)
        self._segments: dict[str, list[str]] = {}
        for child in self._ids:
            steps = child[len(prefix) :].split("/") if child.startswith(prefix) else []
            if len(steps) == 2:
                self._segments.setdefault(steps[1], []).append(steps[0])
        self._lists = _lists_of(arm_type) if self._ids else {}
        self._shared = _shared_lists(arm_type)

    def __bool__(self) -> bool:
        """Whether anything is owned at all."""
        return bool(self._ids)

    def is_shared(self, at: Place) -> bool:
        """Whether others put elements of their own into the list at that place, which a write leaves in it."""
        return bool(self._shared) and tuple(s.lower() if isinstance(s, str) else "[]" for s in at) in self._shared

    def ask_for_none(self, desired: Body, then: Any) -> Body:
        """Return the desired body with an empty list wherever a shared one left the object as a whole.

        Its own elements go then; those of others stay, as they do when one element leaves.
        """
        for path in self._shared:
            asked = _follow(then, path)
            if type(asked) is list and asked and _follow(desired, path) is ABSENT:
                desired = _with_empty_list(desired, then, path)
        return desired

    def covers(self, element: Any, at: Place) -> bool:
        """Whether an element of the list at that place is one of the resources."""
        if not self._ids or type(element) is not dict:
            return False
        own_id, name = element.get("id"), element.get("name")
        if isinstance(own_id, str) and own_id.rstrip("/").lower() in self._ids:
            return True
        segments = self._segments.get(name.lower(), ()) if isinstance(name, str) else ()
        return any(self._holds(at, segment) for segment in segments)

    def _holds(self, at: Place, segment: str) -> bool:
        known = self._lists.get(tuple(s.lower() if isinstance(s, str) else "[]" for s in at))
        if known is not None:
            return segment in known
        return bool(at) and isinstance(at[-1], str) and at[-1].lower().startswith(_singular(segment))


def _follow(body: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        body = get_member(body, name)
    return body


def _with_empty_list(body: Body, then: Any, path: tuple[str, ...]) -> Body:
    """Return a copy with an empty list at the place; members that it lacks are spelled as they were then."""
    name = find_key(body, path[0]) or find_key(then, path[0]) or path[0]
    if len(path) == 1:
        return {**body, name: []}
    below = body.get(name)
    inner = _with_empty_list(below if type(below) is dict else {}, get_member(then, path[0]), path[1:])
    return {**body, name: inner}


def _shared_lists(arm_type: str) -> frozenset[tuple[str, ...]]:
    behaviour = lookup_behaviour(arm_type)
    rows = behaviour.carried if behaviour is not None else ()
    return frozenset(tuple(step.lower() for step in row.path) for row in rows if row.by_name)


def _lists_of(arm_type: str) -> dict[tuple[str, ...], frozenset[str]]:
    return {
        tuple(step.lower() for step in row.path): frozenset(child.rsplit("/", 1)[-1].lower() for child in row.children)
        for row in child_lists(arm_type)
    }


def _singular(segment: str) -> str:
    return segment.removesuffix("ies") if segment.endswith("ies") else segment.removesuffix("s")
