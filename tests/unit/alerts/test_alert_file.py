"""The file of settings of a pod: what could be used last holds, whatever happens to it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.alerts.outbox import Message
from engine.alerts.settings import AlertSettings, Sink
from engine.app.logs import Log
from engine.app.pod_alerts import AlertFile
from engine.ports import AlertSender


class Sends:
    """Stands for what sends messages."""

    async def send(self, sink: Sink, message: Message) -> None:
        """Send nothing."""


def write(path: Path, cluster: str, folder: Path) -> None:
    sink = {"name": "ours", "type": "webhook", "url": "http://x", "key": {"file": str(folder / "key")}}
    path.write_text(json.dumps({"cluster": cluster, "sinks": [sink]}))


def load(found: AlertFile) -> str:
    """Return the name of the cluster by the settings that hold."""
    loaded = asyncio.run(found.load())
    return loaded[0].cluster if loaded is not None else ""


def anyone(_: AlertSettings) -> AlertSender:
    return Sends()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("one")
    write(tmp_path / "alerts.yaml", "first", tmp_path)
    return tmp_path / "alerts.yaml"


def lines(log: io.StringIO) -> list[str]:
    return [json.loads(line)["text"] for line in log.getvalue().splitlines()]


def test_the_same_file_is_the_same_settings(path: Path, tmp_path: Path) -> None:
    """Whoever asks sees by them being the very same that nothing changed; a key that changed is a change."""
    found = AlertFile(path, anyone, Log(io.StringIO()))
    first, second = asyncio.run(found.load()), asyncio.run(found.load())
    (tmp_path / "key").write_text("another")

    assert first is second is not None
    assert asyncio.run(found.load()) is not second


@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_text("sinks: [{name: x, type: pigeon}]"), lambda path: path.write_text("[")],
    ids=["gone", "no such type", "no YAML"],
)
def test_what_held_before_holds(path: Path, damage: Callable[[Path], object]) -> None:
    """The log says once what is wrong; as soon as the file can be used again it is."""
    log = io.StringIO()
    found = AlertFile(path, anyone, Log(log))
    load(found)
    damage(path)
    held = [load(found) for _ in range(3)]
    said = [text for text in lines(log) if "the settings before it hold" in text]
    is_good = found.is_good
    write(path, "second", path.parent)

    assert (held, len(said), is_good) == (["first"] * 3, 1, False)
    assert (load(found), found.is_good) == ("second", True)


def test_what_sending_hangs_on_is_looked_at_from_the_start(path: Path, tmp_path: Path) -> None:
    """An authority that is mounted late is found without another change of the settings."""
    authority = tmp_path / "ca.pem"

    def make(_: AlertSettings) -> AlertSender:
        authority.read_bytes()
        return Sends()

    found = AlertFile(path, make, Log(io.StringIO()), also=[authority])
    before = load(found)
    authority.write_text("one")

    assert (before, load(found)) == ("", "first")


def test_settings_by_which_nothing_can_be_sent_take_no_effect(path: Path, tmp_path: Path) -> None:
    """An authority that cannot be read is named, once, and what held before holds until it can be."""
    log, authority = io.StringIO(), tmp_path / "ca.pem"

    def make(settings: AlertSettings) -> AlertSender:
        if settings.cluster == "second":
            authority.read_bytes()
        return Sends()

    found = AlertFile(path, make, Log(log), also=[authority])
    load(found)
    write(path, "second", path.parent)
    held = [load(found), load(found)]
    authority.write_text("one")

    assert (held, load(found)) == (["first", "first"], "second")
    assert [text for text in lines(log) if "hold" in text] == [
        f"[Errno 2] No such file or directory: '{authority}'; the settings before it hold"
    ]
