"""Azure as the controller sees it: each resource through its own credential, the contract kept around writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Protocol

from engine.cluster import condition, events
from engine.cluster.notes import Note
from engine.cluster.promises import is_promise
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import BASELINE
from engine.errors import EngineError
from engine.model.document import Body
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId
from engine.model.plan import Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import ActualState, CustomResource, ReadTarget
from engine.ports import ActionCaller, Clock
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.objects import Objects
from engine.runtime.executor import Azure

MOMENT: Final = timedelta(seconds=3)
"""An operation that Azure lets us wait for no longer than this is seen to its end before anything is noted of it."""
LONGEST_MOMENT_S: Final = 10.0
PATIENCE: Final = timedelta(minutes=1)
"""So long whoever comes after a kill waits for a resource to be seen whose create may have been taken."""


class CallingAzure(Azure, ActionCaller, Protocol):
    """ARM, reading and writing, and asked for keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who speaks to Azure for a resource, and for which object.

    Attributes:
        credential: Where the credential came from, for people.
        endpoint: ARM's address for this credential.
        resource: The object that asks, as the pass knows it; None for what no object asks for.
    """

    azure: CallingAzure
    credential: str
    endpoint: str
    resource: CustomResource | None = None

    @property
    def identity(self) -> ObjectIdentity | None:
        """Return which object asks."""
        return self.resource.key.identity if self.resource is not None else None


@dataclass(slots=True)
class Work:
    """An operation that this process waits for.

    Attributes:
        began: By the monotonic clock.
        waited: How long Azure asked to wait, all told.
        is_kept: Its token stands on the object.
    """

    azure: Azure
    resource: ArmId
    identity: ObjectIdentity
    is_delete: bool
    began: float
    waited: timedelta = timedelta(0)
    is_kept: bool = False

    def is_long(self, progress: OperationProgress, now: float) -> bool:
        """Whether it is to be noted now: it is not over in a moment, or it takes away what could be looked at."""
        self.waited += progress.wait
        is_over_soon = self.waited <= MOMENT and now - self.began <= LONGEST_MOMENT_S
        return not self.is_kept and (self.is_delete or not is_over_soon)


class ContractAzure:
    """Implements the ports of Azure over several of them."""

    def __init__(
        self,
        route: Callable[[ArmId], Speaker],
        contract: Contract,
        objects: Objects,
        clock: Clock,
        *,
        endpoint: str,
        purpose: Purpose,
        promise: Callable[[ArmId], str | None],
    ) -> None:
        """Keep the ports.

        Args:
            route: Returns who speaks for a resource.
            contract: Told of every write.
            objects: For generations.
            clock: Tells which operations take long.
            endpoint: Where planned requests go; a credential of another cloud sends them there instead.
            purpose: What all of its requests are for.
            promise: Returns what a resource is to be remembered as if it is created as asked; None for nothing.
        """
        self._promise = promise
        self._clock = clock
        self._endpoint = endpoint
        self._purpose = purpose
        self._route = route
        self._contract = contract
        self._objects = objects
        self._work: dict[str, Work] = {}
        self._azures: dict[int, Azure] = {}
        self.seen: dict[ArmId, ActualState] = {}

    async def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Yield one state per target, credential by credential."""
        groups: dict[int, tuple[Azure, list[ReadTarget]]] = {}
        for target in targets:
            azure: Azure = self._route(target.id).azure
            self._azures[id(azure)] = azure
            groups.setdefault(id(azure), (azure, []))[1].append(target)
        for azure, wanted in groups.values():
            async for batch in azure.observe(wanted, purpose=min(purpose, self._purpose)):
                yield batch
                await asyncio.sleep(0)  # edits get their turn between the pages of a full pass

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Read one resource."""
        speaker = self._route(target.id)
        actual = await speaker.azure.fetch(target, purpose=min(purpose, self._purpose))
        if speaker.identity is not None:
            self.seen[target.id] = actual
        return actual

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return the ids of all resources in a resource group; None when that cannot be read."""
        return await self._route(group).azure.list_children(group)

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return none: in a cluster Azure's own refusal becomes the condition, as with ASO."""
        return Holds()

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the id of a role definition by its display name; None when there is none."""
        return await self._route(ArmId(scope)).azure.find_role_definition(scope, role_name)

    def keep_secrets(self, body: Body) -> None:
        """Learn the secrets of a body, whoever sends it."""
        for azure in self._azures.values():
            azure.keep_secrets(body)

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        """Return the token that finds out what became of a write whose answer nobody saw."""
        return self._route(resource).azure.intend(request, resource=resource, patience=patience)

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        """Claim the object, send, and keep what an interrupted operation is resumed from."""
        speaker = self._route(resource)
        azure, asking = speaker.azure, speaker.resource
        request = replace(request, url=speaker.endpoint + request.url.removeprefix(self._endpoint))
        if asking is None:
            return await azure.begin(request, resource=resource, purpose=min(purpose, self._purpose), announce=announce)
        async with self._contract.permits.write(asking.key.namespace):
            await self._contract.confirm(asking)
            return await self._begin(speaker, request, resource, asking.key.identity, purpose, announce)

    async def _begin(
        self,
        speaker: Speaker,
        request: Request,
        resource: ArmId,
        identity: ObjectIdentity,
        purpose: Purpose,
        announce: Callable[[str], None] | None,
    ) -> OperationProgress:
        azure, is_delete = speaker.azure, request.method == "DELETE"
        if not is_delete:
            # From here on, whoever starts after us finds out what became of the write before sending it again.
            intent = azure.intend(request, resource=resource, patience=PATIENCE)
            memory = None if self._contract.is_ready(identity) else self._promise(resource)
            note = Note(sends=True, operation=intent, memory=memory, until_ready=memory is not None)
            await self._contract.claim(identity, resource, note)
        self._contract.tell_credential(identity, speaker.credential)
        if is_delete:
            await self._contract.tell(identity, events.delete_begins())

        def begins(token: str) -> None:
            self._contract.permits.require(identity[0])
            if announce is not None:
                announce(token)

        progress = await azure.begin(request, resource=resource, purpose=min(purpose, self._purpose), announce=begins)
        if not is_delete and progress.status is not OperationStatus.FAILED:
            await self._contract.tell(identity, events.sent(resource))
        if progress.status is OperationStatus.RUNNING:
            work = self._work[progress.token] = Work(azure, resource, identity, is_delete, self._clock.monotonic())
            if is_delete:
                await self._contract.tell(identity, events.delete_goes_on())
            await self._note(work, progress)
        return progress

    async def _note(self, work: Work, progress: OperationProgress) -> None:
        """Write the token of what takes longer than a moment to the object; say that work is under way."""
        if not work.is_long(progress, self._clock.monotonic()):
            return
        found = self._objects.find(work.identity)
        await self._keep(work, progress.token)
        if found is not None:
            say = condition.deleting if work.is_delete else condition.reconciling
            with contextlib.suppress(EngineError):
                await self._contract.say(work.identity, say(found.resource.generation), begins=True)

    async def _keep(self, work: Work, token: str) -> None:
        """Write the token down; where the cluster does not take it, the intent that stands there leads on too."""
        work.is_kept = True
        found = self._objects.find(work.identity)
        promises = found is not None and is_promise(found.resource.annotations.get(BASELINE, ""))
        note = Note(operation=token, until_ready=promises and not work.is_delete)
        with contextlib.suppress(EngineError):
            await self._contract.claim(work.identity, work.resource, note)

    async def keep_all(self) -> None:
        """Write down the tokens of what goes on: this process sees the end of none of it."""
        await asyncio.gather(*(self._keep(w, token) for token, w in self._work.items() if not w.is_kept))

    async def poll(self, token: str) -> OperationProgress:
        """Ask once how an operation stands."""
        work = self._work[token]
        try:
            progress = await work.azure.poll(token)
        except EngineError:
            if not work.is_kept:
                await self._keep(work, token)
            raise
        del self._work[token]
        if progress.status is OperationStatus.RUNNING:
            self._work[progress.token] = work
            await self._note(work, progress)
        return progress
