"""An emulator per test, without network; one over HTTPS per module for clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.emulator_driver import Arm


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with certificates, so that not every test makes its own."""
    folder = tmp_path_factory.mktemp("certificates")
    Arm(EmulatorOptions(state=folder)).close()
    return folder


@pytest.fixture
def state(tmp_path: Path, certified: Path) -> Path:
    """Return a new state folder."""
    folder = tmp_path / "state"
    folder.mkdir()
    for name in ("ca.pem", "ca-key.pem", "server.pem", "client.pem"):
        (folder / name).write_bytes((certified / name).read_bytes())
    return folder


@pytest.fixture
def arm(state: Path) -> Iterator[Arm]:
    """Return a client of a new emulator."""
    client = Arm(EmulatorOptions(state=state))
    yield client
    client.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorConnection]:
    """Return a new emulator over HTTPS."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("served"), retry_after_s=None)
    with emulator_thread(options, SystemClock()) as connection:
        yield connection
