"""A pod that has nothing to do does nothing, and an edit does not wait for a full pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Pod, Web
from tests.apiserver.rights import chart_account
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

PATTERN = "resources.azure.com/ResourceGroup;storage.azure.com/StorageAccount"
PERIOD_S = 0.5
SLOW_MS = 4000
COUNT = 6


@pytest.fixture
def web(
    plane: ControlPlane, admin: Api, azure: Azure, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    """Return a namespace with settled objects and a pod that looks at everything twice a second."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
    who = chart_account(plane, namespace, "pod")
    settings = {
        "AZURE_SUBSCRIPTION_ID": azure.connection.subscription,
        "AZURE_TENANT_ID": azure.connection.tenant,
        "AZURE_CLIENT_ID": azure.connection.client,
        "AZURE_CLIENT_SECRET": azure.connection.secret,
        "AZURE_TARGET_NAMESPACES": namespace,
        "POD_NAMESPACE": namespace,
    }
    log = tmp_path_factory.mktemp("pod") / "log"
    options = ("--observe-period", str(PERIOD_S), "--crd-management", "none")
    found = Web(admin, azure, namespace)
    with Pod(plane, azure, plane.kubeconfig(who), log, environment=settings, options=options):
        found.create(GROUPS, group(f"{namespace}-rg"))
        for n in range(COUNT):
            found.create(ACCOUNTS, account(f"{namespace.replace('-', '')}{n}", f"{namespace}-rg"))
        for n in range(COUNT):
            found.wait_ready(ACCOUNTS, f"{namespace.replace('-', '')}{n}")
        wait_for_passes(found, 2)
        yield found
        azure.clear_script()


def wait_for_passes(web: Web, count: int) -> None:
    """Wait until everything was read so many times more; accounts are listed once in each full pass."""
    web.azure.forget_traffic()
    web.wait_for(f"{count} full passes", lambda: lists_of(web.azure) > count)


def lists_of(azure: Azure) -> int:
    _, document = azure.call("GET", "/_emulator/requests")
    return sum(n for path, n in document["reads"].items() if path.lower().endswith("/storageaccounts"))


def snapshot(web: Web) -> dict[str, str]:
    """Return the resourceVersion of every object, and of every event that tells of one."""
    paths = [web.path(GROUPS), web.path(ACCOUNTS), f"/api/v1/namespaces/{web.namespace}/events"]
    found: list[Any] = [item for path in paths for item in web.admin.get(path)["items"]]
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in found}


def test_full_passes_of_nothing_write_nothing(web: Web) -> None:
    """Passes over what is in sync send no write to Azure and none to the API server, and read by lists alone."""
    before = snapshot(web)

    wait_for_passes(web, 3)

    assert web.azure.writes == []
    assert snapshot(web) == before
    assert web.azure.reads <= 2 * (lists_of(web.azure) + 1)


def test_an_edit_does_not_wait_for_a_full_pass(web: Web) -> None:
    """While a full pass waits for Azure's list, an edit of one of its objects is read, planned and written."""
    slow = {"match": {"method": "GET", "path_regex": "(?i)/storageAccounts$"}, "delay_ms": SLOW_MS, "times": None}
    web.azure.script(slow)
    web.azure.forget_traffic()
    web.wait_for("a full pass to begin", lambda: web.azure.reads > 1)
    name = f"{web.namespace.replace('-', '')}0"
    began = time.monotonic()

    web.patch(ACCOUNTS, name, {"spec": {"tags": {"edited": "now"}}})
    web.wait_for("the edit to reach Azure", lambda: web.azure.writes)

    assert time.monotonic() - began < SLOW_MS / 2000
    web.wait_ready(ACCOUNTS, name, generation=2)


def test_a_status_that_somebody_damaged_is_put_right(web: Web) -> None:
    """What full passes remember is no excuse: a status that is not as it was left is written anew."""
    name = f"{web.namespace.replace('-', '')}1"
    path = f"{web.path(ACCOUNTS, name)}/status"
    held = web.get(ACCOUNTS, name)["status"]

    status, body = web.admin.call("PATCH", path, {"status": {"kind": "wrong"}}, content="application/merge-patch+json")

    assert status == 200, body
    web.wait_for("the status to be as it was", lambda: web.get(ACCOUNTS, name)["status"] == held)
