"""Sends what waits in outboxes: a task for each sink of each outbox, so that none waits for another's receiver."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from engine.alerts.delivery import due_messages, tried
from engine.alerts.outbox import Message
from engine.alerts.settings import AlertSettings
from engine.errors import EngineError
from engine.ports import AlertSender, Clock
from engine.runtime.alerting import try_sending
from engine.runtime.controller.outboxes import Box, Boxes

_SAVE: Final = timedelta(seconds=5)
"""While many messages are sent one after the other, what became of them is kept this often."""
_LAST_SEND_S: Final = 1.0
_LAST_SAVE_S: Final = 2.0

Loaded = tuple[AlertSettings, AlertSender]
"""Settings, and what sends by them."""


class DeliveryCount(Protocol):
    """Counts messages."""

    def tried(self, sink: str, result: str) -> None:
        """Note that a message was ``taken``, ``failed`` to be taken this time, or is ``dead``."""
        ...


class Couriers:
    """Sends messages in their order, sink by sink, for as long as their outbox is ours."""

    def __init__(self, boxes: Boxes, clock: Clock, *, count: DeliveryCount, log: Callable[[str], None]) -> None:
        """Send nothing yet.

        Args:
            boxes: Knows which outboxes are ours, and keeps what became of messages.
            clock: For what is due.
            count: Told what becomes of messages.
            log: Told of what was not taken.
        """
        self._boxes = boxes
        self._clock = clock
        self._count = count
        self._log = log
        self._loaded: Loaded | None = None
        self._tasks: dict[tuple[int, str], asyncio.Task[None]] = {}

    def start(self, box: Box, loaded: Loaded) -> None:
        """Send what is due of an outbox by these settings, as all else from now on; nobody waits for it."""
        self._loaded = loaded
        for message in due_messages(box.outbox, self._clock.now()):
            if message.sink not in self.busy(box.shard):
                task = asyncio.create_task(self._deliver(box, message.sink))
                self._tasks[box.shard, message.sink] = task
                task.add_done_callback(self._ended)

    def busy(self, shard: int) -> set[str]:
        """Return the sinks that messages of a shard are being sent to."""
        return {sink for (n, sink), task in self._tasks.items() if n == shard and not task.done()}

    async def idle(self) -> None:
        """Return when nothing is being sent."""
        while running := [t for t in self._tasks.values() if not t.done()]:
            await asyncio.wait(running)

    async def stop(self) -> None:
        """Let what is being sent end, and keep what became of messages lately, if that can be done quickly."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SEND_S):
                await self.idle()
        running = [t for t in self._tasks.values() if not t.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SAVE_S):
                await asyncio.gather(*(self._boxes.save(box) for box in self._boxes.known()))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (exc := task.exception()) is not None:
            self._log(f"sending alerts failed, and goes on: {exc!r}")

    async def _deliver(self, box: Box, sink: str) -> None:
        """Send all that is due to a sink; what was taken in the last seconds before a kill is sent again."""
        while (message := self._next(box, sink)) is not None:
            await self._send(box, message)
            is_last = self._next(box, sink) is None and self.busy(box.shard) <= {sink}
            is_time = self._clock.monotonic() - box.kept >= _SAVE.total_seconds()
            if (is_last or is_time) and not await self._boxes.save(box):
                return

    def _next(self, box: Box, sink: str) -> Message | None:
        """Return the next message; None also when the outbox is somebody else's by now."""
        due = due_messages(box.outbox, self._clock.now()) if self._boxes.is_ours(box) else []
        return next((message for message in due if message.sink == sink), None)

    async def _send(self, box: Box, message: Message) -> None:
        assert self._loaded is not None
        settings, sender = self._loaded
        error = await try_sending(sender, settings, message)
        box.outbox = tried(box.outbox, message, error, self._clock.now())
        is_dead = any(dead.id == message.id for dead in box.outbox.dead)
        self._count.tried(message.sink, "taken" if error is None else "dead" if is_dead else "failed")
        if error is not None:
            self._complain(error, is_dead=is_dead)

    def _complain(self, error: EngineError, *, is_dead: bool) -> None:
        rest = "; it is not tried again before the settings change (trueup alerts list names it)" if is_dead else ""
        self._log(f"an alert was not delivered: {error}{rest}")
