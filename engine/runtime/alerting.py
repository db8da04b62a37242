"""One try to send one message."""

from __future__ import annotations

from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.alerts.settings import AlertSettings
from engine.errors import EngineError
from engine.ports import AlertSender


async def try_sending(sender: AlertSender, settings: AlertSettings, message: Message) -> EngineError | None:
    """Send a message; return why its sink did not take it, None when it did."""
    sink = settings.sinks.get(message.sink)
    if sink is None:
        return RefusedError(f"there is no sink {message.sink} any more")
    try:
        await sender.send(sink, message)
    except EngineError as exc:
        return exc
    return None
