"""Which kinds are watched while a server tells of all groups but ours, as one that just began does."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer, kubeconfig
from providers.kube import cluster as module
from providers.kube.client import KubeClient
from providers.kube.cluster import News, WatchedCluster
from providers.kube.connect import Connection, connect
from providers.kube.names import DEFINITIONS
from providers.kube.watched import Listing

pytestmark = pytest.mark.loopback

KIND = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
NAME = "resourcegroups.resources.azure.com"
SERVED = {("resources.azure.com", "ResourceGroup"): "resourcegroups"}
NOTHING = ("application/json", json.dumps({"kind": "APIGroupDiscoveryList", "items": []}).encode())


def define(kube: FakeKube, *names: str) -> None:
    """Let the server hold definitions of these names."""
    items = [{"metadata": {"name": name}} for name in (*names, "widgets.example.com")]
    kube.answers[DEFINITIONS] = ("application/json", json.dumps({"metadata": {}, "items": items}).encode())


@pytest.fixture
def kube() -> FakeKube:
    found = FakeKube()
    found.serve_kind(KIND)
    define(found, NAME)
    return found


@pytest.fixture
def client(kube: FakeKube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubeClient]:
    """Return a client; looks follow each other at once."""
    monkeypatch.setattr(module, "_LOOKS_S", (0.0,) * 2)
    monkeypatch.setattr(module, "_LATER_S", (0.0,) * 3)
    with KubeServer(kube) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(server.url)))
        found = connect(Connection(kubeconfig=str(path)))
        yield found
        found.close()


def watch(
    kube: FakeKube,
    client: KubeClient,
    then: Callable[[WatchedCluster], None],
    until: Callable[[WatchedCluster], bool] = lambda _: False,
    looks: int = 3,
) -> tuple[dict[tuple[str, str], str], list[News]]:
    """Begin, do something, and go on until that, or until kinds were looked for some more times.

    Returns:
        What is served then, and what was told since it was done.
    """
    told: list[News] = []

    async def run() -> dict[tuple[str, str], str]:
        cluster = WatchedCluster(client)
        await cluster.start(told.append)
        try:
            then(cluster)
            told.clear()
            end = kube.counts()["/apis"] + looks
            async with asyncio.timeout(20):
                for _ in itertools.count():
                    if until(cluster) or kube.counts()["/apis"] >= end:
                        break
                    await asyncio.sleep(0)
            return dict(cluster.plurals)
        finally:
            cluster.stop()

    return asyncio.run(run()), told


def test_kinds_that_are_not_told_of_yet_are_waited_for(kube: FakeKube, client: KubeClient) -> None:
    """A pod that begins together with the server watches what is defined as soon as it is served."""
    kube.answers["/apis"] = NOTHING
    before: list[int] = []

    def serve(cluster: WatchedCluster) -> None:
        before.append(len(cluster.plurals))
        del kube.answers["/apis"]

    served, _ = watch(kube, client, serve, until=lambda cluster: bool(cluster.plurals))

    assert (before, served) == ([0], SERVED)


@pytest.mark.parametrize("is_defined", [True, False], ids=["defined", "not defined"])
def test_a_kind_goes_with_its_definition(kube: FakeKube, client: KubeClient, *, is_defined: bool) -> None:
    """Its objects are not gone because a server does not tell of it for a moment."""

    def forget(_: WatchedCluster) -> None:
        kube.answers["/apis"] = NOTHING
        define(kube, *([NAME] if is_defined else []))

    served, told = watch(kube, client, forget)

    gone = [n for n in told if isinstance(n, Listing) and n.kind == KIND.kind and not n.objects]
    assert (served, bool(gone)) == ((SERVED, False) if is_defined else ({}, True))


def test_a_kind_that_is_served_late_is_found_without_another_change(kube: FakeKube, client: KubeClient) -> None:
    """However often it was looked for in vain."""
    kube.answers["/apis"] = NOTHING
    looks: list[int] = []

    def serve_later(cluster: WatchedCluster) -> bool:
        looks.append(kube.counts()["/apis"])
        if looks[-1] >= looks[0] + 12:
            kube.answers.pop("/apis", None)
        return bool(cluster.plurals)

    served, _ = watch(kube, client, lambda _: None, until=serve_later, looks=30)

    assert served == SERVED
