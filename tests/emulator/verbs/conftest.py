"""One emulator over plain HTTP for all tests of verbs; a desk of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.verbs_desk import Azure, Desk

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def plain_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorConnection]:
    """Return an emulator that takes any token and never says how long to wait."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("azure"), plain_http=True, retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        yield connection


@pytest.fixture
def desk(
    plain_emulator: EmulatorConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    """Return a desk whose resource group nobody else uses."""
    azure = Azure(plain_emulator)
    azure.forget_traffic()
    yield Desk(folder=tmp_path, azure=azure, patch=monkeypatch, capture=capsys, name=f"rg{next(_NUMBERS)}")
    azure.clear_script()
