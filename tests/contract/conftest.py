"""A cluster that speaks HTTP, and a source that reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKube, KubeServer, kubeconfig
from providers.kube.connect import Connection, connect
from providers.kube.listing import Selection
from providers.kube.source import KubeSource
from tests.kube_reading import CATALOG


@pytest.fixture
def kube() -> Iterator[tuple[FakeKube, str]]:
    fake = FakeKube(token="token")
    with KubeServer(fake) as server:
        yield fake, server.url


@pytest.fixture
def source(kube: tuple[FakeKube, str], tmp_path: Path) -> Iterator[Callable[..., KubeSource]]:
    opened: list[KubeSource] = []

    def build(selection: Selection | None = None, **options: str) -> KubeSource:
        path = tmp_path / "config"
        path.write_text(json.dumps(kubeconfig(kube[1], **options)))
        opened.append(KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG, selection))
        return opened[-1]

    yield build
    for one in opened:
        asyncio.run(one.close())
