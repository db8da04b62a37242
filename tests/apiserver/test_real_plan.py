"""The command line on a real cluster and the emulator, end to end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKind
from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.api import Api, Object
from tests.apiserver.crds import collection, install
from tests.apiserver.plane import ControlPlane
from tests.verbs_desk import SECRET_TEXT, Azure, Desk, account, group, secret, server

pytestmark = pytest.mark.apiserver

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
SERVERS = FakeKind("dbforpostgresql.azure.com", "FlexibleServer", "flexibleservers", ("v1api20221201",))
ACCOUNTS = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101", "v1api20220901"))
READS = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}
READS_GROUPS = {"apiGroups": ["resources.azure.com"], "resources": ["*"], "verbs": ["get", "list"]}
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorConnection]:
    """Return Azure as an emulator."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("azure"), plain_http=True, retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        yield connection


@pytest.fixture
def desk(
    emulated: EmulatorConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """Return a desk with a resource group of its own."""
    return Desk(tmp_path, Azure(emulated), monkeypatch, capsys, name=f"rg{next(_NUMBERS)}")


@pytest.fixture
def web(admin: Api, namespace: str) -> str:
    """Return a namespace of a cluster that knows the kinds."""
    install(admin, GROUPS, SERVERS, ACCOUNTS)
    return namespace


def put(admin: Api, namespace: str, kind: FakeKind, item: Object) -> None:
    """Create an object in the namespace, in the version it names."""
    version = item["apiVersion"].partition("/")[2]
    admin.create(collection(kind, namespace, version), item | {"metadata": {"name": item["metadata"]["name"]}})


def context(plane: ControlPlane, namespace: str, name: str, *rules: Object) -> tuple[str, ...]:
    """Return the options of an account that may do what the rules say."""
    path = plane.kubeconfig(plane.account(namespace, name, *rules))
    return ("--kubeconfig", str(path), "--context", "test", "-n", namespace)


def test_a_cluster_is_planned_applied_and_watched(desk: Desk, admin: Api, plane: ControlPlane, web: str) -> None:
    """With an account that may only read, objects and Secrets come from the cluster and Azure becomes as they say."""
    name = f"{desk.name}-pg"
    put(admin, web, GROUPS, group(desk.name))
    put(admin, web, SERVERS, server(name, desk.name, tags={"app": "shop"}))
    data = secret()["stringData"]
    admin.create(f"/api/v1/namespaces/{web}/secrets", {"metadata": {"name": "database"}, "stringData": data})
    options = context(plane, web, "reader", READS)

    plan = desk.run("plan", "-o", "json", *options, files=False)
    done = desk.run("apply", "-o", "json", "--yes", *options, files=False)
    clean = desk.run("plan", "--detailed-exitcode", *options, files=False)
    desk.azure.edit("PATCH", desk.id_of("server", name), {"tags": {"who": "me"}}, api="2022-12-01")
    drift = desk.run("drift", *options, files=False)

    assert plan.actions == {desk.name: "create", name: "create"}
    assert (done.code, clean.code, drift.code) == (0, 0, 2), done.err + clean.out + drift.out
    assert f"{web}/FlexibleServer/{name}" in drift.out
    assert SECRET_TEXT not in plan.out + done.out + done.err + clean.out + drift.out


def test_what_may_not_be_listed_is_told_and_the_rest_is_planned(
    desk: Desk, admin: Api, plane: ControlPlane, web: str
) -> None:
    """A refusal for one kind is an error that names it, and no reason not to plan the others."""
    put(admin, web, GROUPS, group(desk.name))
    put(admin, web, ACCOUNTS, account("app", desk.name))

    plan = desk.run("plan", "-o", "json", *context(plane, web, "narrow", READS_GROUPS), files=False)

    assert plan.code == 1
    assert "storageaccounts" in plan.err
    assert plan.actions == {desk.name: "create"}


def test_a_deleted_object_is_a_delete_in_azure(desk: Desk, admin: Api, plane: ControlPlane, web: str) -> None:
    """An object that waits for its finalizer is planned as a delete of its resource."""
    put(admin, web, GROUPS, group(desk.name))
    options = context(plane, web, "deleter", READS)
    desk.run("apply", "--yes", *options, files=False)
    path = f"{collection(GROUPS, web)}/{desk.name}"
    admin.patch(path, {"metadata": {"finalizers": ["serviceoperator.azure.com/finalizer"]}})
    admin.delete(path)

    plan = desk.run("plan", "-o", "json", *options, files=False)

    assert (plan.step(desk.name)["action"], plan.step(desk.name)["reason"]) == ("delete", "ObjectDeleted")
    admin.patch(path, {"metadata": {"finalizers": None}})
