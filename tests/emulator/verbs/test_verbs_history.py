"""Every write leaves its trace in the state folder, whatever becomes of it, and ``trueup history`` tells it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.canary import files_with, find_canaries
from tests.conftest import ROOT
from tests.verbs_desk import SECRET_TEXT, STORAGE_API, Azure, Desk, account, group, network, secret, server

pytestmark = pytest.mark.loopback


def log_of(desk: Desk) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in (desk.state / "audit" / "writes.ndjson").read_bytes().splitlines()]


def history(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    """Return what ``trueup history`` tells."""
    done = desk.run("history", "-o", "json", *arguments, files=False)
    assert done.code == 0, done.err
    writes: list[dict[str, Any]] = done.json["writes"]
    return writes


def sent_ids(desk: Desk) -> list[str]:
    """Return the client request ids that reached Azure with writes."""
    _, seen = desk.azure.call("GET", "/_emulator/requests")
    return [w["client"] for w in seen["writes"]]


def test_an_update_is_told_with_what_it_changed(desk: Desk) -> None:
    """Who, when, plan, request, hash of the very bytes, before and after, Azure's ids and the outcome are all there."""
    desk.write(group(desk.name), account("acct", desk.name))
    desk.apply()
    desk.write(group(desk.name), account("acct", desk.name, accessTier="Cool"))
    plan = desk.plan().json

    desk.apply()

    (write,) = history(desk, "acct")[1:]
    (request,) = [s["request"] for s in plan["steps"] if s["action"] == "update"]
    body = json.dumps(request["body"], separators=(",", ":"), sort_keys=True).encode()
    assert (write["plan"], write["action"], write["object"]["name"]) == (plan["id"], "update", "acct")
    assert write["request"] == {
        "method": request["method"],
        "url": request["url"],
        "apiVersion": STORAGE_API,
        "bodyHash": f"sha256:{hashlib.sha256(body).hexdigest()}",
    }
    (change,) = write["changes"]
    assert (change["path"], change["before"], change["after"]) == ("/properties/accessTier", "Hot", "Cool")
    assert (write["outcome"], write["httpStatus"], write["followed"]) == ("succeeded", 200, False)
    assert all((write["correlationId"], write["requestId"], write["by"]["host"], write["by"]["user"]))
    assert write["by"]["process"] == os.getpid()
    assert [write["clientRequestId"]] == sent_ids(desk)


def test_a_create_is_told_with_all_that_was_sent(desk: Desk) -> None:
    """A create has one change, the whole; its operation leaves a line for Azure's first answer too."""
    desk.write(group(desk.name), network("net", desk.name))

    desk.apply()

    (write,) = history(desk, "VirtualNetwork/net")
    assert write["changes"][0]["after"]["properties"] == {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    events = [line["event"] for line in log_of(desk) if line["write"] == write["clientRequestId"]]
    assert events == ["intent", "answer", "outcome"]


def test_a_delete_is_told(desk: Desk) -> None:
    """A delete has no body and no changes."""
    desk.write(group(desk.name), network("net", desk.name))
    desk.apply()
    desk.write(group(desk.name))

    desk.apply("--prune")

    last = history(desk)[-1]
    assert (last["request"]["method"], last["request"]["bodyHash"], last["changes"]) == ("DELETE", "", [])
    assert (last["action"], last["outcome"]) == ("delete", "succeeded")


def test_each_try_is_a_write_of_its_own(desk: Desk) -> None:
    """A request that is refused for rate and sent again is told twice, under two ids, and both reached Azure."""
    desk.write(group(desk.name))
    busy = {"status": 429, "body": {"error": {"code": "TooManyRequests", "message": "slow down"}}}
    desk.azure.script({"match": {"method": "PUT", "path_regex": desk.name}, "times": 1, "answer": busy})

    desk.apply()

    writes = history(desk)
    assert [(w["outcome"], w["httpStatus"]) for w in writes] == [("refused", 429), ("succeeded", 201)]
    assert [w["clientRequestId"] for w in writes] == sent_ids(desk)


def test_a_failure_names_the_ids_that_support_asks_for(desk: Desk) -> None:
    """What failed prints Azure's ids and ours, in text and in JSON, and the log has the same."""
    desk.write(group(desk.name))
    wrong = {"status": 400, "body": {"error": {"code": "InvalidParameter", "message": "no such thing"}}}
    desk.azure.script({"match": {"method": "PUT", "path_regex": desk.name}, "times": None, "answer": wrong})

    text = desk.run("apply", "--yes")
    result = desk.apply(code=5).result(desk.name)

    first, second = history(desk)
    for write in (first, second):
        assert (write["outcome"], write["httpStatus"]) == ("refused", 400)
        assert (write["code"], write["outcomeReason"]) == ("InvalidParameter", "Transient")
        assert write["cause"] == f"Azure refused PUT {desk.group_id}"
    line = (
        f"for Azure support: correlation id {first['correlationId']}, request id {first['requestId']}, "
        f"client request id {first['clientRequestId']}"
    )
    assert text.out.count(line) == 2
    assert all(result[name] == second[name] for name in ("clientRequestId", "correlationId", "requestId"))


def test_an_operation_that_fails_keeps_the_ids_of_its_write(desk: Desk) -> None:
    """The ids of the write lead to the operation in Azure's logs; those of a poll do not."""
    desk.write(group(desk.name), network("net", desk.name))
    fault = {"code": "InUse", "message": "taken"}
    match = {"method": "PUT", "path_regex": f"{desk.name}/.*virtualNetworks"}
    desk.azure.script({"match": match, "times": None, "operation_fails": fault})

    result = desk.apply("--timeout", "1", code=5).result("net")

    write = history(desk, "net")[-1]
    (answer,) = [x for x in log_of(desk) if x["event"] == "answer" and x["write"] == write["clientRequestId"]]
    assert write["outcome"] == "failed"
    assert result["correlationId"] == write["correlationId"] == answer["correlationId"]


def test_a_write_that_nobody_answered_is_unknown(desk: Desk) -> None:
    """A connection cut after the effect leaves a write without an answer; what is there is read, and not sent again."""
    desk.write(group(desk.name))
    match = {"method": "PUT", "path_regex": desk.name}
    desk.azure.script({"match": match, "times": 1, "answer": "drop", "before_effect": False})

    done = desk.apply()

    (write,) = history(desk)
    assert (write["outcome"], write["httpStatus"], write["correlationId"]) == ("unknown", None, "")
    assert done.result(desk.name)["outcome"] == "created"


def test_secrets_are_in_no_line(desk: Desk) -> None:
    """Neither the log nor any form of the history holds a secret that was sent; the body's hash is keyed."""
    desk.write(group(desk.name), server("pg", desk.name), secret())

    desk.apply()

    forms = [desk.run("history", "-o", form, "--verbose", files=False) for form in ("text", "json", "ndjson")]
    (write,) = history(desk, "pg")
    assert write["request"]["bodyHash"].startswith("hmac-sha256:")
    assert write["changes"][0]["after"]["properties"]["administratorLoginPassword"] == "***"
    assert not files_with(desk.state, [SECRET_TEXT])
    assert not find_canaries("".join(f.out + f.err for f in forms).encode(), [SECRET_TEXT])


def test_a_kill_leaves_an_intent_and_the_next_run_tells_how_it_went_on(desk: Desk, tmp_path: Path) -> None:
    """SIGKILL while an operation runs: history says unfinished; the next apply follows it and says how it ended."""
    options = EmulatorOptions(state=tmp_path / "slow", plain_http=True, retry_after_s=600)
    with emulator_thread(options, SystemClock()) as connection:
        desk.azure = Azure(connection)
        desk.write(group(desk.name), network("net", desk.name))
        kill_at_operation(desk)
        killed = history(desk, "net")

        desk.apply()

        (write,) = history(desk, "net")
        assert [(w["outcome"], w["endedAt"]) for w in killed] == [("unfinished", None)]
        assert (write["outcome"], write["followed"]) == ("succeeded", True)


def kill_at_operation(desk: Desk) -> None:
    """Run an apply in a process of its own and kill it when it has stored the operation it waits for."""
    command = [sys.executable, "-m", "engine", *desk.command("apply", "--yes")]
    process = subprocess.Popen(
        command, env=desk.process_environment(), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while runs_on(process) and not has_answer(desk):
            pass
        assert process.poll() is None, "it ended before an operation was stored"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)


def runs_on(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process is still there a moment later."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.01)
    return process.returncode is None


def has_answer(desk: Desk) -> bool:
    """Whether Azure has said of a write that its operation goes on."""
    log = desk.state / "audit" / "writes.ndjson"
    return log.exists() and b'"event":"answer"' in log.read_bytes()


def test_a_torn_line_is_left_out_and_told(desk: Desk) -> None:
    """A line that a kill cut short hides nothing else: the next run ends it and adds its own."""
    desk.write(group(desk.name))
    desk.apply()
    log = desk.state / "audit" / "writes.ndjson"
    log.write_bytes(log.read_bytes() + b'{"format":"trueup.audit/1","event":"inte')
    desk.write(group(desk.name, tags={"a": "b"}))

    desk.apply()

    done = desk.run("history", "-o", "json", files=False)
    assert [w["action"] for w in done.json["writes"]] == ["create", "update"]
    assert done.json["damagedLines"] == 1
    assert "1 line of the audit log" in done.err


def test_nothing_is_sent_that_cannot_be_noted(desk: Desk) -> None:
    """Where the log cannot be written the step fails, says so, and Azure gets no request."""
    desk.write(group(desk.name))
    desk.state.mkdir()
    (desk.state / "audit").write_text("in the way")

    done = desk.apply(code=5)

    assert desk.azure.writes == []
    assert "audit log" in done.result(desk.name)["cause"]


def test_plans_leave_no_trace(desk: Desk) -> None:
    """Verbs that only look do not make a log, and there is then no history."""
    desk.write(group(desk.name))

    desk.plan()

    assert not desk.state.exists()
    assert desk.run("history", files=False).out == "No writes are recorded.\n"


def test_the_history_can_be_narrowed(desk: Desk) -> None:
    """By object, by number and by time; the text tells how many older ones there are."""
    desk.write(group(desk.name), account("one", desk.name), account("two", desk.name))
    desk.apply()

    assert [w["object"]["name"] for w in history(desk, "StorageAccount/*", "--limit", "1")] in (["one"], ["two"])
    assert [w["object"]["name"] for w in history(desk, f"{desk.group_id}")] == [desk.name]
    assert history(desk, "--since", "2026-01-01T00:00:00Z") == history(desk)
    assert history(desk, "--since", "2100-01-01") == []
    assert desk.run("history", "--limit", "1", files=False).out.startswith("… 2 older (--limit 0 shows all)\n")


@pytest.mark.parametrize(
    ("option", "words"),
    [(("--since", "yesterday"), "--since 'yesterday' is no time"), (("--limit", "-1"), "--limit -1 is no number")],
)
def test_wrong_options_of_history_are_told(desk: Desk, option: tuple[str, ...], words: str) -> None:
    """A time that is none and a negative number are errors that say what is taken."""
    done = desk.run("history", *option, files=False)

    assert (done.code, words in done.err) == (1, True)


def test_people_read_one_block_per_write(desk: Desk) -> None:
    """The text names the object, the request, the outcome, the change, the author and the ids."""
    desk.write(group(desk.name), account("acct", desk.name))
    desk.apply()
    desk.write(group(desk.name), account("acct", desk.name, accessTier="Cool"))
    desk.apply()

    told = desk.run("history", "acct", "--limit", "1", files=False).out

    lines = told.splitlines()[2:]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ  ~ update web/StorageAccount/acct", lines[0])
    assert re.fullmatch(r"    PATCH /subscriptions/\S+/acct\?api-version=2023-01-01  200 succeeded, \d.*", lines[1])
    assert lines[2] == '    properties.accessTier: "Hot" → "Cool"'
    assert lines[3].startswith("    by an unknown identity from ")
    assert re.fullmatch(r"    correlation id \S+, request id \S+, client request id \S+", lines[4])


def test_the_identity_is_the_one_of_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a real sign-in over TLS the log names application, object and tenant, and holds no token."""
    options = EmulatorOptions(state=tmp_path / "azure", retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        desk = signed_in_desk(connection, tmp_path / "desk", monkeypatch, capsys)
        desk.write(group("rg"))

        desk.apply()

        (write,) = history(desk)
        assert (write["by"]["appId"], write["by"]["tenantId"]) == (connection.client, connection.tenant)
        assert write["by"]["objectId"]
        assert b"eyJ" not in (desk.state / "audit" / "writes.ndjson").read_bytes()


def signed_in_desk(
    connection: EmulatorConnection, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> Desk:
    """Return a desk with the credential of an application."""
    environment = dict(connection.environment())
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        patch.setenv(name, environment[name])
    folder.mkdir()
    return Desk(folder, Azure(connection), patch, capture, name="rg", environment=environment)
