"""What ``trueup alerts`` does: looks at settings, tries sinks, and takes up what nobody took."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson

from engine.alerts.alert import make_test_alert
from engine.alerts.outbox import Message
from engine.alerts.overview import outbox_lines, remarks, settings_lines, where_text
from engine.alerts.parts import SettingsError
from engine.alerts.settings import EVENTS, AlertSettings, Sink
from engine.app.alerting import load_outbox, open_alerts, outbox_file, read_alert_settings, reveal
from engine.app.console import complain, warn
from engine.app.exit_codes import ExitCode
from engine.desired.check import suggest
from engine.errors import EngineError, InvalidSpecError
from engine.reporting.phrases import plural
from engine.reporting.values import printable
from engine.runtime.clock import SystemClock
from providers.alerts.sinks import Sender
from providers.manifests.yaml_places import line_of

_ROUTING_KEY: Final = 32
"""Characters of every key of PagerDuty's Events API v2."""
_LASTS: Final = timedelta(minutes=5)
"""Of a test whose end does not arrive."""


def check(path: Path) -> int:
    """Print what a file means; 1 when it is wrong, 3 when a secret that it names is not here."""
    now = SystemClock().now()
    try:
        settings = read_alert_settings(path)
    except SettingsError as exc:
        for fault in exc.faults:
            complain(fault)
        return ExitCode.ERROR
    _print(settings_lines(settings, now))
    content = path.read_bytes()
    for remark in remarks(settings, now):
        warn(f"{path}:{line_of(content, remark.place)}: {remark}")
    missing = [text for sink in settings.sinks.values() for text in _missing(sink)]
    for text in missing:
        warn(text)
    return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN


def _missing(sink: Sink) -> list[str]:
    """Return which texts of a sink cannot be had here, or cannot be what they should."""
    found = []
    for name, reference in sorted(sink.secrets.items()):
        try:
            text = reveal(reference)
        except EngineError as exc:
            found.append(f"sink {sink.name}: {name}: {str(exc).removeprefix('alerts: ')}")
        else:
            if name == "routingKey" and len(text) != _ROUTING_KEY:
                found.append(f"sink {sink.name}: routingKey {where_text(reference)} has not {_ROUTING_KEY} characters")
            if name == "url" and not text.startswith(("http://", "https://")):
                found.append(f"sink {sink.name}: url {where_text(reference)} begins with neither http:// nor https://")
    return found


def test(path: Path, names: Sequence[str], *, ca_file: str) -> int:
    """Send a test to each sink, or to those that are named; 1 when one did not take it."""
    settings = read_alert_settings(path)
    for name in names:
        if name not in settings.sinks:
            raise InvalidSpecError(f"{path} has no sink {name!r}", hint=suggest(name, sorted(settings.sinks)))
    chosen = [sink for name, sink in settings.sinks.items() if not names or name in names]
    return asyncio.run(_test(settings, chosen, ca_file))


async def _test(settings: AlertSettings, sinks: Sequence[Sink], ca_file: str) -> int:
    clock = SystemClock()
    now = clock.now()
    sender = Sender(clock, reveal, cluster=settings.cluster, lasts=_LASTS, ca_file=ca_file)
    alert, number, failures = make_test_alert(settings.cluster, now), uuid4().hex[:12], 0
    for sink in sinks:
        if sink.type == EVENTS:
            _print([f"{sink.name} ({sink.type}): left out: only a pod makes events"])
            continue
        begun = Message(id=f"test-{number}-1", sink=sink.name, firing=(alert,), created=now, due=now)
        ended = replace(begun, id=f"test-{number}-2", firing=(), resolved=(alert,))
        step = "the test"
        try:
            await sender.send(sink, begun)
            step = "its end"
            await sender.send(sink, ended)
        except EngineError as exc:
            failures += 1
            _print([f"{sink.name} ({sink.type}): {step} was not taken: {exc}"])
        else:
            _print([f"{sink.name} ({sink.type}): took the test and its end"])
    return ExitCode.ERROR if failures else ExitCode.CLEAN


def show(state: Path, *, as_json: bool) -> int:
    """Print what a state folder knows of alerts."""
    path = outbox_file(state)
    outbox = load_outbox(path).outbox
    if as_json:
        sys.stdout.write(orjson.dumps(outbox.to_json(), option=orjson.OPT_APPEND_NEWLINE).decode())
        return ExitCode.CLEAN
    if not path.exists():
        warn(f"drift --alerts was never run with the state folder {state} (--state names another)")
    _print(list(outbox_lines(outbox)) or ["nothing was told, nothing waits, nothing was refused"])
    return ExitCode.CLEAN


def retry(path: Path, state: Path, ids: Sequence[str], *, ca_file: str) -> int:
    """Send again what waits or is dead; 1 when something was not taken this time either."""
    with open_alerts(path, state, SystemClock(), ca_file=ca_file) as alerts:
        done = asyncio.run(alerts.retry(ids))
    for unknown in done.unknown:
        complain(f"no message {unknown} waits or is dead")
    left = {m.id for m in (*done.outbox.waiting, *done.outbox.dead)}
    for number in done.sent:
        _print([f"{number}: {'was not taken' if number in left else 'taken'}"])
    for number in done.over:
        _print([f"{number}: left out, it is not so any more"])
    if not (done.sent or done.over or done.unknown):
        _print(["nothing waits and nothing is dead"])
    failed = [number for number in done.sent if number in left]
    if failed:
        warn(f"{plural(len(failed), 'message')} not taken; the next runs of drift --alerts try again what is not dead")
    return ExitCode.ERROR if failed or done.unknown else ExitCode.CLEAN


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(printable(line) + "\n" for line in lines)
