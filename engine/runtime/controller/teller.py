"""Tells what happened as events on objects: nothing twice that was to be told once, and nobody waits for it."""

from __future__ import annotations

import asyncio

from engine.cluster import events
from engine.cluster.events import Event
from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.model.state import CustomResource
from engine.ports import ClusterWriter
from engine.runtime.controller.objects import Objects

_LAST_EVENTS_S = 1.0


class Teller:
    """Tells events; what was told is known for as long as the object is there, and this process."""

    def __init__(self, writer: ClusterWriter, objects: Objects) -> None:
        """Keep the ports; nothing is told yet.

        Args:
            writer: Writes events.
            objects: As they were last seen.
        """
        self._writer = writer
        self._objects = objects
        self._once: dict[ObjectIdentity, set[tuple[str, Event]]] = {}
        self._credentials: dict[ObjectIdentity, tuple[str, str]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def tell(self, resource: CustomResource, event: Event) -> None:
        """Tell an event of an object."""
        task = asyncio.create_task(self._writer.emit(resource.key, resource.uid, event))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def tell_once(self, resource: CustomResource, event: Event) -> None:
        """Tell an event of an object, unless it was told of it before."""
        told = self._once.setdefault(resource.key.identity, set())
        if (resource.uid, event) not in told:
            told.add((resource.uid, event))
            self.tell(resource, event)

    def tell_credential(self, found: ClusterObject, credential: str) -> None:
        """Tell which credential is used for an object, where no event of it or of an owner above it says so.

        Objects that nothing was told of are taken to use what their owner uses: of a thousand resources in a group
        that share its credential, only the group has the event.
        """
        if self._last_credential(found) == credential:
            return
        self._credentials[found.identity] = (found.resource.uid, credential)
        self.tell(found.resource, events.credential_from(credential))

    def _last_credential(self, found: ClusterObject) -> str:
        """Return what was last told of an object, or else of the nearest owner above it; empty for nothing."""
        at: ClusterObject | None = found
        seen: set[ObjectIdentity] = set()
        while at is not None and at.identity not in seen:
            uid, credential = self._credentials.get(at.identity, ("", ""))
            if credential and uid == at.resource.uid:
                return credential
            seen.add(at.identity)
            at = self._objects.owner_of(at.resource)
        return ""

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop what was told of an object that is gone."""
        self._once.pop(identity, None)
        self._credentials.pop(identity, None)

    async def close(self) -> None:
        """Wait for the events that are on their way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_LAST_EVENTS_S)
