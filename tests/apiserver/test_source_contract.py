"""What the cluster source reads, on the real API server and on the fake one that stands in for it elsewhere."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer
from engine.model.state import CustomResource
from providers.kube import listing
from providers.kube.connect import Connection, connect
from providers.kube.discovery import Catalog
from providers.kube.listing import Selection
from providers.kube.source import KubeSource
from tests.apiserver.clusters import Cluster, FakeCluster, RealCluster
from tests.apiserver.crds import install
from tests.apiserver.plane import ControlPlane

pytestmark = pytest.mark.loopback

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
ACCOUNTS = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101", "v1api20220901"))
FINALIZER = "serviceoperator.azure.com/finalizer"

Open = Callable[[Path], KubeSource]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.apiserver)])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """Return a cluster that knows two of ASO's kinds."""
    if request.param == "real":
        plane: ControlPlane = request.getfixturevalue("plane")
        install(plane.admin, GROUPS, ACCOUNTS)
        yield RealCluster(plane, request.getfixturevalue("namespace"))
        return
    fake = FakeKube(token="token")
    for kind in (GROUPS, ACCOUNTS):
        fake.serve_kind(kind)
    with KubeServer(fake) as server:
        yield FakeCluster(fake, server.url, tmp_path)


@pytest.fixture
def source(cluster: Cluster) -> Iterator[Open]:
    """Return what opens sources of the cluster's namespace, and closes them afterwards."""
    opened: list[KubeSource] = []

    def build(path: Path) -> KubeSource:
        selection = Selection(namespaces=frozenset({cluster.namespace}))
        opened.append(KubeSource(connect(Connection(kubeconfig=str(path))), Catalog.of_kinds(), selection))
        return opened[-1]

    yield build
    for one in opened:
        asyncio.run(one.close())


def read(source: KubeSource) -> list[CustomResource]:
    return list(asyncio.run(source.list_resources()))


def test_objects_come_with_identity_and_generation(cluster: Cluster, source: Open) -> None:
    """Uid, resource version, generation, labels and annotations are those of the server."""
    made = cluster.create(GROUPS, "app", labels={"team": "a"}, annotations={"trueup.dev/protect": "true"})

    (found,) = read(source(cluster.kubeconfig()))

    assert str(found.key) == f"{cluster.namespace}/ResourceGroup/app"
    assert (found.uid, found.resource_version) == (made["uid"], made["resourceVersion"])
    assert (found.generation, found.deleting, found.labels) == (1, False, {"team": "a"})
    assert found.annotations == {"trueup.dev/protect": "true"}
    assert found.spec.value == {"location": "westus"}


def test_lists_are_read_page_by_page(cluster: Cluster, source: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's continue tokens lead through all pages; every object comes once."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 3)
    names = [f"g{n:02}" for n in range(10)]
    for name in names:
        cluster.create(GROUPS, name)

    found = read(source(cluster.kubeconfig()))

    assert [r.key.name for r in found] == names


def test_a_kind_that_may_not_be_listed_is_a_problem_and_the_others_come(cluster: Cluster, source: Open) -> None:
    """With a role for one group only, that group's objects are read, and the other kind is named with its refusal."""
    cluster.create(GROUPS, "app")
    cluster.create(ACCOUNTS, "store")

    opened = source(cluster.narrow_kubeconfig(GROUPS))
    found = read(opened)

    assert [r.key.kind for r in found] == ["ResourceGroup"]
    assert sum("storageaccounts" in str(problem) for problem in opened.problems()) == 1


def test_an_object_that_waits_for_its_finalizer_is_being_deleted(cluster: Cluster, source: Open) -> None:
    """After a delete an object with a finalizer is still listed, as one to be deleted; without one it is gone."""
    cluster.create(GROUPS, "held", finalizers=[FINALIZER])
    cluster.create(GROUPS, "free")
    opened = source(cluster.kubeconfig())

    for name in ("held", "free"):
        cluster.delete(GROUPS, name)
    (found,) = read(opened)
    cluster.finalize(GROUPS, "held")

    assert (found.key.name, found.deleting) == ("held", True)
    assert read(opened) == []


def test_the_version_that_was_applied_is_the_one_that_is_read(cluster: Cluster, source: Open) -> None:
    """An object applied in one version comes in that one, whichever the server stores or prefers."""
    cluster.apply(ACCOUNTS, "store", "v1api20230101")

    (found,) = read(source(cluster.kubeconfig()))

    assert found.key.version == "v1api20230101"


def test_secrets_are_read_with_permission_only(cluster: Cluster, source: Open) -> None:
    """A Secret comes decoded; for somebody who may not read it there is none, and a note or problem says so."""
    cluster.create_secret("database", {"password": b64encode(b"example-Only-1").decode()})
    allowed = asyncio.run(source(cluster.kubeconfig()).fetch_secret(cluster.namespace, "database"))

    refused = source(cluster.narrow_kubeconfig(GROUPS))
    missing = asyncio.run(refused.fetch_secret(cluster.namespace, "database"))

    assert allowed is not None
    assert (allowed["password"].reveal(), missing) == ("example-Only-1", None)
    assert "database" in " ".join(str(p) for p in (*refused.problems(), *refused.notes()))


def test_a_missing_secret_is_none(cluster: Cluster, source: Open) -> None:
    """What is not there is no problem of the source."""
    opened = source(cluster.kubeconfig())

    assert asyncio.run(opened.fetch_secret(cluster.namespace, "nowhere")) is None
    assert list(opened.problems()) == []
