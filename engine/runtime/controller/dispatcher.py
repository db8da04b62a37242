"""Alerts of the pod: what reports say becomes messages, which are kept, sent, and kept again; no pass waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from engine.alerts.alert import Alert, LabelsOf, alerts_of, is_cut, unreadable_alert
from engine.alerts.delivery import due_messages, next_due, revive, tried
from engine.alerts.outbox import Message, plan_messages
from engine.alerts.overview import silence_lines
from engine.alerts.settings import AlertSettings
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError
from engine.ports import AlertSender, Clock
from engine.runtime.alerting import try_sending
from engine.runtime.controller.outboxes import Box, Boxes

TICK: Final = timedelta(seconds=10)
"""Ages, digests and the file of settings are looked at this often without news."""

_SAVE: Final = timedelta(seconds=5)
"""While many messages are sent one after the other, what became of them is kept this often."""


class AlertSource(Protocol):
    """The settings as they are now."""

    async def load(self) -> tuple[AlertSettings, AlertSender] | None:
        """Return the last settings that could be used, and what sends by them: the same ones while nothing changed."""
        ...


class DeliveryCount(Protocol):
    """Counts messages."""

    def tried(self, sink: str, result: str) -> None:
        """Note that a message was ``taken``, ``failed`` to be taken this time, or is ``dead``."""
        ...


class AlertDispatcher:
    """Implements ``ReportListener``: tells what reports say, at least once each."""

    def __init__(
        self,
        source: AlertSource,
        boxes: Boxes,
        clock: Clock,
        *,
        shard_of: Callable[[str], int],
        labels_of: LabelsOf,
        is_gone: Callable[[ObjectIdentity], bool],
        count: DeliveryCount,
        log: Callable[[str], None],
    ) -> None:
        """Know nothing yet.

        Args:
            source: Who hears of what.
            boxes: What was told.
            clock: For the time.
            shard_of: Returns the shard of a namespace.
            labels_of: Returns the labels of an object.
            is_gone: Whether it is known that there is no such object.
            count: Told what becomes of messages.
            log: Told of what was not taken, and of what nobody hears.
        """
        self._source = source
        self._boxes = boxes
        self._clock = clock
        self._shard_of = shard_of
        self._labels_of = labels_of
        self._is_gone = is_gone
        self._count = count
        self._log = log
        self._reports: dict[str, Mapping[str, Any]] = {}
        self._read: dict[str, frozenset[ObjectIdentity]] = {}
        self._made_in: dict[str, int | None] = {}
        self._alerts: dict[str, list[Alert]] = {}
        self._loaded: tuple[AlertSettings, AlertSender] | None = None
        self._silences: list[str] = []
        self._news = asyncio.Event()

    def reported(self, namespace: str, report: Mapping[str, Any], read: frozenset[ObjectIdentity]) -> None:
        """Take the report of a namespace."""
        self._reports[namespace] = report
        self._read[namespace] = read
        self._made_in[namespace] = self._boxes.term_of(namespace)
        self._alerts.pop(namespace, None)

    def left(self, namespace: str) -> None:
        """Know nothing of a namespace any more."""
        self._reports.pop(namespace, None)
        self._read.pop(namespace, None)
        self._alerts.pop(namespace, None)

    def brought(self) -> None:
        """Tell what is new."""
        self._news.set()

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            await self._wait()
            self._news.clear()
            try:
                await self.tend()
            except Exception as exc:
                self._log(f"telling alerts failed, and goes on: {exc!r}")
                await self._clock.sleep(TICK)

    async def _wait(self) -> None:
        now = self._clock.now()
        due = [at for box in self._boxes.known() if (at := next_due(box.outbox)) is not None]
        rest = min([TICK, *(at - now for at in due)]).total_seconds()
        try:
            async with asyncio.timeout(max(rest, 0.0)):
                await self._news.wait()
        except TimeoutError:
            return

    async def tend(self) -> None:
        """Look once at what is to be told, and tell it."""
        loaded = await self._source.load()
        if loaded is None:
            return
        boxes = await self._boxes.held()
        if loaded is not self._loaded:
            self._change(loaded, boxes)
        settings, sender = loaded
        self._tell_silences(settings)
        await asyncio.gather(*(self._tend_box(box, settings, sender) for box in boxes))

    def _change(self, loaded: tuple[AlertSettings, AlertSender], boxes: Iterable[Box]) -> None:
        """Take other settings: what nobody took by the last ones is tried by these, as far as it is still so."""
        if self._loaded is not None:
            now = self._clock.now()
            for box in boxes:
                box.outbox = revive(box.outbox, (), now).outbox
        self._loaded = loaded
        self._alerts.clear()

    def _tell_silences(self, settings: AlertSettings) -> None:
        alerts = [a for namespace in self._reports for a in self._alerts_of(namespace, settings)]
        lines = list(silence_lines(settings, alerts, self._clock.now()))
        for line in lines:
            if line not in self._silences:
                self._log(line)
        self._silences = lines

    def _alerts_of(self, namespace: str, settings: AlertSettings) -> list[Alert]:
        if namespace not in self._alerts:
            report = self._reports[namespace]
            self._alerts[namespace] = alerts_of(report, cluster=settings.cluster, labels_of=self._labels_of)
        return self._alerts[namespace]

    async def _tend_box(self, box: Box, settings: AlertSettings, sender: AlertSender) -> None:
        now = self._clock.now()
        ours = [n for n in sorted(self._reports) if self._shard_of(n) == box.shard and self._made_in[n] == box.term]
        alerts = [a for namespace in ours for a in self._alerts_of(namespace, settings)]
        blind = self._blind(box, ours, settings, now)
        news = [*alerts, *([blind] if blind is not None else [])]
        box.outbox = plan_messages(box.outbox, news, settings, now, may_end=lambda a: self._may_end(a, ours))
        if await self._boxes.save(box):
            await self._deliver(box, settings, sender)

    async def _deliver(self, box: Box, settings: AlertSettings, sender: AlertSender) -> None:
        """Send all that is due; what was taken in the last seconds before a kill is sent again."""
        saved = self._clock.monotonic()
        while due := due_messages(box.outbox, self._clock.now()):
            await asyncio.gather(*(self._send(box, settings, sender, message) for message in due))
            if self._clock.monotonic() - saved >= _SAVE.total_seconds():
                if not await self._boxes.save(box):
                    return
                saved = self._clock.monotonic()
        await self._boxes.save(box)

    def _blind(self, box: Box, namespaces: Iterable[str], settings: AlertSettings, now: datetime) -> Alert | None:
        reports = [self._reports[namespace] for namespace in namespaces]
        since = box.blind_since or now
        part = f"/{box.shard}" if box.shard else ""
        blind = unreadable_alert(reports, cluster=settings.cluster, since=since, part=part)
        box.blind_since = blind.since if blind is not None else None
        return blind

    def _may_end(self, alert: Alert, ours: Collection[str]) -> bool:
        """Whether what was told is over when no report tells it: its resource was read since, or nobody asks for it."""
        if alert.identity is None:
            return bool(ours)
        if alert.namespace in ours and alert.identity in self._read[alert.namespace]:
            return not is_cut(self._reports[alert.namespace])
        return self._is_gone(alert.identity)

    async def _send(self, box: Box, settings: AlertSettings, sender: AlertSender, message: Message) -> None:
        error = await try_sending(sender, settings, message)
        box.outbox = tried(box.outbox, message, error, self._clock.now())
        is_dead = any(dead.id == message.id for dead in box.outbox.dead)
        self._count.tried(message.sink, "taken" if error is None else "dead" if is_dead else "failed")
        if error is not None:
            self._complain(error, is_dead=is_dead)

    def _complain(self, error: EngineError, *, is_dead: bool) -> None:
        rest = "; it is not tried again before the settings change (trueup alerts list names it)" if is_dead else ""
        self._log(f"an alert was not delivered: {error}{rest}")
