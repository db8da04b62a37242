"""Objects and Secrets of a live cluster, through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer, kubeconfig
from tests.verbs_desk import SECRET_TEXT, Desk, account, group, server

pytestmark = pytest.mark.loopback

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
SERVERS = FakeKind("dbforpostgresql.azure.com", "FlexibleServer", "flexibleservers", ("v1api20221201",))
ACCOUNTS = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101",))


@pytest.fixture
def kube() -> Iterator[FakeKube]:
    fake = FakeKube(token="token")
    with KubeServer(fake) as served:
        fake.url = served.url  # type: ignore[attr-defined]
        yield fake


@pytest.fixture
def context(kube: FakeKube, tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(kube.url)))  # type: ignore[attr-defined]
    return ("--kubeconfig", str(path), "--context", "fake")


def test_a_cluster_is_planned_applied_and_watched(desk: Desk, kube: FakeKube, context: tuple[str, ...]) -> None:
    """Objects and Secrets come from the cluster; drift is told, and nothing is ever written to the cluster."""
    name = f"{desk.name}-pg"
    kube.add(GROUPS, group(desk.name))
    kube.add(SERVERS, server(name, desk.name, tags={"app": "shop"}))
    kube.add_secret("web", "database", {"password": SECRET_TEXT.encode()})

    done = desk.run("apply", "-o", "json", "--yes", *context, files=False)
    clean = desk.run("plan", "--detailed-exitcode", *context, files=False)
    desk.azure.edit("PATCH", desk.id_of("server", name), {"tags": {"who": "me"}}, api="2022-12-01")
    drift = desk.run("drift", *context, files=False)

    assert (done.code, clean.code, drift.code) == (0, 0, 2), done.err + clean.out + drift.out
    assert f"web/FlexibleServer/{name}" in drift.out
    assert SECRET_TEXT not in done.out + done.err + clean.out + drift.out
    assert {line.split()[0] for line in kube.requests} == {"GET"}


def test_files_take_their_secrets_from_the_cluster(desk: Desk, kube: FakeKube, context: tuple[str, ...]) -> None:
    """With files and a context the files say what is wanted, the cluster only what they lack."""
    name = f"{desk.name}-pg"
    desk.write(group(desk.name), server(name, desk.name))
    kube.add(ACCOUNTS, account("notmine", desk.name))
    kube.add_secret("web", "database", {"password": SECRET_TEXT.encode()})

    alone = desk.run("plan", "-o", "json")
    beside = desk.run("plan", "-o", "json", *context)

    assert (alone.step(name)["action"], beside.step(name)["action"]) == ("wait", "create")
    assert "notmine" not in beside.out


def test_a_kind_that_may_not_be_listed_is_told_and_the_others_go_on(
    desk: Desk, kube: FakeKube, context: tuple[str, ...]
) -> None:
    """A refusal for one kind is an error that names it; the other kinds are planned, and nothing is pruned."""
    kube.add(GROUPS, group(desk.name))
    kube.add(ACCOUNTS, account("app", desk.name))
    kube.refuse["/apis/storage.azure.com/v1api20230101/storageaccounts"] = 403

    plan = desk.run("plan", "-o", "json", *context, files=False)

    assert plan.code == 1
    assert "storageaccounts" in plan.err
    assert plan.step(desk.name)["action"] == "create"


def test_a_context_that_is_not_there_is_an_error(desk: Desk, context: tuple[str, ...]) -> None:
    """An unknown context ends the run with its name and a way to find the right one."""
    plan = desk.run("plan", *context[:2], "--context", "nosuch", files=False)

    assert plan.code == 1
    assert "nosuch" in plan.err
    assert plan.out == ""
