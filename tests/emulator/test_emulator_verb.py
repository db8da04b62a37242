"""``trueup emulator`` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.app.cli import main
from providers.emulator.connection import EmulatorConnection
from providers.emulator.process import emulator_process

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ready_line_then_graceful_stop(state: Path, number: signal.Signals) -> None:
    """One JSON line says where everything is; SIGTERM and SIGINT end it with code 0 and silence."""
    command = [sys.executable, "-m", "engine", "emulator", "--listen", "127.0.0.1:0", "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.send_signal(number)
        out, err = process.communicate(timeout=20)

    assert list(ready) == ["arm", "authority", "ca", "tenant", "client", "secret", "subscription"]
    assert (process.returncode, out, err) == (0, b"", b"")


def test_exports_are_what_clients_read(state: Path) -> None:
    """--env prints exports of every variable azure-identity and the SDKs need, both CA variables included."""
    command = [sys.executable, "-m", "engine", "emulator", "--state", str(state), "--env"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().decode() for _ in range(9)]
        process.terminate()
        process.wait(20)

    exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
    assert exported.keys() == EmulatorConnection(**dict.fromkeys(_FIELDS, "x")).environment().keys()
    assert exported["SSL_CERT_FILE"] == exported["REQUESTS_CA_BUNDLE"] == str(state / "ca.pem")


def test_process_helper_restarts_on_the_same_state(state: Path) -> None:
    """A second process on the same folder is the same tenant and subscription, with the same authority."""
    with emulator_process(state, arguments=["--plain-http"]) as first:
        pass
    with emulator_process(state) as second:
        pass

    assert (first.tenant, first.subscription, first.secret) == (second.tenant, second.subscription, second.secret)
    assert (first.arm.split(":")[0], second.arm.split(":")[0]) == ("http", "https")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--listen", "nowhere"], "--listen takes HOST:PORT"),
        (["--listen", "127.0.0.1:0", "--retry-after", "soon"], "retry-after"),
    ],
)
def test_wrong_options_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    """Options that cannot be used end with code 1 and say which."""
    try:
        code = main(["emulator", "--state", str(tmp_path), *arguments])
    except SystemExit as exc:
        code = int(exc.code or 0)

    assert code == 1
    assert text in capsys.readouterr().err


def test_used_port_and_folder_are_errors_without_traceback(state: Path, tmp_path: Path) -> None:
    """A port or a folder that is in use is one sentence on standard error."""
    with emulator_process(state) as running:
        port = running.arm.rpartition(":")[2]
        same_port = _start(tmp_path / "other", f"127.0.0.1:{port}")
        same_folder = _start(state, "127.0.0.1:0")

    assert "cannot listen" in same_port
    assert "in use by another emulator" in same_folder
    assert "Traceback" not in same_port + same_folder


def _start(state: Path, listen: str) -> str:
    command = [sys.executable, "-m", "engine", "emulator", "--listen", listen, "--state", str(state)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=dict(os.environ))
    assert done.returncode == 1
    return done.stderr


_FIELDS = ("arm", "authority", "ca", "tenant", "client", "secret", "subscription")
