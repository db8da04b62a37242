"""Kubernetes events that tell alerts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.errors import ConflictError, PolicyDeniedError
from engine.model.document import encode_public
from providers.kube.client import KubeClient, NotFoundError

_ENDING: Final = "is being terminated"
"""What the API server says of a namespace that takes nothing new."""


async def make_events(client: KubeClient, events: Iterable[Mapping[str, Any]]) -> None:
    """Make events; those that are there already, and those of namespaces that are gone, need not be made.

    Raises:
        EngineError: The cluster does not take them now.
    """
    for event in events:
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            with contextlib.suppress(ConflictError, NotFoundError):
                await asyncio.to_thread(client.send, "POST", path, encode_public(event))
        except PolicyDeniedError as exc:
            if _ENDING not in str(exc):
                raise
