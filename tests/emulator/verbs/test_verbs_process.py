"""The command line as a process of its own: over HTTPS with a credential, from standard input, killed half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from providers.state.folder import StateFolder
from tests.conftest import ROOT
from tests.verbs_desk import Desk, account, group, identity, secret, server

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def secure_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorConnection]:
    """Return an emulator over HTTPS that checks tokens."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("secure"), retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        yield connection


@pytest.fixture
def secure(desk: Desk, secure_emulator: EmulatorConnection) -> Desk:
    """Return the desk with variables that lead to the emulator over HTTPS."""
    return replace(desk, environment=dict(secure_emulator.environment()))


def test_everything_goes_over_https_with_a_client_secret(secure: Desk) -> None:
    """apply, plan and drift work with azure-identity and a private certificate authority."""
    secure.write(group(secure.name), account(f"{secure.name}store", secure.name))

    applied = secure.spawn("apply", "--yes")
    clean = secure.spawn("plan", "--detailed-exitcode")

    assert applied.code == 0, applied.out + applied.err
    assert "2 created" in applied.out
    assert clean.code == 0
    assert "No changes." in clean.out
    assert applied.err + clean.err == ""


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong-one-81"}, "AZURE_CLIENT_SECRET"),
        ({"AZURE_CLIENT_SECRET": ""}, "managed identity"),
        ({"AZURE_CLIENT_SECRET": "", "AZURE_CLIENT_ID": ""}, "az login"),
        ({"AZURE_TENANT_ID": ""}, "AZURE_TENANT_ID"),
        ({"AZURE_AUTHORITY_HOST": "https://127.0.0.1:9"}, "AZURE_AUTHORITY_HOST"),
        ({"SSL_CERT_FILE": "/nowhere.pem", "REQUESTS_CA_BUNDLE": "/nowhere.pem"}, "/nowhere.pem"),
    ],
    ids=["wrong secret", "no secret", "nothing", "no tenant", "no authority", "no CA file"],
)
def test_credential_that_cannot_be_used_is_one_error(secure: Desk, variables: dict[str, str], words: str) -> None:
    """Exit 1 and one line that says what to do, whatever azure-identity has to say on the way."""
    secure.write(group(secure.name), identity("a", secure.name), identity("b", secure.name))

    done = secure.spawn("plan", **variables, PATH="/nowhere")

    assert done.code == 1
    assert words in done.err
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("trueup: error: ")
    assert "wrong-one-81" not in done.err
    assert done.out == ""


def test_file_that_is_not_there_is_named_before_signing_in(secure: Desk) -> None:
    """A wrong path is told at once, whether there are credentials or not."""
    done = secure.spawn("plan", "-f", "/nope", files=False, AZURE_CLIENT_SECRET="", AZURE_CLIENT_ID="", PATH="/nowhere")

    assert done.code == 1
    assert done.err == "trueup: error: no such file or folder: /nope (check what -f names)\n"


def test_endpoint_that_nobody_listens_on_is_said(desk: Desk) -> None:
    """Every resource is unreadable for the same reason, which is told in one run and within seconds."""
    desk.write(group(desk.name), *(identity(f"i{n}", desk.name) for n in range(5)))

    done = desk.spawn("plan", AZURE_RESOURCE_MANAGER_ENDPOINT="http://127.0.0.1:9")

    assert done.code == 3
    assert "cannot be reached" in done.out


def test_manifests_come_from_standard_input(desk: Desk) -> None:
    """-f - takes several documents, and what kubectl get -o yaml prints."""
    objects = [group(desk.name), account(f"{desk.name}store", desk.name)]
    several = yaml.safe_dump_all(objects).encode()
    for one in objects:
        one["metadata"] |= {"uid": "1b2c", "resourceVersion": "77", "generation": 3, "managedFields": []}
        one["status"] = {"id": "/somewhere"}
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {}}).encode()
    listed_json = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()

    plans = [
        desk.spawn("plan", "-o", "json", "-f", "-", files=False, stdin=text) for text in (several, listed, listed_json)
    ]

    assert [p.code for p in plans] == [0, 0, 0]
    assert [sorted(p.actions) for p in plans] == [sorted([desk.name, f"{desk.name}store"])] * 3


def test_apply_from_standard_input_needs_yes(desk: Desk) -> None:
    """Nobody can be asked while the manifests come from standard input."""
    text = yaml.safe_dump_all([group(desk.name)]).encode()

    asked = desk.spawn("apply", "-f", "-", files=False, stdin=text)
    told = desk.spawn("apply", "-f", "-", "--yes", files=False, stdin=text)

    assert (asked.code, told.code) == (1, 0)
    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan"], "no input"),
        (["plan", "-f", "/nowhere"], "/nowhere"),
        (["plan", "-f", "x", "-n", "a", "-A"], "exclude each other"),
        (["plan", "-f", "x", "-l", "a>b"], "label selector"),
        (["plan", "-f", "x", "--frobnicate"], "--frobnicate"),
        (["apply", "-f", "x", "--timeout", "soon"], "--timeout"),
        (["frobnicate"], "frobnicate"),
        (["explain", "-f", "x"], "object"),
    ],
    ids=["no input", "no file", "contradiction", "selector", "option", "number", "verb", "argument"],
)
def test_wrong_usage_is_exit_1(desk: Desk, arguments: list[str], words: str) -> None:
    """Usage errors are exit 1, never 2: that means differences."""
    (desk.folder / "x").write_text("")
    done = desk.spawn(arguments[0], *(a if a != "x" else str(desk.folder / "x") for a in arguments[1:]), files=False)

    assert done.code == 1
    assert words in done.err


def test_reader_that_leaves_is_no_traceback(desk: Desk) -> None:
    """trueup plan | head ends quietly."""
    desk.write(group(desk.name), *(identity(f"i{n}", desk.name) for n in range(200)))
    command = [sys.executable, "-m", "engine", *desk.command("plan", "--verbose")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=desk.process_environment(), cwd=ROOT
    )
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    with process.stderr as stream:
        assert stream.read() == b""
    process.wait(30)


@contextmanager
def started_apply(desk: Desk) -> Iterator[subprocess.Popen[bytes]]:
    """Start an apply, and see to it that it has ended when the block is left."""
    command = [sys.executable, "-m", "engine", *desk.command("apply", "--yes")]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=desk.process_environment(), cwd=ROOT
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_operation(desk: Desk, process: subprocess.Popen[bytes], name: str) -> None:
    """Look until the operation on a resource was polled once: then its poller is in the state folder."""

    def is_polled(seen: Any) -> bool:
        written = any(w["path"].endswith(name) for w in seen["writes"])
        return written and any("operation" in path.lower() for path in seen["reads"])

    desk.azure.wait_for(process, is_polled)


def test_apply_that_was_killed_is_resumed_without_a_second_put(desk: Desk) -> None:
    """The next apply follows the operation the first one left behind, and then finds nothing to write."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())
    desk.azure.script({"match": {"method": "PUT", "path_regex": f"{desk.name}-pg$"}, "times": None, "polls": 40})
    desk.azure.forget_traffic()
    with started_apply(desk) as process:
        wait_for_operation(desk, process, f"{desk.name}-pg")
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    puts = [w for w in desk.azure.writes if f"{desk.name}-pg" in w]

    done = desk.run("apply", "--yes")

    assert done.code == 0, done.out + done.err
    assert "1 operation" in done.err
    assert len(puts) == 1
    assert [w for w in desk.azure.writes if f"{desk.name}-pg" in w] == puts
    desk.check_clean()
    assert desk.azure.get(desk.id_of("server", f"{desk.name}-pg"), api="2022-12-01") is not None


def test_second_apply_on_one_state_folder_ends_at_once(desk: Desk) -> None:
    """While one process applies, another sends nothing and names it; its death frees the folder."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())
    desk.azure.script({"match": {"method": "PUT", "path_regex": f"{desk.name}-pg$"}, "times": None, "polls": 40})
    desk.azure.forget_traffic()
    with started_apply(desk) as first:
        wait_for_operation(desk, first, f"{desk.name}-pg")
        first.send_signal(signal.SIGSTOP)
        writes = desk.azure.writes
        second = desk.spawn("apply", "--yes")
        sent = desk.azure.writes
        first.kill()
        first.wait(30)
    third = desk.run("apply", "--yes")

    assert second.code == 1
    assert f"process {first.pid}" in second.err
    assert sent == writes
    assert third.code == 0, third.out + third.err
    desk.check_clean()


def test_who_only_looks_needs_no_lock(desk: Desk) -> None:
    """plan and drift go on while somebody applies."""
    desk.write(group(desk.name))
    holder = StateFolder(desk.state)
    holder.lock()
    with closing(holder):
        codes = [desk.run(verb).code for verb in ("plan", "drift", "apply")]

    assert codes == [0, 0, 1]


@pytest.mark.parametrize(("answer", "code", "sent"), [("yes", 0, 1), ("y", 1, 0), ("no", 1, 0), ("", 1, 0)])
def test_person_is_asked_on_a_terminal(desk: Desk, answer: str, code: int, sent: int) -> None:
    """Only the whole word yes sends anything; the question says how many requests."""
    desk.write(group(desk.name))
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "engine", *desk.command("apply")]

    done = subprocess.run(
        command, stdin=theirs, capture_output=True, env=desk.process_environment(), cwd=ROOT, check=False, timeout=60
    )

    os.close(theirs)
    os.close(ours)
    assert (done.returncode, len(desk.azure.writes)) == (code, sent)
    assert b"Send 1 request" in done.stderr


def test_progress_is_shown_on_a_terminal(desk: Desk) -> None:
    """Where reading takes over a second, a person sees how much is read."""
    desk.write(group(desk.name))
    rule = {"match": {"method": "GET", "path_regex": f"resourcegroups/{desk.name}"}, "times": 1, "delay_ms": 1500}
    desk.azure.script(rule)
    ours, theirs = os.openpty()

    command = [sys.executable, "-m", "engine", *desk.command("plan")]
    subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, env=desk.process_environment(), cwd=ROOT, check=True, timeout=60
    )

    os.close(theirs)
    assert os.read(ours, 1000).decode().strip() == "reading 1 resource in Azure ..."
    os.close(ours)


def test_state_folder_that_is_none_is_a_clear_error(desk: Desk) -> None:
    """A damaged or newer state file is named with what to do; nothing is sent."""
    desk.write(group(desk.name))
    desk.state.mkdir()
    (desk.state / "state.db").write_bytes(b"this is no database, and long enough to look at" * 40)

    done = desk.run("apply", "--yes")

    assert done.code == 1
    assert "safe to delete" in done.err
    assert desk.azure.writes == []


def test_state_folder_that_cannot_be_written_is_found_before_anything_is_sent(desk: Desk) -> None:
    """A file where the folder should be: exit 1, and Azure is untouched."""
    desk.write(group(desk.name))
    Path(desk.state).write_text("a file")

    done = desk.run("apply", "--yes")

    assert done.code == 1
    assert str(desk.state) in done.err
    assert desk.azure.writes == []
