"""Objects that ask something of a service which Azure Resource Manager does not stand before.

They live as all others do: claimed before anything is sent, looked at in every pass, told in the Ready condition, and
let go once what they asked for is gone. What is asked of whom is the matter of a handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.cluster import condition, events
from engine.cluster.exports import FAILED_WRITING
from engine.cluster.notes import Note
from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import parse_policy
from engine.errors import EngineError, InvalidSpecError, OwnerNotReadyError, PolicyDeniedError, TransientError
from engine.model.ids import ResourceKey
from engine.model.policy import DriftPolicy, ObjectPolicy, ReconcilePolicy
from engine.model.state import ActualState
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import FAST, SLOW, WorkQueue
from engine.runtime.controller.tenure import NotHeldError


@dataclass(slots=True)
class Look:
    """What was found for an object.

    Attributes:
        is_there: The service holds what the object asks for, be it as asked or not.
        differs: It is not as asked.
        is_asked: The object itself asks for something new: no policy about drift holds that back.
    """

    is_there: bool
    differs: bool
    is_asked: bool = False


class Errand(Protocol):
    """What one object asks for, ready to be looked at and done.

    Attributes:
        resource_id: What the service calls it; empty while that is not known, and for what has no id.
        memory: What to remember once it is as asked; None for what stands on the object.
        actual: What was read, for the object's status; None where the kind shows nothing.
        credential: Which Secret the credential came from; empty where none of Azure's is used.
    """

    resource_id: str
    memory: str | None
    actual: ActualState | None
    credential: str

    async def look(self) -> Look:
        """Read what the service holds."""
        ...

    async def write(self) -> None:
        """Make it as asked."""
        ...

    async def remove(self) -> None:
        """Take it away; no error when it is gone."""
        ...

    async def export(self) -> None:
        """Write what the object wants to be told in Secrets and ConfigMaps, unless it stands there."""
        ...


class Handler(Protocol):
    """One kind of service."""

    def takes(self, key: ResourceKey) -> bool:
        """Whether an object is its matter."""
        ...

    async def prepare(self, found: ClusterObject) -> Errand:
        """Return what an object asks for.

        Raises:
            NotReadyError: Something it needs is not there.
            EngineError: The object, or a credential, is wrong.
        """
        ...

    async def prepare_removal(self, found: ClusterObject) -> Errand | None:
        """Return what is to go with an object; None when it is gone already."""
        ...


class Outside:
    """Passes over such objects, one at a time each."""

    def __init__(
        self,
        objects: Objects,
        contract: Contract,
        queue: WorkQueue,
        corrections: Corrections,
        handlers: Sequence[Handler],
    ) -> None:
        """Keep the parts; nothing is looked at yet."""
        self._objects = objects
        self._corrections = corrections
        self._contract = contract
        self._queue = queue
        self._handlers = tuple(handlers)

    def takes(self, identity: ObjectIdentity) -> bool:
        """Whether an object is a matter of these passes."""
        found = self._objects.find(identity)
        return found is not None and any(h.takes(found.resource.key) for h in self._handlers)

    async def run(self, identity: ObjectIdentity) -> None:
        """Bring one object to where it should be; what goes wrong is told on it."""
        found = self._objects.find(identity)
        if found is None or not await self._contract.is_ours(found):
            return
        handler = next(h for h in self._handlers if h.takes(found.resource.key))
        try:
            await (self._remove(found, handler) if found.resource.deleting else self._bring(found, handler))
        except NotHeldError:
            self._queue.retry(identity, limit=FAST)
        except EngineError as exc:
            await self._tell_error(found, exc)

    async def _bring(self, found: ClusterObject, handler: Handler) -> None:
        identity, generation = found.identity, found.resource.generation
        policy, is_due = _policy_of(found), self._corrections.take(identity)
        errand = await handler.prepare(found)
        look = await errand.look()
        memory, is_left = None, False
        if policy.reconcile is ReconcilePolicy.SKIP:
            if not look.is_there:
                said = condition.warning("AzureResourceNotFound", f"{identity[-1]} does not exist", generation)
                await self._contract.say(identity, said)
                self._queue.retry(identity, limit=SLOW)
                return
        elif look.differs and _may_write(found, policy, look, is_due=is_due):
            await self._write(found, errand)
            memory = errand.memory
        else:
            is_left = look.differs
        await self._contract.claim(identity, errand.resource_id, Note(memory=memory))
        try:
            await errand.export()
        except EngineError as exc:
            await self._contract.say(identity, condition.warning(FAILED_WRITING, str(exc), generation), errand.actual)
            self._queue.retry(identity, limit=SLOW)
            return
        await self._contract.say(identity, condition.succeeded(generation), errand.actual)
        self._queue.succeeded(identity)
        if is_due and not is_left:
            self._corrections.done(identity)

    async def _write(self, found: ClusterObject, errand: Errand) -> None:
        """Claim the object before anything is sent for it; what a write fails with is an event too."""
        async with self._contract.permits.write(found.identity[0]):
            await self._contract.confirm(found.resource)
            await self._contract.claim(found.identity, errand.resource_id, Note(sends=True))
            if errand.credential:
                self._contract.tell_credential(found.identity, errand.credential)
            try:
                await errand.write()
            except EngineError as exc:
                await self._contract.tell(found.identity, events.write_failed(str(exc), deleting=False))
                raise

    async def _remove(self, found: ClusterObject, handler: Handler) -> None:
        identity, policy = found.identity, _policy_of(found)
        if not found.is_claimed:
            return
        if policy.reconcile is ReconcilePolicy.MANAGE:
            if policy.protect:
                raise PolicyDeniedError(f"{found.resource.key} is protected", hint="take trueup.dev/protect off")
            errand = await handler.prepare_removal(found)
            if errand is not None:
                await self._contract.tell(identity, events.delete_begins(), once=True)
                async with self._contract.permits.write(identity[0]):
                    await self._contract.confirm(found.resource)
                    await errand.remove()
        await self._contract.release(identity)
        self._queue.succeeded(identity)

    async def _tell_error(self, found: ClusterObject, exc: EngineError) -> None:
        """Say what is wrong; an owner that is not ready for the moment does not make a claimed object less ready."""
        identity, generation = found.identity, found.resource.generation
        if isinstance(exc, InvalidSpecError):
            await self._contract.say(identity, condition.error("Failed", str(exc), generation))
            return
        if not (isinstance(exc, OwnerNotReadyError) and found.is_claimed):
            reason = exc.reason if exc.reason in _REASONS else "Failed"
            await self._contract.say(identity, condition.warning(reason, str(exc), generation))
        is_soon = isinstance(exc, TransientError) and exc.reason in _REASONS
        self._queue.retry(identity, limit=FAST if is_soon else SLOW)


_REASONS = frozenset({"WaitingForOwner", "SecretNotFound"})


def _policy_of(found: ClusterObject) -> ObjectPolicy:
    return parse_policy(found.resource.annotations, found.resource.namespace_annotations)


def _may_write(found: ClusterObject, policy: ObjectPolicy, look: Look, *, is_due: bool) -> bool:
    """Whether a difference is put right: the user's edits at once, drift where policy and period say so.

    ``is_due`` was asked before the look: who asks for a correction meanwhile asks for another look.
    """
    ready = found.ready
    is_settled = ready is not None and ready.is_true and ready.observed_generation == found.resource.generation
    if not is_settled or look.is_asked:
        return True
    return policy.drift is DriftPolicy.CORRECT and is_due
