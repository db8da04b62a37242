"""Writes whose answer nobody saw: connections that break, processes that are killed while they wait for it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from providers.state.folder import FILE_NAME
from tests.conftest import ROOT
from tests.verbs_desk import STORAGE_API, Desk, account, group, identity, make_object, network

pytestmark = pytest.mark.loopback


def fault(desk: Desk, name: str, kind: str, *, before_effect: bool, polls: int = 3) -> tuple[dict[str, object], ...]:
    """Return rules for the first PUT of a resource, and for how long its operation lasts."""
    match = {"method": "PUT", "path_regex": f"/{name}$"}
    return (
        {"match": match, "times": 1, "answer": kind, "before_effect": before_effect},
        {"match": match, "times": None, "polls": polls},
    )


def puts(desk: Desk, name: str) -> list[str]:
    return [w for w in desk.azure.writes if w.startswith(f"PUT virtualNetworks/{name} ")]


def taken(desk: Desk, name: str) -> list[str]:
    """Return the PUTs that Azure took."""
    return [w for w in puts(desk, name) if w.endswith(("200", "201", "202"))]


@pytest.mark.parametrize("kind", ["drop", "html", "truncate"])
def test_a_create_that_worked_but_was_not_answered_is_not_sent_twice(desk: Desk, kind: str) -> None:
    """The resource is found in the making, followed to its end, and nothing is sent again."""
    name = f"{desk.name}-n"
    desk.write(group(desk.name), network(name, desk.name))
    desk.azure.script(*fault(desk, name, kind, before_effect=False))

    done = desk.apply()

    assert len(puts(desk, name)) == 1
    assert done.result(name)["outcome"] == "created"
    desk.azure.clear_script()
    desk.check_clean()


def test_a_create_that_never_arrived_is_sent_once_more(desk: Desk) -> None:
    """Nothing of it is visible: the same PUT follows, once."""
    name = f"{desk.name}-n"
    desk.write(group(desk.name), network(name, desk.name))
    desk.azure.script(*fault(desk, name, "drop", before_effect=True))

    desk.apply()

    assert len(taken(desk, name)) == 1
    assert len(puts(desk, name)) == 2
    desk.check_clean()


def kill_while_it_waits(desk: Desk, name: str) -> None:
    """Kill an apply whose PUT is journalled and never answered."""
    command = [sys.executable, "-m", "engine", *desk.command("apply", "--yes")]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=desk.process_environment(), cwd=ROOT
    ) as process:
        try:
            for _ in range(20_000):
                desk.azure.call("GET", "/_emulator/requests")
                if process.poll() is not None or (is_journalled(desk, name) and has_arrived(desk)):
                    break
        finally:
            process.kill()


def is_journalled(desk: Desk, name: str) -> bool:
    if not (desk.state / FILE_NAME).exists():
        return False
    with closing(sqlite3.connect(desk.state / FILE_NAME)) as state:
        try:
            rows = state.execute("SELECT id FROM operations").fetchall()
        except sqlite3.OperationalError:
            return False
    return any(row[0].endswith(name) for row in rows)


def has_arrived(desk: Desk) -> bool:
    """Whether the fault was used: then the PUT hangs, before its effect or after it."""
    rules = desk.azure.call("GET", "/_emulator/script")[1]["value"]
    return all(rule.get("answer") != "hang" for rule in rules)


@pytest.mark.parametrize("before_effect", [True, False], ids=["never-arrived", "arrived"])
def test_an_apply_killed_while_it_waits_for_an_answer(desk: Desk, before_effect: bool) -> None:
    """The next run looks first and says so; it sends the PUT once more only where nothing of it is visible."""
    name = f"{desk.name}-n"
    desk.write(group(desk.name), network(name, desk.name))
    desk.azure.script(*fault(desk, name, "hang", before_effect=before_effect, polls=30))
    kill_while_it_waits(desk, name)
    before = taken(desk, name)
    desk.azure.forget_traffic()

    done = desk.run("apply", "--yes")

    assert done.code == 0, done.out + done.err
    assert "an earlier run never learned what became of its write" in done.err
    assert ("sent once more" in done.out) == before_effect
    assert len(taken(desk, name)) == (1 if before_effect else 0)
    assert len(before) <= 1
    desk.azure.clear_script()
    desk.check_clean()


def test_the_run_after_one_that_azure_did_not_answer_claims_no_more_than_is_known(desk: Desk) -> None:
    """Nothing was stopped where Azure answered 503 until patience ended: what became of the write is not known."""
    name = f"{desk.name}-n"
    desk.write(group(desk.name), network(name, desk.name))
    busy = {"status": 503, "body": {"error": {"code": "ServerBusy", "message": "Later."}}}
    desk.azure.script({"match": {"method": "PUT", "path_regex": f"/{name}$"}, "times": None, "answer": busy})
    failed = desk.apply(code=5)
    desk.azure.clear_script()

    done = desk.run("apply", "--yes")

    assert "ServerBusy" in failed.result(name)["cause"]
    assert done.code == 0, done.out + done.err
    assert "never learned what became of its write" in done.err
    assert "it was stopped, or Azure gave no proper answer" in done.err
    assert "Azure shows nothing of it, so it is sent once more" in done.out
    desk.check_clean()


def test_a_full_disk_stops_nothing_that_goes_on_and_is_in_the_report(desk: Desk) -> None:
    """What cannot be noted is not sent; everything else is told as usual, and the next apply does the rest once."""
    desk.write(group(desk.name))
    desk.apply()
    desk.write(group(desk.name), *(identity(f"app{n}", desk.name) for n in range(30)))
    room = (desk.state / FILE_NAME).stat().st_size // 1024 + 8
    command = [sys.executable, "-m", "engine", *desk.command("apply", "--yes", "-o", "json")]
    limited = ["bash", "-c", f'trap "" XFSZ; ulimit -f {room}; exec "$@"', "bash", *command]

    desk.azure.forget_traffic()

    full = subprocess.run(
        limited, env=desk.process_environment(), cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    told = {r["object"]["name"]: r["outcome"] for r in json.loads(full.stdout)["results"]}
    first = [write.split()[1].rpartition("/")[2] for write in desk.azure.writes]
    desk.apply()
    second = [write.split()[1].rpartition("/")[2] for write in desk.azure.writes]

    assert full.returncode == 5
    assert b"state.db cannot be written" in full.stdout
    assert {"created", "failed"} <= set(told.values())
    assert {name for name, outcome in told.items() if outcome == "created"} <= set(first)
    assert sorted(first + second) == sorted(f"app{n}" for n in range(30))
    desk.check_clean()


def test_what_azure_makes_by_itself_is_not_taken_for_a_create_that_was_not_answered(desk: Desk) -> None:
    """A blob service is there as soon as its account is: a create that never arrived is sent again over it."""
    name = f"{desk.name}store"
    spec = {"owner": {"name": name}, "isVersioningEnabled": True}
    service = make_object("StorageAccountsBlobService", "storage/v1api20230101", "blobs", spec)
    desk.write(group(desk.name), account(name, desk.name), service)
    resource = f"{desk.id_of('account', name)}/blobServices/default"
    made = {"id": resource, "api": STORAGE_API, "body": {"properties": {"isVersioningEnabled": False}}, "desired": True}
    match = {"path_regex": "/blobServices/default$"}
    missing = {"error": {"code": "ResourceNotFound", "message": "The resource was not found."}}
    desk.azure.script(
        {"match": match | {"method": "GET"}, "times": 1, "answer": {"status": 404, "body": missing}},
        {"match": match | {"method": "PUT"}, "times": 1, "answer": "drop"},
    )
    assert desk.azure.call("POST", "/_emulator/bulk", made)[0] == 201

    desk.apply()

    assert desk.azure.get(resource)["properties"]["isVersioningEnabled"] is True
    desk.check_clean()
