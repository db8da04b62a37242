"""One try to send one message."""

from __future__ import annotations

import asyncio
from typing import Final

from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.alerts.settings import AlertSettings
from engine.errors import EngineError, UnavailableError
from engine.ports import AlertSender

_LIMIT_S: Final = 60.0
"""For one message, however many requests it takes."""


async def try_sending(sender: AlertSender, settings: AlertSettings, message: Message) -> EngineError | None:
    """Send a message; return why its sink did not take it, None when it did."""
    sink = settings.sinks.get(message.sink)
    if sink is None:
        return RefusedError(f"there is no sink {message.sink} any more")
    try:
        async with asyncio.timeout(_LIMIT_S):
            await sender.send(sink, message)
    except TimeoutError:
        return UnavailableError(f"sink {sink.name} took longer than {_LIMIT_S:g} s")
    except EngineError as exc:
        return exc
    except Exception as exc:
        return UnavailableError(f"sink {sink.name} could not be sent to ({type(exc).__name__})")
    return None
