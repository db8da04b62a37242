"""One identity that reads and one that writes: two releases, each with just the role that is printed for its mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Web
from tests.apiserver.releases import Release
from tests.chart.helm import Helm, find_helm
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

KINDS = "resources.azure.com/ResourceGroup;storage.azure.com/StorageAccount"
READER = "00000000-0000-0000-0000-00000000000a"
COLLEAGUE = {"x-ms-emulator-actor": "colleague@contoso.example"}


@pytest.fixture(scope="module")
def helm(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Return the real Helm, as an administrator of the cluster."""
    found = find_helm()
    if isinstance(found, str):
        pytest.skip(found)
    return Helm(found, tmp_path_factory.mktemp("helm"), {"KUBECONFIG": str(plane.kubeconfig())})


def role(capsys: pytest.CaptureFixture[str], azure: Azure, mode: str, *source: str) -> Any:
    """Return the role that the command line prints for the kinds of the test, or for what else is named."""
    capsys.readouterr()
    of = source or ("--pattern", KINDS)
    assert main(["role", "--mode", mode, *of, "--subscription", azure.connection.subscription]) == 0
    return json.loads(capsys.readouterr().out)


def credential(azure: Azure, client: str, secret: str) -> dict[str, Any]:
    """Return values of a release that signs in as this application."""
    return {
        "azureSubscriptionID": azure.connection.subscription,
        "azureTenantID": azure.connection.tenant,
        "azureClientID": client,
        "azureClientSecret": secret,
        "azureAuthorityHost": azure.connection.authority,
        "azureResourceManagerEndpoint": azure.connection.arm,
        "extraEnv": [{"name": "SSL_CERT_FILE", "value": azure.connection.ca}],
        "trueup": {"observePeriod": 0.5, "exportPeriod": 0.5},
    }


def refused(azure: Azure) -> int:
    """Return how many requests were refused for want of a right."""
    return int(azure.call("GET", "/_emulator/requests")[1]["statuses"].get("403", 0))


def exporting(name: str, owner: str) -> Any:
    """Return an account whose key is exported."""
    return account(name, owner, operatorSpec={"secrets": {"key1": {"name": "keys", "key": "one"}}})


def test_each_release_does_its_work_with_its_own_role(
    helm: Helm,
    plane: ControlPlane,
    admin: Api,
    azure: Azure,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The watcher's is refused without its role and reads with it; the manager's does everything else."""
    reads, writes = (role(capsys, azure, mode) for mode in ("watch", "manage"))
    azure.call("POST", "/_emulator/applications", {"client": READER, "secret": "reads"})
    azure.call("POST", "/_emulator/roles", {"role": writes, "client": azure.connection.client})
    manages, watches = (Release(helm, plane, name, f"{name}-system") for name in ("manages", "watches"))
    manages.install({**credential(azure, azure.connection.client, azure.connection.secret), "crdPattern": KINDS})
    watches.install({**credential(azure, READER, "reads"), "azureOperatorMode": "watch"})
    web = Web(admin, azure, "identities")
    admin.create("/api/v1/namespaces", {"metadata": {"name": web.namespace}})

    with manages.pod(azure, tmp_path / "manages") as manager:
        web.wait_for("the kinds", lambda: admin.call("GET", web.path(ACCOUNTS))[0] == 200)
        web.create(GROUPS, group("identities", tags={"app": "shop"}))
        web.create(ACCOUNTS, exporting("identities", "identities"))
        web.wait_ready(ACCOUNTS, "identities")
        assert manager.stop() == 0
    made = azure.writes
    of_objects = role(capsys, azure, "manage", "--kubeconfig", str(plane.kubeconfig()))
    failed = refused(azure)
    azure.call("PATCH", tags_of(azure, "identities"), TAGS, headers=COLLEAGUE)
    with watches.pod(azure, tmp_path / "watches") as watcher:
        web.wait_for("a refusal", lambda: f"The client '{READER}'" in watcher.log.read_text())
        azure.call("POST", "/_emulator/roles", {"role": reads, "client": READER})
        azure.forget_traffic()
        web.wait_for("a plan", lambda: '"shop"' in watcher.log.read_text())
        assert watcher.stop() == 0
    only_read, watched = azure.writes, refused(azure)
    with manages.pod(azure, tmp_path / "manages-again") as manager:
        for collection in (ACCOUNTS, GROUPS):
            admin.delete(web.path(collection, "identities"))
            web.wait_gone(collection, "identities")
        assert manager.stop() == 0
    azure.call("DELETE", "/_emulator/roles")

    assert of_objects["Actions"] == writes["Actions"]
    assert "PUT storageAccounts/identities 202" in made
    assert "POST identities/listKeys 200" in made
    assert (failed, only_read, watched, refused(azure)) == (0, [], 0, 0)
    assert admin.get("/api/v1/namespaces/watches-system/secrets/trueup-controller-settings") is not None
    assert "may not" not in manager.log.read_text() + watcher.log.read_text()


TAGS = {"operation": "Merge", "properties": {"tags": {"app": "theirs"}}}


def tags_of(azure: Azure, name: str) -> str:
    """Return the address of the tags of a resource group."""
    group_id = f"{azure.subscription}/resourceGroups/{name}"
    return f"{group_id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
