"""Keeps the object contract: marks, conditions, status and events follow what happens in Azure.

Nothing is written that stands on the object already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.cluster import events
from engine.cluster.claim import Marks, Owner, claim, is_foreign
from engine.cluster.condition import Condition, choose_condition
from engine.cluster.events import Event
from engine.cluster.named import StoredName, given_name, stored_name
from engine.cluster.names import (
    FINALIZER,
    NAME_FROM_CONFIG,
    POLLER_ID,
    POLLER_TOKEN,
    RESOURCE_ID,
    SYNC_TOKEN,
)
from engine.cluster.notes import NOTHING_NEW, Note, noted
from engine.cluster.objects import ClusterObject
from engine.cluster.status import CONDITIONS, build_status, print_status
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import BASELINE, OPERATION
from engine.drift.condition import put_drifted
from engine.model.document import Document
from engine.model.ids import ArmId, Generation
from engine.model.state import ActualState, CustomResource
from engine.ports import Clock, ClusterWriter
from engine.runtime.controller.freshness import Freshness
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.teller import Teller
from engine.runtime.controller.tenure import Everything, NotHeldError, Permits
from schemas.kinds import lookup_kind

_POLLER = (POLLER_ID, POLLER_TOKEN, SYNC_TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorName:
    """Who we are, as objects carry it.

    Attributes:
        takes_over: Namespaces of operators whose objects become ours.
    """

    namespace: str
    version: str
    takes_over: frozenset[str] = frozenset()


class Contract:
    """Writes to objects; one call writes at most once."""

    def __init__(
        self,
        writer: ClusterWriter,
        objects: Objects,
        clock: Clock,
        name: OperatorName,
        permits: Permits | None = None,
        freshness: Freshness | None = None,
    ) -> None:
        """Keep the ports; nothing is written yet.

        Args:
            writer: Writes to objects.
            objects: As they were last seen.
            clock: For conditions.
            name: Who we are.
            permits: Which namespaces are ours to write for; all of them unless given.
            freshness: Reads objects once more that were another replica's; there are none unless given.
        """
        self._writer = writer
        self._objects = objects
        self._clock = clock
        self._name = name
        self._renumbered: dict[ObjectIdentity, tuple[int, int]] = {}
        self.permits = permits or Permits(Everything())
        self._freshness = freshness
        self._teller = Teller(writer, objects)

    def _find(self, identity: ObjectIdentity) -> ClusterObject | None:
        """Return an object that is ours to write to; what other replicas work on is not."""
        return self._objects.find(identity) if self.permits.holds(identity[0]) else None

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop what is known of an object that is gone."""
        self._renumbered.pop(identity, None)
        self._teller.forget(identity)
        if self._freshness is not None:
            self._freshness.forget(identity)

    async def confirm(self, decided: CustomResource) -> None:
        """Make sure, before anything is sent for an object, that it is as it was when that was decided.

        Raises:
            NotHeldError: It is not, or not ours; nothing may be sent.
        """
        self.permits.require(decided.key.namespace)
        if self._freshness is not None:
            await self._freshness.confirm(decided)

    async def is_ours(self, found: ClusterObject) -> bool:
        """Whether no other operator manages the object; one that does is told of once, as an event."""
        other = is_foreign(found.resource.annotations, self._name.namespace)
        if other in self._name.takes_over:
            return True
        if other:
            self._teller.tell_once(found.resource, events.overlap(self._name.namespace, other))
        return not other

    async def claim(self, identity: ObjectIdentity, resource_id: ArmId | str, note: Note = NOTHING_NEW) -> None:
        """Make the object ours, before anything is sent for it, or note how its resource stands.

        Args:
            identity: The object.
            resource_id: Where its resource is; empty for what has no id.
            note: What is new.

        Raises:
            NotHeldError: A write is about to be sent, and the object is gone or another replica's.
        """
        found = self._find(identity)
        if found is None and note.sends:
            raise NotHeldError(f"{'/'.join(identity)} is gone, or another replica's now")
        if found is None:
            return
        marks = self._marks(found, resource_id, note)
        if not _stands(found, marks):
            await self._mark(found, marks)

    def is_ready(self, identity: ObjectIdentity) -> bool:
        """Whether an object is Ready as it is now."""
        found = self._find(identity)
        if found is None or found.ready is None:
            return False
        return found.ready.is_true and found.ready.observed_generation >= found.resource.generation

    async def _mark(self, found: ClusterObject, marks: Marks) -> None:
        await self._writer.apply_marks(found.resource.key, found.resource.uid, marks)
        self._put_marked(found, marks)

    def _marks(self, found: ClusterObject, resource_id: ArmId | str, note: Note) -> Marks:
        resource = found.resource
        spec = resource.spec.value
        owner = spec.get("owner") if isinstance(spec, dict) else None
        name = owner.get("name", "") if isinstance(owner, dict) else ""
        marks = claim(
            resource_id,
            operator_namespace=self._name.namespace,
            version=self._name.version,
            owner=self._owner_of(resource),
            owner_name=name if isinstance(name, str) else "",
        )
        stored = stored_name(resource, resource_id) if isinstance(resource_id, ArmId) else StoredName()
        more = noted(resource.annotations, note, resource.generation + stored.is_new)
        if stored.is_from_config and isinstance(resource_id, ArmId):
            more[NAME_FROM_CONFIG] = resource_id.name
        return replace(marks, annotations={**marks.annotations, **more}, azure_name=stored.name)

    async def name(self, identity: ObjectIdentity, azure_name: str) -> None:
        """Give an object the name that its resource is to have, before anything is known of it."""
        found = self._find(identity)
        if found is not None:
            marks = Marks(azure_name=azure_name)
            await self._writer.apply_marks(found.resource.key, found.resource.uid, marks)
            self._put_marked(found, marks)

    def number(self, identity: ObjectIdentity, generation: int) -> int:
        """Return the generation that an object of this one has since its name was written down: nothing else moved."""
        before, now = self._renumbered.get(identity, (0, 0))
        return now if before == generation else generation

    def _put_marked(self, found: ClusterObject, marks: Marks) -> None:
        now = _marked(found, marks)
        if now.resource.generation != found.resource.generation:
            self._renumbered[found.identity] = (found.resource.generation, now.resource.generation)
        self._objects.put(now)

    def _owner_of(self, resource: CustomResource) -> Owner | None:
        found = self._objects.owner_of(resource)
        return Owner(key=found.resource.key, uid=found.resource.uid) if found is not None else None

    async def say(
        self,
        identity: ObjectIdentity,
        condition: Condition,
        actual: ActualState | None = None,
        *,
        begins: bool = False,
        drifted: Condition | None = None,
    ) -> None:
        """Bring conditions and status up to date.

        Args:
            identity: The object.
            condition: What is to be said.
            actual: The resource as it was last read; None leaves the status as it is.
            begins: A request was just sent for it.
            drifted: What is to be said of drift; None leaves that as it is.
        """
        found = self._find(identity)
        if found is None:
            return
        ready = choose_condition(found.ready, condition, self._clock.now(), begins=begins)
        body = actual.document.value if actual is not None and actual.document is not None else None
        status = self._status_of(found.resource, body)
        new_print = print_status(status) if status is not None else found.status_print
        others = put_drifted(found.others, drifted, self._clock.now())
        if ready is found.ready and new_print == found.status_print and others is found.others:
            return
        if found.is_proven and not ready.is_true:
            found = await self._keep(found)
        await self._write(found, [ready.to_wire(), *others], status if new_print != found.status_print else None)
        after = replace(found, ready=ready, status_print=new_print, others=others)
        self._objects.put(after.with_promises_kept())

    async def _keep(self, found: ClusterObject) -> ClusterObject:
        """Write down what holds because the object is Ready, before it is not Ready any more."""
        marks = self._marks(found, ArmId(found.resource.annotations[RESOURCE_ID]), NOTHING_NEW)
        await self._mark(found, marks)
        return _marked(found, marks)

    async def _write(self, found: ClusterObject, conditions: list[Any], status: dict[str, Any] | None) -> None:
        key, uid = found.resource.key, found.resource.uid
        if status is None and found.has_status:
            await self._writer.write_conditions(key, uid, conditions)
        else:
            await self._writer.write_status(key, uid, {**(status or {}), CONDITIONS: conditions})

    def _status_of(self, resource: CustomResource, body: object) -> dict[str, Any] | None:
        kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
        return build_status(kind, body) if kind is not None and isinstance(body, dict) else None

    async def release(self, identity: ObjectIdentity) -> None:
        """Let an object go."""
        found = self._find(identity)
        if found is not None and found.is_claimed:
            await self._writer.release(found.resource.key, found.resource.uid)
            self._objects.put(replace(found, finalizers=()))

    async def drop_poller(self, identity: ObjectIdentity) -> None:
        """Take ASO's poller off an object: its operation ended, and it must not be resumed by anybody."""
        found = self._find(identity)
        if found is None or not found.resource.annotations.keys() & _POLLER:
            return
        rest = {k: v for k, v in found.resource.annotations.items() if k not in _POLLER}
        await self._writer.drop_annotations(found.resource.key, found.resource.uid, _POLLER)
        self._objects.put(replace(found, resource=replace(found.resource, annotations=rest)))

    async def tell(self, identity: ObjectIdentity, event: Event, *, once: bool = False) -> None:
        """Tell an event of an object; nobody waits for it."""
        found = self._find(identity)
        if found is None:
            return
        if once:
            self._teller.tell_once(found.resource, event)
        else:
            self._teller.tell(found.resource, event)

    def tell_credential(self, identity: ObjectIdentity, credential: str) -> None:
        """Tell which credential is used for an object, unless that was told of it or of its owner."""
        found = self._find(identity)
        if found is not None:
            self._teller.tell_credential(found, credential)

    async def close(self) -> None:
        """Wait for the events that are on their way."""
        await self._teller.close()


def _stands(found: ClusterObject, marks: Marks) -> bool:
    """Whether the object carries the marks, and no mark of an operation that is over."""
    annotations, labels = found.resource.annotations, found.resource.labels
    return (
        found.is_claimed
        and _holds(annotations, marks.annotations)
        and _holds(labels, marks.labels)
        and all(o in found.owners for o in marks.owners)
        and marks.azure_name in ("", given_name(found.resource))
        and all(name in marks.annotations or name not in annotations for name in (OPERATION, BASELINE))
    )


def _holds(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(held.get(name) == value for name, value in wanted.items())


def _marked(found: ClusterObject, marks: Marks) -> ClusterObject:
    """Return the object as it is after the write, until the cluster says so itself."""
    rest = {k: v for k, v in found.resource.annotations.items() if k not in (OPERATION, BASELINE)}
    resource = replace(
        found.resource,
        annotations={**rest, **marks.annotations},
        labels={**found.resource.labels, **marks.labels},
    )
    if marks.azure_name not in ("", given_name(resource)):
        spec = Document(value={**resource.spec.value, "azureName": marks.azure_name})
        resource = replace(resource, spec=spec, generation=Generation(resource.generation + 1))
    more = tuple(o for o in marks.owners if o not in found.owners)
    finalizers = (*found.finalizers, *([FINALIZER] if marks.is_claimed and not found.is_claimed else []))
    return replace(found, resource=resource, finalizers=finalizers, owners=(*found.owners, *more), is_proven=False)
