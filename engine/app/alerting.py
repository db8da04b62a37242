"""Alerts of ``trueup drift --alerts``: what was told stands in the state folder, and is told once."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from engine.alerts.alert import Alert, LabelsOf, alerts_of, is_cut, unreadable_alert
from engine.alerts.delivery import Revived, due_messages, revive, tried
from engine.alerts.outbox import Message, Outbox, plan_messages, read_outbox
from engine.alerts.overview import silence_lines
from engine.alerts.parts import SettingsError
from engine.alerts.settings import EVENTS, AlertSettings, Reference, parse_settings
from engine.app.console import warn
from engine.app.output import write_atomically
from engine.drift.document import build_report, parse_stamp, read_report, stamp
from engine.drift.finding import Standing, look_at
from engine.drift.ledger import Ledger
from engine.errors import InvalidSpecError
from engine.model.plan import Step
from engine.ports import Clock
from engine.runtime.alerting import try_sending
from engine.runtime.scope import InputScope
from providers.alerts.sinks import Sender
from providers.manifests.document import Misread
from providers.manifests.yaml_places import line_of
from providers.manifests.yaml_text import read_yaml
from providers.state.lock import FolderLock

_FILE: Final = "alerts.json"
_LOCK: Final = "alerts.lock"
_LASTS: Final = timedelta(hours=24)
"""Runs may be a day apart: an alert that is not told again holds for so long at Alertmanager."""


def read_alert_settings(path: Path) -> AlertSettings:
    """Return what a file says of sinks and routes.

    Raises:
        InvalidSpecError: It cannot be read, or does not say it well.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"alerts: {path} cannot be read", detail=exc.strerror or type(exc).__name__) from exc
    values = []
    for document in read_yaml(content):
        if isinstance(document, Misread):
            raise InvalidSpecError(
                f"alerts: {path}:{document.line} cannot be read", detail=document.text, hint=document.hint
            )
        values.append(document.value)
    if len(values) != 1:
        raise InvalidSpecError(f"alerts: {path} holds {len(values)} documents; one is read")
    try:
        return parse_settings(values[0])
    except SettingsError as exc:
        raise exc.within(lambda fault: f"{path}:{line_of(content, fault.place)}") from exc


@contextlib.contextmanager
def open_alerts(path: Path, state: Path, clock: Clock, *, ca_file: str = "") -> Iterator[AlertRun]:
    """Take up what earlier runs left, and keep other runs away from it meanwhile.

    Raises:
        InvalidSpecError: The file or what was left cannot be used.
        UnavailableError: Another run is at work.
    """
    settings = read_alert_settings(path)
    for sink in settings.sinks.values():
        if sink.type == EVENTS:
            raise InvalidSpecError(
                f"alerts: {path}: sink {sink.name} makes Kubernetes events, which only a pod does",
                hint="leave it out here; trueup run --alerts takes it",
            )
    lock = FolderLock(state, name=_LOCK, verb="drift --alerts")
    lock.acquire()
    try:
        yield AlertRun(settings, state, clock, ca_file=ca_file)
    finally:
        lock.release()


class AlertRun:
    """One run: what moved is compared with what was told, and what is news is sent."""

    def __init__(self, settings: AlertSettings, state: Path, clock: Clock, *, ca_file: str = "") -> None:
        """Take up what earlier runs left."""
        self._settings = settings
        self._path = outbox_file(state)
        self._clock = clock
        self._sender = Sender(clock, reveal, cluster=settings.cluster, lasts=_LASTS, ca_file=ca_file)
        left = load_outbox(self._path)
        self._outbox, self._reports, self._blind_since = left.outbox, left.reports, left.blind_since
        self._inputs = dict(left.inputs)

    async def tell(
        self, steps: Sequence[Step], labels_of: LabelsOf, is_chosen: Callable[[str], bool], scope: InputScope
    ) -> None:
        """Send what is news, and what earlier runs could not deliver; what fails is warned of and stays.

        Args:
            steps: What this run decided.
            labels_of: Returns the labels of an object.
            is_chosen: Whether this run saw every object of a namespace that its input has.
            scope: The input; what another one asks for is not gone.
        """
        now, cluster = self._clock.now(), self._settings.cluster
        seen_now = _report(steps, self._reports, self._clock)
        elsewhere = {about.partition("/")[0] for about, inputs in self._inputs.items() if not _is_all_of(scope, inputs)}
        kept = {n: report for n, report in self._reports.items() if n in elsewhere or not is_chosen(n)}
        self._reports = {**kept, **seen_now}
        told_now = _alerts_of(seen_now.values(), cluster, labels_of)
        self._inputs |= {alert.object: scope.roots for alert in told_now}
        others = _alerts_of((r for n, r in kept.items() if n not in seen_now), cluster, labels_of)
        blind = unreadable_alert(seen_now.values(), cluster=cluster, since=self._blind_since or now)
        self._blind_since = blind.since if blind is not None else None
        seen = {step.key.identity: look_at(step).standing is not Standing.UNREADABLE for step in steps}

        def may_end(alert: Alert) -> bool:
            if alert.namespace in self._reports and is_cut(self._reports[alert.namespace]):
                return False
            is_ours = is_chosen(alert.namespace) and _is_all_of(scope, self._inputs.get(alert.object, ()))
            return alert.identity is None or seen.get(alert.identity, is_ours)

        news = [*told_now, *others, *([blind] if blind is not None else [])]
        self._outbox = plan_messages(self._outbox, news, self._settings, now, may_end=may_end)
        known = {t.alert.object for alerts in self._outbox.told.values() for t in alerts.values()}
        self._inputs = {name: inputs for name, inputs in self._inputs.items() if name in known}
        self._save()
        for line in silence_lines(self._settings, news, now):
            warn(line)
        await self._deliver_due()

    async def retry(self, ids: Collection[str]) -> Revived:
        """Send what waits or is dead, all or what is named; return what became of it, with the outbox after it."""
        revived = revive(self._outbox, ids, self._clock.now())
        if revived.sent or revived.over:
            self._outbox = revived.outbox
            self._save()
            await self._deliver_due()
        return replace(revived, outbox=self._outbox)

    async def _deliver_due(self) -> None:
        while due := due_messages(self._outbox, self._clock.now()):
            await self._deliver(due[0])

    async def _deliver(self, message: Message) -> None:
        error = await try_sending(self._sender, self._settings, message)
        self._outbox = tried(self._outbox, message, error, self._clock.now())
        if error is not None:
            warn(f"an alert was not delivered: {error}")
            if any(dead.id == message.id for dead in self._outbox.dead):
                warn(f"it is not tried again; {self._path} holds it under dead, {self._outbox.dead_count} in all")
        self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        since = {"blindSince": stamp(self._blind_since)} if self._blind_since is not None else {}
        value = {**self._outbox.to_json(), "reports": self._reports, "inputs": self._inputs, **since}
        write_atomically(self._path, orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def outbox_file(state: Path) -> Path:
    """Return where the outbox of a state folder stands."""
    return state / _FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What earlier runs left.

    Attributes:
        outbox: What was told, and is to be.
        reports: The DriftReports that it was told from, by namespace.
        inputs: The input that asked for an object that was told of, by its name.
        blind_since: Since when Azure cannot be read; None while it can be.
    """

    outbox: Outbox = field(default_factory=Outbox)
    reports: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    blind_since: datetime | None = None


def _alerts_of(reports: Iterable[Mapping[str, Any]], cluster: str, labels_of: LabelsOf) -> list[Alert]:
    return [a for report in reports for a in alerts_of(report, cluster=cluster, labels_of=labels_of)]


def _is_all_of(scope: InputScope, inputs: Iterable[str]) -> bool:
    """Whether a run over this input saw all of these."""
    return all(name in scope.roots or scope.covers(name) for name in inputs)


def load_outbox(path: Path) -> Left:
    """Return what earlier runs left.

    Raises:
        InvalidSpecError: It is damaged, or not ours.
    """
    if not path.exists():
        return Left()
    try:
        found = orjson.loads(path.read_bytes())
        return Left(
            outbox=read_outbox(found),
            reports=dict(found["reports"]),
            inputs=dict(found.get("inputs", {})),
            blind_since=parse_stamp(found.get("blindSince")),
        )
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InvalidSpecError(
            f"{path} cannot be read", detail=str(exc), hint="delete it; alerts that were told are then told again"
        ) from exc


def _report(steps: Iterable[Step], earlier: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    """Return the DriftReport of each namespace, with the times that earlier runs first saw drift."""
    now = clock.now()
    ledgers: dict[str, Ledger] = defaultdict(Ledger)
    for step in steps:
        ledgers[step.key.namespace].note(step.key.identity, look_at(step), now)
    for namespace, ledger in ledgers.items():
        if namespace in earlier:
            ledger.recall(read_report(earlier[namespace]), now)
    return {namespace: build_report(namespace, ledger) for namespace, ledger in ledgers.items()}


def reveal(reference: Reference) -> str:
    """Return the text that a reference names.

    Raises:
        InvalidSpecError: There is none; the text itself is never told.
    """
    if reference.env:
        found = os.environ.get(reference.env, "")
        where = f"environment variable {reference.env}"
    elif reference.file:
        where = reference.file
        try:
            found = Path(reference.file).read_text().strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidSpecError(f"alerts: {where} cannot be read", detail=type(exc).__name__) from exc
    else:
        return reference.text
    if not found:
        raise InvalidSpecError(f"alerts: {where} is empty")
    return found
