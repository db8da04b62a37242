"""Before the first write for an object in each term it is read once more: what another replica left on it counts.

Watches tell of changes a moment later, and a broken one much later. Within a term nobody else writes for the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.desired.identity import ObjectIdentity
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.runtime.controller.tenure import NotHeldError


class ObjectReader(Protocol):
    """Reads single objects."""

    async def look_again(self, key: ResourceKey) -> CustomResource | None:
        """Return an object as the cluster has it now, and hand it on as a watch does; None when it is gone.

        Raises:
            EngineError: The cluster does not answer.
        """
        ...


class Freshness:
    """Knows what was read since its namespace became ours."""

    def __init__(self, reader: ObjectReader, term: Callable[[str], int]) -> None:
        """Take who reads, and what changes each time a namespace becomes ours; 0 where it always was."""
        self._reader = reader
        self._term = term
        self._read_in: dict[ObjectIdentity, int] = {}

    async def confirm(self, decided: CustomResource) -> None:
        """Make sure that an object is still as it was when something was decided about it.

        Raises:
            NotHeldError: It is not; nothing may be sent.
            EngineError: It cannot be read.
        """
        identity, term = decided.key.identity, self._term(decided.key.namespace)
        if self._read_in.get(identity, 0) == term:
            return
        now = await self._reader.look_again(decided.key)
        if now is None or _marks(now) != _marks(decided):
            raise NotHeldError(f"{decided.key} changed since it was looked at")
        self._read_in[identity] = term

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop what is known of an object that is gone."""
        self._read_in.pop(identity, None)


def _marks(resource: CustomResource) -> tuple[object, ...]:
    """Return what shows that somebody wrote the object, or wrote to Azure for it."""
    return resource.uid, resource.generation, resource.deleting, dict(resource.annotations)
