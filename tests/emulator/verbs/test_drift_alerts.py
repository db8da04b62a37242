"""``trueup drift --alerts`` from Azure to the receiver: told once, again after a failure, and when it is over."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.state.lock import FolderLock
from tests.receivers import receiver
from tests.verbs_desk import Desk, account, group

pytestmark = pytest.mark.loopback


def write_alerts(folder: Path, url: str, **route: Any) -> str:
    """Write a document with one signed webhook; return its path."""
    (folder / "key").write_text("shared\n")
    sink = {"name": "hook", "type": "webhook", "url": url, "key": {"file": str(folder / "key")}}
    path = folder / "alerts.yaml"
    path.write_text(json.dumps({"cluster": "desk", "sinks": [sink], "routes": [route] if route else []}))
    return str(path)


def let_time_pass(desk: Desk) -> None:
    """Make what waits for a next try due, as the time until then would."""
    path = desk.state / "alerts.json"
    found = json.loads(path.read_text())
    for message in found["waiting"]:
        message["due"] = message["created"]
    path.write_text(json.dumps(found))


def test_drift_is_told_once_and_when_it_is_over(desk: Desk, tmp_path: Path) -> None:
    """What the receiver could not take is told later, not at once; what it took is not told again; the end is."""
    name = f"{desk.name}store"
    desk.write(group(desk.name), account(name, desk.name, labels={"team": "web"}))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    with receiver(503) as there:
        alerts = write_alerts(tmp_path, there.url, match={"labels": {"team": "web"}})
        refused = desk.run("drift", "--alerts", alerts)
        there.status = 200
        desk.run("drift", "--alerts", alerts)
        at_once = len(there.got)
        let_time_pass(desk)
        desk.run("drift", "--alerts", alerts)
        desk.run("drift", "--alerts", alerts)
        desk.apply()
        desk.run("drift", "--alerts", alerts)

    told = [json.loads(body) for _, _, body in there.got]
    assert at_once == 1
    assert (refused.code, "sink hook answered HTTP 503" in refused.err) == (2, True)
    assert [(len(m["firing"]), len(m["resolved"])) for m in told] == [(1, 0), (1, 0), (0, 1)]
    assert told[0]["id"] == told[1]["id"]
    (alert,) = told[1]["firing"]
    assert alert["changes"] == ['properties.accessTier: "Hot" → "Cool"']
    assert alert["object"].endswith(name)


def test_runs_over_a_part_end_nothing_else(desk: Desk, tmp_path: Path) -> None:
    """What a run did not look at is neither over nor new: by target, by namespace, or in a file that cannot be read."""
    names = [f"{desk.name}p{n}" for n in (1, 2)]
    desk.write(group(desk.name), *(account(name, desk.name) for name in names))
    desk.apply()
    for name in names:
        desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    with receiver() as there:
        alerts = write_alerts(tmp_path, there.url)
        for part in ([], ["--target", names[0]], ["-n", "elsewhere"], ["-l", "team=none"], []):
            desk.run("drift", "--alerts", alerts, *part)
        desk.azure.edit("PATCH", desk.id_of("account", names[1]), {"properties": {"accessTier": "Hot"}})
        for part in (["--target", names[0]], ["--target", names[1]], []):
            desk.run("drift", "--alerts", alerts, *part)

    told = [json.loads(body) for _, _, body in there.got]
    assert [(len(m["firing"]), len(m["resolved"])) for m in told] == [(2, 0), (0, 1)]
    assert told[1]["resolved"][0]["object"].endswith(names[1])


def test_inputs_that_share_a_state_folder_end_only_their_own(desk: Desk, tmp_path: Path) -> None:
    """What another input asks for is not gone; what left its own input is."""
    names = [f"{desk.name}i{n}" for n in (1, 2)]
    desk.write(group(desk.name), *(account(name, desk.name) for name in names))
    desk.apply()
    for name in names:
        desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder, name in zip(folders, names, strict=True):
        folder.mkdir()
        items = [group(desk.name), account(name, desk.name)]
        (folder / "all.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
    with receiver() as there:
        alerts = write_alerts(tmp_path, there.url)
        for folder in (*folders, *folders):
            desk.run("drift", "--alerts", alerts, "-f", str(folder), files=False)
        (folders[1] / "all.json").write_text(
            json.dumps({"kind": "List", "apiVersion": "v1", "items": [group(desk.name)]})
        )
        for folder in folders:
            desk.run("drift", "--alerts", alerts, "-f", str(folder), files=False)

    told = [json.loads(body) for _, _, body in there.got]
    assert [(len(m["firing"]), len(m["resolved"])) for m in told] == [(1, 0), (1, 0), (0, 1)]
    assert told[2]["resolved"][0]["object"].endswith(names[1])


def test_what_is_silenced_is_said(desk: Desk, tmp_path: Path) -> None:
    """Nobody hears of it, and the run says of how many alerts, until when and why."""
    name = f"{desk.name}quiet"
    desk.write(group(desk.name), account(name, desk.name))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    with receiver() as there:
        path = Path(write_alerts(tmp_path, there.url))
        silence = {"match": {"types": ["drift"]}, "until": "2999-01-01", "reason": "migration"}
        path.write_text(json.dumps({**json.loads(path.read_text()), "silences": [silence]}))
        run = desk.run("drift", "--alerts", str(path))

    assert (run.code, there.got) == (2, [])
    assert "nobody hears of 1 alert until 2999-01-01T00:00:00Z: migration" in run.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sinks:\n- {name: a, type: slak}\n", "alerts.yaml:2: sinks[0].type 'slak' is no type of sink; did you mean"),
        ("cluster: one\ncluster: two\nsinks: []\n", "alerts.yaml:2 cannot be read: duplicate key 'cluster'"),
        ("sinks: []\n---\nsinks: []\n", "alerts.yaml holds 2 documents"),
    ],
)
def test_a_wrong_file_is_an_error_before_anything_is_read(desk: Desk, tmp_path: Path, text: str, said: str) -> None:
    """The message names the place."""
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    desk.write(group(desk.name))

    run = desk.run("drift", "--alerts", str(path))

    assert run.code == 1
    assert said in run.err


def test_two_runs_do_not_share_what_was_told(desk: Desk, tmp_path: Path) -> None:
    """While one run works with a state folder another one that tells alerts is refused before anything is read."""
    desk.write(group(desk.name))
    with receiver(200) as there, held(desk.state):
        run = desk.run("drift", "--alerts", write_alerts(tmp_path, there.url))

    assert (run.code, there.got) == (1, [])
    assert f"another drift --alerts (process {os.getpid()}) is at work with the state folder" in run.err


@contextlib.contextmanager
def held(state: Path) -> Iterator[None]:
    lock = FolderLock(state, name="alerts.lock")
    lock.acquire()
    yield
    lock.release()
