"""Resource providers that a subscription does not use yet: registered when a write is refused for that, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from engine.errors import EngineError, NotReadyError
from engine.model.ids import ArmId

_CODE: Final = "missingsubscriptionregistration"
_API_VERSION: Final = "2019-05-01"
_WAIT: Final = timedelta(seconds=15)
"""A registration takes seconds to minutes; nothing tells when it is done but a write that is taken."""


class Registrar:
    """Knows what was registered already."""

    def __init__(self, origin: str, post: Callable[[str], Awaitable[None]]) -> None:
        """Take ARM's address, and how to send a POST without a body."""
        self._origin = origin
        self._post = post
        self._asked: set[tuple[str, str]] = set()

    async def heed(self, error: EngineError, resource: ArmId) -> EngineError:
        """Return the error to raise: where a registration was asked for, one that time cures."""
        namespace = resource.resource_type.partition("/")[0]
        if error.code.lower() != _CODE or not namespace or not resource.subscription:
            return error
        place = (resource.subscription.lower(), namespace.lower())
        if place not in self._asked:
            url = f"{self._origin}/subscriptions/{resource.subscription}/providers/{namespace}/register"
            await self._post(f"{url}?api-version={_API_VERSION}")
            self._asked.add(place)
        told = NotReadyError(
            f"registering Resource Provider {namespace} with subscription. Try again later",
            detail=str(error),
            retry_after=_WAIT,
        )
        told.code, told.http_status = error.code, error.http_status
        return told
