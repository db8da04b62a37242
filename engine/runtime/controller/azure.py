"""Azure as the controller sees it: each resource through its own credential, the contract kept around writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from engine.cluster import condition, events
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError
from engine.model.document import Body
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId
from engine.model.plan import Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import ActualState, CustomResource, ReadTarget
from engine.ports import ActionCaller
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.objects import Objects
from engine.runtime.executor import Azure


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


class ContractAzure:
    """Implements the ports of Azure over several of them."""

    def __init__(
        self,
        route: Callable[[ArmId], Speaker],
        contract: Contract,
        objects: Objects,
        *,
        endpoint: str,
        purpose: Purpose,
    ) -> None:
        """Keep the ports.

        Args:
            route: Returns who speaks for a resource.
            contract: Told of every write.
            objects: For generations.
            endpoint: Where planned requests go; a credential of another cloud sends them there instead.
            purpose: What all of its requests are for.
        """
        self._endpoint = endpoint
        self._purpose = purpose
        self._route = route
        self._contract = contract
        self._objects = objects
        self._by_token: dict[str, tuple[Azure, ArmId]] = {}
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

    def intend(self, request: Request, *, resource: ArmId) -> str:
        """Return the token that finds out what became of a write whose answer nobody saw."""
        return self._route(resource).azure.intend(request, resource=resource)

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
            intent = azure.intend(request, resource=resource)
            await self._contract.claim(identity, resource, sends=True, operation=intent)
        await self._contract.tell(identity, events.credential_from(speaker.credential), once=True)
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
            await self._keep(azure, resource, identity, progress, is_delete=is_delete)
        return progress

    async def _keep(
        self, azure: Azure, resource: ArmId, identity: ObjectIdentity, progress: OperationProgress, *, is_delete: bool
    ) -> None:
        """Write the token to the object before anybody waits; say that work is under way.

        Where the cluster does not take it the operation goes on: the intent that stands there leads to its end too.
        """
        self._by_token[progress.token] = (azure, resource)
        found = self._objects.find(identity)
        with contextlib.suppress(EngineError):
            await self._contract.claim(identity, resource, sends=not is_delete, operation=progress.token)
            if found is not None:
                say = condition.deleting if is_delete else condition.reconciling
                await self._contract.say(identity, say(found.resource.generation), begins=True)

    async def poll(self, token: str) -> OperationProgress:
        """Ask once how an operation stands."""
        azure, resource = self._by_token[token]
        progress = await azure.poll(token)
        if progress.status is OperationStatus.RUNNING and progress.token != token:
            self._by_token[progress.token] = (azure, resource)
        return progress
