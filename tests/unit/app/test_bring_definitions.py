"""What the pod does about definitions as it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from benchmarks.fake_kube import FakeKube, KubeServer, kubeconfig
from engine.app.definitions import bring_definitions, parse_labels
from engine.errors import InvalidSpecError
from providers.kube.connect import Connection, connect
from tests.fakes import FakeClock


@pytest.mark.loopback
def test_nothing_installed_and_nothing_asked_for_ends_the_start(tmp_path: Path) -> None:
    """ASO's sentence says what to do."""
    with KubeServer(FakeKube()) as server:
        file = tmp_path / "config"
        file.write_text(yaml.safe_dump(kubeconfig(server.url)))
        client = connect(Connection(kubeconfig=str(file)))

        with pytest.raises(InvalidSpecError, match="No existing CRDs in cluster and no --crd-pattern specified"):
            asyncio.run(bring_definitions(client, pattern=" ", labels={}, clock=FakeClock()))


def test_labels_of_definitions() -> None:
    """Names and values, separated by comma or semicolon."""
    assert parse_labels("a=b; c.io/d=, e = f") == {"a": "b", "c.io/d": "", "e": "f"}
    assert parse_labels("") == {}


@pytest.mark.parametrize(
    "text",
    ["a", "=b", "app.kubernetes.io/name=x", "app.kubernetes.io/version=x", "serviceoperator.azure.com/version=x"],
)
def test_labels_that_are_refused(text: str) -> None:
    """What the definitions carry anyway cannot be set."""
    with pytest.raises(InvalidSpecError, match="--crd-labels"):
        parse_labels(text)
