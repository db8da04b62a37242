"""The cluster that the other tests rely on is a real one: it authorises, collects garbage and speaks its version."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKind
from providers.kube.connect import Connection, connect
from providers.kube.discovery import Catalog
from providers.kube.listing import Selection
from providers.kube.source import KubeSource
from tests.apiserver.api import Api, Identity
from tests.apiserver.binaries import PROGRAMS, Binaries, find_binaries
from tests.apiserver.clusters import RealCluster
from tests.apiserver.crds import install
from tests.apiserver.plane import ControlPlane, StartError

pytestmark = pytest.mark.apiserver

READS_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}


def test_roles_decide_what_an_account_may_do(plane: ControlPlane, namespace: str) -> None:
    """With a role an account does just that; without a token nobody does anything."""
    account = plane.client(plane.account(namespace, "reader", READS_MAPS))
    stranger = plane.client(Identity(token="made-up"))
    maps, secrets = (f"/api/v1/namespaces/{namespace}/{name}" for name in ("configmaps", "secrets"))

    codes = [account.call(*request)[0] for request in (("GET", maps), ("POST", maps, {}), ("GET", secrets))]

    assert codes == [200, 403, 403]
    assert stranger.call("GET", maps)[0] == 401


def test_the_server_says_its_version(admin: Api) -> None:
    """Clients choose what they do by the version, so a server built here must not say v0.0.0."""
    if find_binaries() != Binaries(PROGRAMS.folder):
        pytest.skip("these programs were built elsewhere")

    version = admin.get("/version")

    assert (version["major"], version["gitVersion"]) == ("1", PROGRAMS.version)


def test_what_an_owner_owned_goes_with_it(plane: ControlPlane, admin: Api, namespace: str) -> None:
    """The garbage collector deletes an object whose owner is gone."""
    if not plane.has_controllers:
        pytest.skip("these programs have no kube-controller-manager: make apiserver")
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    owner = admin.create(maps, {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    admin.create(maps, {"metadata": {"name": "owned", "ownerReferences": [reference]}})

    admin.delete(f"{maps}/owner")

    assert admin.wait_for("the owned object to go", lambda: admin.get(f"{maps}/owned") is None)


def test_a_namespace_is_emptied_and_goes(plane: ControlPlane, admin: Api, namespace: str) -> None:
    """Deleting a namespace deletes what is in it."""
    if not plane.has_controllers:
        pytest.skip("these programs have no kube-controller-manager: make apiserver")
    admin.create(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "inside"}})

    admin.delete(f"/api/v1/namespaces/{namespace}")

    assert admin.wait_for("the namespace to go", lambda: admin.get(f"/api/v1/namespaces/{namespace}") is None)


def test_kubectl_reads_the_cluster(plane: ControlPlane, namespace: str) -> None:
    """The real kubectl works with the kubeconfig that tests are given."""
    if plane.kubectl is None:
        pytest.skip("these programs have no kubectl: make apiserver")
    command = [str(plane.kubectl), "--kubeconfig", str(plane.kubeconfig()), "get", "namespace", namespace, "-o", "name"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == f"namespace/{namespace}\n"


def test_everything_stops_with_the_block(tmp_path: Path) -> None:
    """After the block no process of the control plane is left."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)

    with ControlPlane(found, tmp_path) as plane:
        started = plane.processes

    assert len(started) >= 2
    assert all(process.returncode is not None for process in started)


def test_a_program_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    """A control plane that cannot start says which words its programs wrote, and leaves nothing behind."""
    for name in ("etcd", "kube-apiserver"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho no such flag\nexit 1\n")
        program.chmod(0o700)

    with pytest.raises(StartError, match="no such flag"):
        ControlPlane(Binaries(tmp_path), tmp_path).__enter__()


def test_without_the_programs_the_reason_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of a skip names what is missing, where it was looked for, and how to get it."""
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    reason = find_binaries()

    assert reason == (
        f"etcd and kube-apiserver not in KUBEBUILDER_ASSETS={tmp_path}: make apiserver, or set KUBEBUILDER_ASSETS"
    )


def test_a_source_outlives_a_restart_of_the_server(plane: ControlPlane, admin: Api, namespace: str) -> None:
    """After a restart the objects are there again, and a source that was open before reads them on new connections."""
    groups = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
    install(admin, groups)
    cluster = RealCluster(plane, namespace)
    cluster.create(groups, "app")
    selection = Selection(namespaces=frozenset({namespace}))
    source = KubeSource(connect(Connection(kubeconfig=str(cluster.kubeconfig()))), Catalog.of_kinds(), selection)
    before = asyncio.run(source.list_resources())

    plane.restart_apiserver()

    after = asyncio.run(source.list_resources())
    asyncio.run(source.close())
    assert [r.uid for r in after] == [r.uid for r in before] != []
    assert list(source.problems()) == []
