"""Helm for the tests of the chart; without it they skip and say why."""

from __future__ import annotations

import pytest

from tests.chart.helm import Helm, find_helm


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return the real Helm."""
    found = find_helm()
    if isinstance(found, str):
        pytest.skip(found)
    return Helm(found, tmp_path_factory.mktemp("helm"))
