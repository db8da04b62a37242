"""Azure as an apply writes to it: a resource group goes only while it holds nothing but what the plan showed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import timedelta

from engine.errors import MovedError, UnavailableError
from engine.model.document import Body
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId
from engine.model.plan import Plan, Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress
from engine.model.state import ActualState, ReadTarget
from engine.runtime.executor import Azure

_NAMED = 3


class GroupWatch:
    """Lists a resource group once more just before its DELETE; everything else goes straight through."""

    def __init__(self, azure: Azure, plan: Plan, contents: Mapping[ArmId, tuple[ArmId, ...]]) -> None:
        """Keep what the plan showed.

        Args:
            azure: Where everything goes.
            plan: What is carried out.
            contents: What was in each group that the plan deletes.
        """
        self._azure = azure
        self._contents = contents
        self._going = {s.id for s in plan.steps if s.id is not None and s.action.mutates}

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        """Send the request; a DELETE of a group only after another look into it.

        Raises:
            MovedError: Something is in the group that the plan did not show.
            UnavailableError: The group cannot be looked into.
        """
        shown = self._contents.get(resource) if request.method == "DELETE" else None
        if shown is not None:
            await self._look_into(resource, shown)
        return await self._azure.begin(request, resource=resource, purpose=purpose, announce=announce)

    async def _look_into(self, group: ArmId, shown: Collection[ArmId]) -> None:
        held = await self._azure.list_children(group)
        if held is None:
            raise UnavailableError(f"what {group.name} holds could not be read again, so it is not deleted")
        new = sorted(i for i in held if i not in shown and i not in self._going)
        if new:
            more = f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
            names = ", ".join(i.name for i in new[:_NAMED]) + more
            raise MovedError(
                f"the resource group {group.name} was not deleted",
                detail=f"it also holds {names} by now, which the plan did not show",
                hint="plan again",
            )

    async def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Yield batches that together hold exactly one state per target."""
        async for batch in self._azure.observe(targets, purpose=purpose):
            yield batch

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Read one resource."""
        return await self._azure.fetch(target, purpose=purpose)

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return the ids of all resources in a resource group; None when that cannot be read."""
        return await self._azure.list_children(group)

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return the locks, or the deny assignments, at a subscription or group and below."""
        return await self._azure.list_holds(scope, kind)

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the id of a role definition by its display name; None when there is none."""
        return await self._azure.find_role_definition(scope, role_name)

    def keep_secrets(self, body: Body) -> None:
        """Learn the secrets of a desired body."""
        self._azure.keep_secrets(body)

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        """Return the token that finds out what became of a write whose answer nobody saw."""
        return self._azure.intend(request, resource=resource, patience=patience)

    async def poll(self, token: str) -> OperationProgress:
        """Ask once how the operation stands."""
        return await self._azure.poll(token)
