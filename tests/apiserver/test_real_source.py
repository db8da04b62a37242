"""The cluster source reads a real API server as it reads the fake one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fake_kube import FakeKind
from engine.model.state import CustomResource
from providers.kube import listing
from providers.kube.connect import Connection, connect
from providers.kube.discovery import Catalog
from providers.kube.listing import Selection
from providers.kube.source import KubeSource
from tests.apiserver.api import Api, Object
from tests.apiserver.crds import collection, install
from tests.apiserver.plane import ControlPlane

pytestmark = pytest.mark.apiserver

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
ACCOUNTS = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101", "v1api20220901"))
READS_ASO = {"apiGroups": ["resources.azure.com"], "resources": ["*"], "verbs": ["get", "list"]}
FINALIZER = "serviceoperator.azure.com/finalizer"


@pytest.fixture
def objects(admin: Api, namespace: str) -> str:
    """Return a namespace of a cluster that knows two of ASO's kinds."""
    install(admin, GROUPS, ACCOUNTS)
    return namespace


Open = Callable[..., KubeSource]


@pytest.fixture
def source() -> Iterator[Open]:
    """Return what opens sources, and closes them afterwards."""
    opened: list[KubeSource] = []

    def build(kubeconfig: Path, namespace: str) -> KubeSource:
        selection = Selection(namespaces=frozenset({namespace}))
        client = connect(Connection(kubeconfig=str(kubeconfig)))
        opened.append(KubeSource(client, Catalog.of_kinds(), selection))
        return opened[-1]

    yield build
    for one in opened:
        asyncio.run(one.close())


def build_object(kind: FakeKind, name: str, *, version: str = "", **metadata: Any) -> Object:
    api_version = f"{kind.group}/{version or kind.versions[-1]}"
    spec = {"location": "westus"}
    return {"apiVersion": api_version, "kind": kind.kind, "metadata": {"name": name, **metadata}, "spec": spec}


def create(admin: Api, namespace: str, kind: FakeKind, name: str, *, version: str = "", **metadata: Any) -> Object:
    item = build_object(kind, name, version=version, **metadata)
    made: Object = admin.create(collection(kind, namespace, version), item)
    return made


def read(source: KubeSource) -> list[CustomResource]:
    return list(asyncio.run(source.list_resources()))


def test_objects_come_with_identity_and_generation(admin: Api, plane: ControlPlane, objects: str, source: Open) -> None:
    """Uid, resource version, generation, labels and annotations are those of the server."""
    made = create(admin, objects, GROUPS, "app", labels={"team": "a"}, annotations={"trueup.dev/protect": "true"})

    (found,) = read(source(plane.kubeconfig(), objects))

    assert str(found.key) == f"{objects}/ResourceGroup/app"
    assert (found.uid, found.resource_version) == (made["metadata"]["uid"], made["metadata"]["resourceVersion"])
    assert (found.generation, found.deleting, found.labels) == (1, False, {"team": "a"})
    assert found.annotations == {"trueup.dev/protect": "true"}
    assert found.spec.value == {"location": "westus"}


def test_lists_are_read_page_by_page(
    admin: Api, plane: ControlPlane, objects: str, source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's continue tokens lead through all pages; every object comes once."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 3)
    names = [f"g{n:02}" for n in range(10)]
    for name in names:
        create(admin, objects, GROUPS, name)

    found = read(source(plane.kubeconfig(), objects))

    assert [r.key.name for r in found] == names


def test_a_kind_that_may_not_be_listed_is_a_problem_and_the_others_come(
    admin: Api, plane: ControlPlane, objects: str, source: Open
) -> None:
    """With a role for one group only, that group's objects are read, and the other kind is named with its 403."""
    create(admin, objects, GROUPS, "app")
    create(admin, objects, ACCOUNTS, "store")
    reader = plane.account(objects, "narrow", READS_ASO)

    opened = source(plane.kubeconfig(reader), objects)
    found = read(opened)

    assert [r.key.kind for r in found] == ["ResourceGroup"]
    problems = " ".join(str(p) for p in opened.problems())
    assert "storageaccounts" in problems
    assert "narrow" in problems


def test_an_object_that_waits_for_its_finalizer_is_being_deleted(
    admin: Api, plane: ControlPlane, objects: str, source: Open
) -> None:
    """After a delete an object with a finalizer is still listed, as one to be deleted; without one it is gone."""
    create(admin, objects, GROUPS, "held", finalizers=[FINALIZER])
    create(admin, objects, GROUPS, "free")

    for name in ("held", "free"):
        admin.delete(f"{collection(GROUPS, objects)}/{name}")
    (found,) = read(source(plane.kubeconfig(), objects))

    assert (found.key.name, found.deleting) == ("held", True)
    admin.patch(f"{collection(GROUPS, objects)}/held", {"metadata": {"finalizers": None}})
    assert read(source(plane.kubeconfig(), objects)) == []


def test_the_version_that_was_applied_is_the_one_that_is_read(
    admin: Api, plane: ControlPlane, objects: str, source: Open
) -> None:
    """An object applied in one version comes in that one, whichever the server stores or prefers."""
    item = build_object(ACCOUNTS, "store", version="v1api20230101")
    path = f"{collection(ACCOUNTS, objects, 'v1api20230101')}/store?fieldManager=kubectl"
    status, body = admin.call("PATCH", path, item, content="application/apply-patch+yaml")

    (found,) = read(source(plane.kubeconfig(), objects))

    assert status == 201, body
    assert found.key.version == "v1api20230101"


def test_secrets_are_read_with_permission_only(admin: Api, plane: ControlPlane, objects: str, source: Open) -> None:
    """A Secret comes decoded; for an account that may not read it there is none, and the reason is a problem."""
    secret = {"metadata": {"name": "database"}, "stringData": {"password": "example-Only-1"}}
    admin.create(f"/api/v1/namespaces/{objects}/secrets", secret)
    reader = plane.account(objects, "blind", READS_ASO)
    allowed, refused = source(plane.kubeconfig(), objects), source(plane.kubeconfig(reader), objects)

    found = asyncio.run(allowed.fetch_secret(objects, "database"))
    missing = asyncio.run(refused.fetch_secret(objects, "database"))

    assert found is not None
    assert (found["password"].reveal(), missing) == ("example-Only-1", None)
    assert "database" in " ".join(str(p) for p in (*refused.problems(), *refused.notes()))
