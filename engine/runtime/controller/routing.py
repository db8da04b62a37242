"""Who speaks to Azure for which resource of a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from engine.model.ids import ArmId
from engine.model.state import CustomResource
from engine.runtime.controller.azure import Speaker
from engine.runtime.prepared import Prepared


class Credentials(Protocol):
    """Who speaks to Azure for which object."""

    @property
    def edition(self) -> int:
        """Return what changes when ``subscription_of`` answers otherwise."""
        ...

    async def resolve(self, resource: CustomResource) -> str:
        """Find an object's credential; return why that is not possible, else an empty text."""
        ...

    def subscription_of(self, resource: CustomResource) -> str:
        """Return the subscription of an object's credential; empty when it was not resolved."""
        ...

    def speaker_of(self, resource: CustomResource) -> Speaker:
        """Return who speaks for an object that was resolved."""
        ...

    def speaker_in(self, subscription: str) -> Speaker:
        """Return who speaks in a subscription, for what no object asks for.

        Raises:
            EngineError: Nobody does.
        """
        ...


class Router:
    """Finds the speaker of a resource by the object that asks for it."""

    def __init__(self, credentials: Credentials, prepared: Callable[[], Prepared | None]) -> None:
        """Take who speaks, and what the pass under way worked out of the objects."""
        self._credentials = credentials
        self._prepared = prepared

    def __call__(self, resource: ArmId) -> Speaker:
        """Return who speaks for a resource."""
        prepared = self._prepared()
        wanted = prepared.wanted.get(resource) if prepared is not None else None
        if wanted:
            found = wanted[0].resource
            return replace(self._credentials.speaker_of(found), resource=found)
        return self._credentials.speaker_in(resource.subscription)
