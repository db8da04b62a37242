"""A real Alertmanager holds what is sent while it is so, as its own tool shows it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.alerts.alert import Alert, alerts_of
from engine.alerts.outbox import Message, Outbox, plan_messages
from engine.alerts.settings import parse_settings
from engine.drift.document import build_report
from engine.runtime.clock import SystemClock
from tests.drift_cases import drifted, ledger_of, moved
from tests.unit.alerts.test_alert_messages import message
from tests.unit.alerts.test_alert_sinks import send, sink_of

pytestmark = pytest.mark.loopback


@dataclass(frozen=True)
class Alertmanager:
    """A server, and the tool that is shipped with it."""

    url: str
    amtool: str

    def send(self, told: Message) -> None:
        """Deliver a message as ``trueup`` does."""
        send(sink_of("alertmanager", self.url + "/api/v2/alerts"), told)

    def ask(self, *arguments: str) -> Any:
        """Return what amtool answers."""
        command = [self.amtool, "--alertmanager.url", self.url, "-o", "json", *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        return json.loads(answer) if answer.startswith(("[", "{")) else answer.strip()

    def alerts(self, *arguments: str) -> list[tuple[str, str]]:
        """Return name and severity of the alerts that amtool shows."""
        found = self.ask("alert", "query", *arguments)
        return sorted((a["labels"]["name"], a["labels"]["severity"]) for a in found)


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """Run Debian's Alertmanager meanwhile."""
    program, amtool = shutil.which("prometheus-alertmanager"), shutil.which("amtool")
    if program is None or amtool is None:
        pytest.skip("prometheus-alertmanager is not installed (Debian package of that name)")
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        program, f"--config.file={config}", f"--storage.path={tmp_path}", f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_until_up(server, f"http://{address}")
        yield Alertmanager(f"http://{address}", amtool)
    finally:
        server.kill()
        server.wait(10)


def _wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=10).close()
        except OSError:
            try:
                server.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError("Alertmanager ended") from None
        else:
            return
    raise AssertionError("Alertmanager does not answer")


def found(now: datetime, *steps: Any) -> list[Alert]:
    """Return the alerts of what drifted, seen just now."""
    alerts = alerts_of(build_report("default", ledger_of(*steps)), cluster="c1", labels_of=lambda _: {})
    return [replace(a, since=now) for a in alerts]


def test_an_alert_is_held_until_its_end(alertmanager: Alertmanager) -> None:
    """amtool shows the alert with what moved while it fires, and nothing when it is resolved."""
    alertmanager.send(message(drifted()))
    (held,) = alertmanager.ask("alert", "query", "cluster=c1", "kind=StorageAccount")
    alertmanager.send(message(drifted(), resolved=1))

    assert (held["labels"]["name"], held["status"]["state"]) == ("app", "active")
    assert "TLS1_0" in held["annotations"]["description"]
    assert alertmanager.alerts() == []


def test_an_alert_that_becomes_worse_is_one_alert(alertmanager: Alertmanager) -> None:
    """The alert under its old labels ends in the delivery that brings the new ones; nothing is left to run out."""
    settings = parse_settings({"sinks": [{"name": "am", "type": "alertmanager", "url": "http://127.0.0.1/x"}]})
    now = SystemClock().now()
    tag, door = moved("/tags/a"), moved("/properties/publicNetworkAccess", before="Enabled", after="Disabled")
    first = plan_messages(Outbox(), found(now, drifted("app", tag)), settings, now)
    worse = plan_messages(first, found(now, drifted("app", door)), settings, now + timedelta(seconds=1))

    begun, changed = worse.waiting
    alertmanager.send(begun)
    before = alertmanager.alerts()
    alertmanager.send(changed)

    assert (before, alertmanager.alerts()) == ([("app", "info")], [("app", "critical")])


def test_a_silence_of_amtool_holds_what_is_sent(alertmanager: Alertmanager) -> None:
    """A silence by the labels that Trueup sets keeps the alert from people, whatever its values are."""
    alertmanager.ask("silence", "add", "alertname=TrueupDrift", "namespace=default", "--comment=migration", "-a", "ops")
    alertmanager.send(message(drifted()))

    assert alertmanager.alerts() == []
    assert alertmanager.alerts("--silenced") == [("app", "critical")]
