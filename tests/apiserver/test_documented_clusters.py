"""Every command block of the documentation that needs a cluster is run, with the real kubectl and Helm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.api import Api
from tests.apiserver.left import HUB, Left
from tests.apiserver.node import Node
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, Web, credential
from tests.chart.helm import Helm, find_helm
from tests.verbs_desk import Azure
from tests.walk_folder import make_folder, shell_environment
from tests.walks import Page, all_pages, run_page

pytestmark = pytest.mark.apiserver

_PAGES = [page for page in all_pages() if page.setting == "cluster"]
_OPERATOR = "azureserviceoperator-system"


@pytest.fixture
def helm(plane: ControlPlane, tmp_path: Path) -> Iterator[Helm]:
    """Return the real Helm; what was installed is taken away again."""
    found = find_helm()
    if isinstance(found, str):
        pytest.skip(found)
    home = tmp_path / "helm"
    home.mkdir()
    helm = Helm(found, home, {"KUBECONFIG": str(plane.kubeconfig())})
    yield helm
    for release in json.loads(helm.run("list", "--all-namespaces", "-o", "json")):
        helm.run("uninstall", release["name"], "--namespace", release["namespace"])


@pytest.fixture(scope="module")
def applications(plane: ControlPlane, azure: Azure, kinds: None) -> None:
    """Make two namespaces as ASO left them."""
    admin: Api = plane.admin
    for name in ("shop", "billing", _OPERATOR):
        admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    for name in ("shop", "billing"):
        secret = {"metadata": {"name": "aso-credential"}, "data": credential(azure.connection)}
        admin.create(f"/api/v1/namespaces/{name}/secrets", secret)
        left_in(name, admin, azure).make()


def left_in(namespace: str, admin: Api, azure: Azure) -> Left:
    return Left(Web(admin, azure, namespace), f"{namespace}data", _OPERATOR)


@pytest.fixture
def left_by_aso(admin: Api, azure: Azure, applications: None) -> None:
    """Let ASO be the last at all objects, and a tag have moved since in ``billing``."""
    labels = {"serviceoperator.azure.com/last-reconciled-version": "v2.20.0"}
    for name in ("shop", "billing"):
        left = left_in(name, admin, azure)
        for path in (GROUPS, HUB):
            left.web.patch(path, left.name, {"metadata": {"labels": labels}})
    azure.edit_tags(left.group, "Replace", {"app": "theirs"})


@pytest.mark.parametrize("page", _PAGES, ids=lambda p: p.name)
def test_what_a_page_says_is_what_happens_in_a_cluster(
    page: Page, helm: Helm, plane: ControlPlane, azure: Azure, left_by_aso: None, tmp_path: Path
) -> None:
    """Each block ends as the page says and prints what it shows; nothing is written to what was in sync."""
    if plane.kubectl is None:
        pytest.skip("kubectl is not among the programs: make apiserver")
    folder = make_folder(tmp_path / "checkout", kubectl=plane.kubectl, helm=helm.program)
    azure.forget_traffic()
    more = {**azure.connection.environment(), "KUBECONFIG": str(plane.kubeconfig()), "HELM_CACHE_HOME": str(helm.home)}

    with Node(helm, plane, azure, tmp_path) as node:
        wrong = run_page(page, folder, shell_environment(folder, more))

    assert node.failures == []
    assert wrong == []
    written = [write["path"] for write in azure.call("GET", "/_emulator/requests")[1]["writes"]]
    only_looks = page.path.name == "watch-beside-aso.md"
    assert [path for path in written if only_looks or "shopdata" in path] == []
