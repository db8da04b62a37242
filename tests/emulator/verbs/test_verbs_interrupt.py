"""Ctrl-C and questions, with real processes: once begins nothing new, twice leaves what runs in Azure."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from tests.conftest import ROOT
from tests.verbs_desk import Desk, group, identity, network, subnet

pytestmark = pytest.mark.loopback

_SECONDS = 40


class Applying:
    """An apply that runs; its words are read as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take the process."""
        self.process = process
        self.err = ""
        assert process.stderr is not None
        self._stderr: IO[bytes] = process.stderr

    def read_until(self, words: str) -> None:
        """Wait until standard error holds the words."""
        while words not in self.err:
            ready, _, _ = select.select([self._stderr], [], [], _SECONDS)
            assert ready, f"{words!r} did not come; {self.err}"
            more = os.read(self._stderr.fileno(), 4096).decode()
            assert more, f"{words!r} did not come before the end; {self.err}"
            self.err += more

    def end(self) -> tuple[int, str]:
        """Wait for the end; return exit code and standard output."""
        out, err = self.process.communicate(timeout=_SECONDS)
        self.err += err.decode()
        return self.process.returncode, out.decode()


@contextmanager
def applying(desk: Desk) -> Iterator[Applying]:
    """Start an apply as a process of its own, and end it whatever happens."""
    command = [sys.executable, "-m", "engine", *desk.command("apply", "--yes")]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=desk.process_environment(), cwd=ROOT, stdout=pipe, stderr=pipe)
    try:
        yield Applying(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def polls_operation(seen: Any) -> bool:
    """Whether an operation was asked for."""
    return any("operation" in path.lower() for path in seen["reads"])


def write_network(desk: Desk, *, polls: int) -> None:
    """Put a network on the desk whose create takes a while, and a subnet that needs it."""
    desk.write(group(desk.name), network("net", desk.name), subnet("sub", "net", "10.0.1.0/24"))
    desk.azure.script({"match": {"method": "PUT", "path_regex": "/net$"}, "times": None, "polls": polls})
    desk.azure.forget_traffic()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_first_signal_sees_through_what_is_under_way(desk: Desk, number: signal.Signals) -> None:
    """The operation is waited for, what needs it is not begun, and the summary counts it; exit 3."""
    write_network(desk, polls=4)
    with applying(desk) as run:
        desk.azure.wait_for(run.process, polls_operation)
        run.process.send_signal(number)
        run.read_until("stopping: nothing new is begun; waiting for: create web/VirtualNetwork/net")
        code, out = run.end()
    sent = [w.rpartition(" ")[0] for w in desk.azure.writes]
    again = desk.apply()

    assert code == 3
    assert sent == [f"PUT resourceGroups/{desk.name}", "PUT virtualNetworks/net"]
    assert out.splitlines()[-1].startswith("Apply stopped: 2 created, ")
    assert ", 1 left to do; 2 writes." in out.splitlines()[-1]
    assert again.result("sub")["outcome"] == "created"
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == ["PUT subnets/sub"]


def test_second_signal_leaves_operations_running(desk: Desk) -> None:
    """The process ends at once and says how to go on; the next apply follows the operation and writes the rest."""
    write_network(desk, polls=30)
    with applying(desk) as run:
        desk.azure.wait_for(run.process, polls_operation)
        run.process.send_signal(signal.SIGINT)
        run.read_until("stopping: nothing new is begun")
        run.process.send_signal(signal.SIGINT)
        code, _ = run.end()

    done = desk.run("apply", "--yes")

    assert code == 1
    assert "interrupted, left 1 step under way: create web/VirtualNetwork/net" in run.err
    assert "the same apply again follows that to its end" in run.err
    assert "followed 1 operation of an earlier run" in done.err
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == [
        f"PUT resourceGroups/{desk.name}",
        "PUT virtualNetworks/net",
        "PUT subnets/sub",
    ]
    desk.check_clean()


def test_steps_in_the_queue_are_not_begun(desk: Desk) -> None:
    """What waits for its turn to send is left, not only what waits for another step."""
    names = [f"id{n}" for n in range(70)]
    desk.write(group(desk.name))
    desk.apply()
    desk.write(group(desk.name), *(identity(n, desk.name) for n in names))
    desk.azure.script({"match": {"method": "PUT", "path_regex": "/id[0-9]+$"}, "times": None, "delay_ms": 4_000})
    desk.azure.forget_traffic()
    with applying(desk) as run:
        desk.azure.wait_for(run.process, lambda seen: seen["counts"].get("PUT", 0) >= 64)
        run.process.send_signal(signal.SIGINT)
        code, out = run.end()

    assert code == 3
    assert len(desk.azure.writes) == 64
    assert "Apply stopped: 64 created, 0 updated, 0 deleted, 1 unchanged, 0 failed, 6 skipped" in out
    assert ", 6 left to do; 64 writes." in out


@contextmanager
def terminal(desk: Desk) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start an apply with a person at a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "engine", *desk.command("apply")]
    process = subprocess.Popen(
        command,
        env=desk.process_environment(NO_COLOR="1"),
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)


def take_terminal() -> None:
    """Make standard input the terminal that Ctrl-C comes from."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_terminal(ours: int, words: str = "") -> str:
    """Return what appears until the words do; without words until the end."""
    seen = ""
    while not words or words not in seen:
        ready, _, _ = select.select([ours], [], [], _SECONDS)
        assert ready, seen
        try:
            more = os.read(ours, 4096).decode()
        except OSError:  # Linux says so when the other side is closed.
            more = ""
        if not more:
            break
        seen += more
    return seen


@pytest.mark.parametrize(
    ("answer", "code", "writes"),
    [(b"yes\n", 0, 1), (b"no\n", 1, 0), (b"\n", 1, 0), (b"\x04", 1, 0), (b"\x03", 1, 0)],
    ids=["yes", "no", "return", "end of input", "Ctrl-C"],
)
def test_terminal_is_asked(desk: Desk, answer: bytes, code: int, writes: int) -> None:
    """On a terminal only 'yes' sends; everything else, Ctrl-C too, sends nothing and ends with 1."""
    desk.write(group(desk.name))
    with terminal(desk) as (process, ours):
        asked = read_terminal(ours, "Only 'yes' is taken: ")
        os.write(ours, answer)
        read_terminal(ours)
        ended = process.wait(_SECONDS)

    assert "Send 1 request to Azure?" in asked
    assert "1 to create" in asked
    assert (ended, len(desk.azure.writes)) == (code, writes)


def test_nobody_to_ask_is_a_clear_error(desk: Desk) -> None:
    """Without a terminal and without --yes nothing is sent, and the error says what to add."""
    desk.write(group(desk.name))

    done = desk.spawn("apply")

    assert (done.code, desk.azure.writes) == (1, [])
    assert done.err == "trueup: error: nobody can confirm the plan here, nothing was sent (add --yes)\n"
