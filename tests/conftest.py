"""What every test gets: blocked sockets, and the folder of recorded traffic where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared: how long an example takes says nothing. What it finds does.
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open the loopback for tests that say so; skip with the reason what needs the recorded traffic."""
    for item in items:
        if item.get_closest_marker("loopback") or item.get_closest_marker("apiserver"):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost"]))
        if item.get_closest_marker("shared") and not SHARED.is_dir():
            item.add_marker(pytest.mark.skip(reason="the folder of recorded traffic (../shared) is not here"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of recorded traffic."""
    return SHARED
