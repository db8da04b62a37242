"""Alerts of ``trueup run --alerts``: the file of settings, which may change; numbers; and the task that tells."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
from collections import Counter as Count
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.alerts.kube_events import events_of
from engine.alerts.outbox import Message
from engine.alerts.parts import SettingsError
from engine.alerts.settings import AlertSettings
from engine.app import metric_names as names
from engine.app.alerting import read_alert_settings, reveal
from engine.app.logs import Log
from engine.app.metrics import Counter, Gauge, Labels, Metric, single
from engine.cluster.operating import Operating
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError
from engine.ports import AlertSender, Clock
from engine.runtime.controller.couriers import Couriers, Loaded
from engine.runtime.controller.dispatcher import AlertDispatcher
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.holdings import Holdings
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.outboxes import Boxes
from providers.alerts.sinks import MakeEvents, Sender

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

MANAGING: Final = "trueup-alerts-"
"""Begins the names of Secrets with outboxes; the number of the shard follows."""
REPORTING: Final = "trueup-report-alerts"
"""The Secret of a pod that only reports: it never shares its work."""
_LASTS: Final = timedelta(hours=24)
"""For so long an alert that is not told again holds at Alertmanager, should the pod be gone for good."""


class AlertFile:
    """Implements ``AlertSource``: the last settings that could be used, whatever stands in the file by now."""

    def __init__(
        self,
        path: Path,
        make_sender: Callable[[AlertSettings], AlertSender],
        log: Log,
        *,
        also: Collection[Path] = (),
    ) -> None:
        """Read nothing yet.

        Args:
            path: The file.
            make_sender: Makes what sends by its settings; EngineError or OSError where nothing can.
            log: Told of what is wrong.
            also: Other files that sending hangs on.
        """
        self._path = path
        self._also = frozenset(also)
        self._make_sender = make_sender
        self._log = log
        self._stamp: tuple[object, ...] | None = None
        self._watched = self._also
        self._loaded: Loaded | None = None
        self.is_good = False

    @property
    def sinks(self) -> Collection[str]:
        """Return the names of the sinks."""
        return self._loaded[0].sinks.keys() if self._loaded is not None else ()

    async def load(self) -> Loaded | None:
        """Return settings and sender: others when the file changed, or a file that it names."""
        await asyncio.to_thread(self._look)
        return self._loaded

    def _look(self) -> None:
        stamp = self._stamp_of(self._watched)
        if stamp == self._stamp:
            return
        try:
            settings = read_alert_settings(self._path)
            sender = self._make_sender(settings)
        except (EngineError, OSError) as exc:
            self._say_wrong(exc)
            self._stamp, self.is_good = stamp, False
            return
        references = (r for sink in settings.sinks.values() for r in sink.secrets.values())
        self._watched = self._also | {Path(r.file) for r in references if r.file}
        self._loaded = (settings, sender)
        self._stamp, self.is_good = self._stamp_of(self._watched), True
        self._log.info(f"alerts are told to {', '.join(sorted(settings.sinks))}", file=str(self._path))

    def _say_wrong(self, exc: EngineError | OSError) -> None:
        rest = "the settings before it hold" if self._loaded is not None else "nobody is told of drift"
        for fault in exc.faults if isinstance(exc, SettingsError) else [str(exc)]:
            self._log.error(f"{fault}; {rest}")

    def _stamp_of(self, watched: Iterable[Path]) -> tuple[object, ...]:
        return tuple(_stat(path) for path in (self._path, *sorted(watched)))


def _stat(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Deliveries:
    """Implements ``DeliveryCount``."""

    def __init__(self) -> None:
        self.messages = Counter(names.ALERT_MESSAGES)

    def tried(self, sink: str, result: str) -> None:
        self.messages.add(sink, result)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAlerts:
    """What tells alerts, and its numbers."""

    dispatcher: AlertDispatcher
    metrics: Sequence[Metric]

    @contextlib.asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell alerts meanwhile; what is not told by the end is told by the next process."""
        task = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def make_alerts(
    client: KubeClient,
    args: argparse.Namespace,
    operating: Operating,
    clock: Clock,
    log: Log,
    *,
    holdings: Holdings,
    objects: Objects,
    book: DriftBook,
    ca_file: str,
) -> PodAlerts:
    """Return what tells alerts."""
    from providers.kube.alert_outboxes import KubeOutboxes

    events = _event_maker(client, operating, objects, clock)

    def make_sender(settings: AlertSettings) -> AlertSender:
        return Sender(clock, reveal, cluster=settings.cluster, lasts=_LASTS, ca_file=ca_file, make_events=events)

    def labels_of(identity: ObjectIdentity) -> dict[str, str]:
        found = objects.find(identity)
        return dict(found.resource.labels) if found is not None else {}

    def is_gone(identity: ObjectIdentity) -> bool:
        return bool(book.passes and not objects.problems()) and objects.find(identity) is None

    file = AlertFile(args.alerts, make_sender, log, also=[Path(ca_file)] if ca_file else [])
    deliveries = _Deliveries()
    boxes = Boxes(
        KubeOutboxes(client, operating.namespace),
        clock,
        name_of=lambda shard: f"{MANAGING}{shard}" if operating.mode.writes else REPORTING,
        holdings=holdings,
        complain=log.error,
    )
    dispatcher = AlertDispatcher(
        file,
        boxes,
        Couriers(boxes, clock, count=deliveries, log=log.warn),
        clock,
        holdings=holdings,
        labels_of=labels_of,
        is_gone=is_gone,
        log=log.warn,
    )
    return PodAlerts(dispatcher=dispatcher, metrics=_metrics(boxes, file, deliveries, clock))


def _event_maker(client: KubeClient, operating: Operating, objects: Objects, clock: Clock) -> MakeEvents:
    from providers.kube.alert_events import make_events

    pod = (operating.namespace, socket.gethostname().lower())

    def uid_of(identity: ObjectIdentity) -> str:
        found = objects.find(identity)
        return found.resource.uid if found is not None else ""

    async def make(message: Message) -> None:
        await make_events(client, events_of(message, uid_of=uid_of, pod=pod, now=clock.now()))

    return make


def _metrics(boxes: Boxes, file: AlertFile, deliveries: _Deliveries, clock: Clock) -> Sequence[Metric]:
    def by_sink(found: Iterable[str]) -> list[tuple[Labels, float]]:
        counts = Count(found)
        return [((name,), counts[name]) for name in sorted({*counts, *file.sinks})]

    def waiting() -> list[tuple[Labels, float]]:
        return by_sink(m.sink for box in boxes.known() for m in box.outbox.waiting)

    def oldest() -> float:
        now = clock.now()
        return max(((now - m.created).total_seconds() for b in boxes.known() for m in b.outbox.waiting), default=0.0)

    def dead() -> list[tuple[Labels, float]]:
        return by_sink(m.sink for box in boxes.known() for m in box.outbox.dead)

    def told() -> list[tuple[Labels, float]]:
        return by_sink(sink for box in boxes.known() for sink, alerts in box.outbox.told.items() for _ in alerts)

    return (
        deliveries.messages,
        Gauge(names.ALERT_MESSAGES_WAITING, waiting),
        single(names.ALERT_MESSAGE_AGE, oldest),
        Gauge(names.ALERT_MESSAGES_DEAD, dead),
        Gauge(names.ALERTS_TOLD, told),
        single(names.ALERT_SETTINGS_GOOD, lambda: float(file.is_good)),
    )
