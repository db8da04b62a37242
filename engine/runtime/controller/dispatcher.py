"""Alerts of the pod: what reports say becomes messages, which are kept, sent, and kept again; no pass waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from engine.alerts.alert import Alert, LabelsOf, alerts_of, is_cut, unreadable_alert
from engine.alerts.delivery import next_due, revive
from engine.alerts.outbox import plan_messages
from engine.alerts.overview import silence_lines
from engine.alerts.settings import AlertSettings
from engine.desired.identity import ObjectIdentity
from engine.ports import Clock
from engine.runtime.controller.couriers import Couriers, Loaded
from engine.runtime.controller.holdings import Holdings, Terms
from engine.runtime.controller.outboxes import Box, Boxes

TICK: Final = timedelta(seconds=10)
"""Ages, digests and the file of settings are looked at this often without news."""
_SHORTEST: Final = timedelta(seconds=1)
"""Without news nothing is so urgent; a message that stays due, whatever the reason, keeps nobody busy."""


class AlertSource(Protocol):
    """The settings as they are now."""

    async def load(self) -> Loaded | None:
        """Return the last settings that could be used, and what sends by them: the same ones while nothing changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reported:
    """A report, what could be read for it, and the turn in which it was made."""

    report: Mapping[str, Any]
    read: frozenset[ObjectIdentity]
    term: int | None


class AlertDispatcher:
    """Implements ``ReportListener``: tells what reports say, at least once each."""

    def __init__(
        self,
        source: AlertSource,
        boxes: Boxes,
        couriers: Couriers,
        clock: Clock,
        *,
        holdings: Holdings,
        labels_of: LabelsOf,
        is_gone: Callable[[ObjectIdentity], bool],
        log: Callable[[str], None],
    ) -> None:
        """Know nothing yet.

        Args:
            source: Who hears of what.
            boxes: What was told.
            couriers: Send what waits there.
            clock: For the time.
            holdings: Which namespaces are ours.
            labels_of: Returns the labels of an object.
            is_gone: Whether it is known that there is no such object.
            log: Told of what went wrong, and of what nobody hears.
        """
        self._source = source
        self._boxes = boxes
        self._couriers = couriers
        self._clock = clock
        self._holdings = holdings
        self._labels_of = labels_of
        self._is_gone = is_gone
        self._log = log
        self._coming: dict[str, _Reported | None] = {}
        self._reports: dict[str, _Reported] = {}
        self._swept: Terms = {}
        self._alerts: dict[str, list[Alert]] = {}
        self._loaded: Loaded | None = None
        self._silences: list[str] = []
        self._news = asyncio.Event()

    def reported(self, namespace: str, report: Mapping[str, Any], read: frozenset[ObjectIdentity]) -> None:
        """Take the report of a namespace; it counts when all those that changed with it are known."""
        self._coming[namespace] = _Reported(report=report, read=read, term=self._holdings.term_of(namespace))

    def left(self, namespace: str) -> None:
        """Know nothing of a namespace any more."""
        self._coming[namespace] = None

    def brought(self, swept: Terms) -> None:
        """Tell what is new."""
        coming, self._coming = self._coming, {}
        known, terms = {**self._reports, **coming}, self._holdings.terms()
        self._reports = {
            n: r for n, r in known.items() if r is not None and r.term == terms.get(self._holdings.shard_of(n))
        }
        self._alerts = {n: a for n, a in self._alerts.items() if n in self._reports and n not in coming}
        self._swept = swept
        self._news.set()

    async def run(self) -> None:
        """Tell, for ever; in the end keep what became of messages."""
        try:
            while True:
                await self._wait()
                self._news.clear()
                if not await self.look():
                    await self._clock.sleep(TICK)
        finally:
            await self._couriers.stop()

    async def _wait(self) -> None:
        now = self._clock.now()
        due = [at for b in self._boxes.known() if (at := next_due(b.outbox, self._couriers.busy(b.shard))) is not None]
        rest = max(_SHORTEST, min([TICK, *(at - now for at in due)]))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest.total_seconds()):
                await self._news.wait()

    async def look(self) -> bool:
        """Look once at what is to be told, and have it sent; nobody waits for that. Return whether all went well."""
        try:
            return await self._look()
        except Exception as exc:
            self._log(f"telling alerts failed, and goes on: {exc!r}")
            return False

    async def _look(self) -> bool:
        loaded = await self._source.load()
        if loaded is None:
            return True
        boxes = await self._boxes.held()
        if loaded is not self._loaded:
            self._change(loaded, boxes)
        self._tell_silences(loaded[0])
        return all(await asyncio.gather(*(self._tend(box, loaded) for box in boxes)))

    def _change(self, loaded: Loaded, boxes: Iterable[Box]) -> None:
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
            report = self._reports[namespace].report
            self._alerts[namespace] = alerts_of(report, cluster=settings.cluster, labels_of=self._labels_of)
        return self._alerts[namespace]

    async def _tend(self, box: Box, loaded: Loaded) -> bool:
        """Put what is new into an outbox; what goes wrong with one is no matter of the others."""
        try:
            self._plan(box, loaded[0])
            if await self._boxes.save(box):
                self._couriers.start(box, loaded)
        except Exception as exc:
            self._log(f"telling alerts of shard {box.shard} failed, and goes on: {exc!r}")
            return False
        return True

    def _plan(self, box: Box, settings: AlertSettings) -> None:
        now = self._clock.now()
        ours = {n: r for n, r in sorted(self._reports.items()) if self._is_of(box, n, r)}
        alerts = [a for namespace in ours for a in self._alerts_of(namespace, settings)]
        is_swept = self._swept.get(box.shard) == box.term
        blind = self._blind(box, ours.values(), settings, now) if is_swept else None
        news = [*alerts, *([blind] if blind is not None else [])]

        def may_end(alert: Alert) -> bool:
            """Whether what was told is over when no report tells it."""
            return is_swept if alert.identity is None else self._is_over(alert, alert.identity, ours)

        box.outbox = plan_messages(box.outbox, news, settings, now, may_end=may_end)

    def _is_of(self, box: Box, namespace: str, found: _Reported) -> bool:
        return self._holdings.shard_of(namespace) == box.shard and found.term == box.term

    def _blind(self, box: Box, found: Iterable[_Reported], settings: AlertSettings, now: datetime) -> Alert | None:
        """Return the alert that Azure cannot be read: it takes everything that there is to tell what half of it is."""
        reports = [r.report for r in found]
        since = box.blind_since or now
        part = f"/{box.shard}" if box.shard else ""
        blind = unreadable_alert(reports, cluster=settings.cluster, since=since, part=part)
        box.blind_since = blind.since if blind is not None else None
        return blind

    def _is_over(self, alert: Alert, identity: ObjectIdentity, ours: Mapping[str, _Reported]) -> bool:
        """Whether a resource was read since, or nobody asks for it any more."""
        found = ours.get(alert.namespace)
        if found is not None and identity in found.read:
            return not is_cut(found.report)
        return self._is_gone(identity)
