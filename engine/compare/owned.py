"""Which list elements are resources of their own that other objects manage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class OwnedChildren:
    """Ids of resources that other objects own, looked up by list element.

    An element is recognised by its own ``id``, or by its name below the parent: the agent pool ``.../agentPools/blue``
    is the element ``blue`` of ``agentPoolProfiles``, because the list's name starts with the child type's singular.
    """

    __slots__ = ("_ids", "_segments")

    def __init__(self, parent: str, ids: Iterable[str]) -> None:
        """Index the ids; those outside the parent count by ``id`` only."""
        prefix = parent.rstrip("/").lower() + "/"
        self._ids = frozenset(i.rstrip("/").lower() for i in ids)
        self._segments: dict[str, list[str]] = {}
        for child in self._ids:
            steps = child[len(prefix) :].split("/") if child.startswith(prefix) else []
            if len(steps) == 2:
                self._segments.setdefault(steps[1], []).append(steps[0])

    def __bool__(self) -> bool:
        """Whether anything is owned at all."""
        return bool(self._ids)

    def covers(self, element: Any, list_name: str) -> bool:
        """Whether an element of that list is one of the resources."""
        if not self._ids or type(element) is not dict:
            return False
        own_id, name = element.get("id"), element.get("name")
        if isinstance(own_id, str) and own_id.rstrip("/").lower() in self._ids:
            return True
        segments = self._segments.get(name.lower(), ()) if isinstance(name, str) else ()
        return any(list_name.lower().startswith(_singular(segment)) for segment in segments)


def _singular(segment: str) -> str:
    return segment.removesuffix("ies") if segment.endswith("ies") else segment.removesuffix("s")
