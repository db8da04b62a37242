"""``kubectl explain`` on a real API server, of definitions installed with descriptions."""

from __future__ import annotations

import subprocess

import pytest

from engine.app.cli import main
from engine.crds.definition import is_described
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane

pytestmark = pytest.mark.apiserver

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/storageaccounts.storage.azure.com"
PATTERN = "storage.azure.com/StorageAccount;dbforpostgresql.azure.com/User"


def crds(plane: ControlPlane, action: str, *options: str, pattern: str = PATTERN) -> int:
    return main(["crds", action, "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig()), *options])


@pytest.fixture(scope="module", autouse=True)
def described(plane: ControlPlane) -> None:
    """Install two kinds without descriptions, then with them."""
    assert crds(plane, "install") == 0
    assert crds(plane, "diff", "--descriptions") == 2
    assert crds(plane, "install", "--descriptions") == 0


@pytest.fixture
def kubectl(plane: ControlPlane) -> str:
    if plane.kubectl is None:
        pytest.skip("kubectl is missing: make apiserver builds it")
    return str(plane.kubectl)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("storageaccounts.storage.azure.com", "Microsoft.Storage/storageAccounts of Azure"),
        ("storageaccounts.storage.azure.com.spec.sku", "Gets or sets the SKU name."),
        ("storageaccounts.storage.azure.com.spec.sku.name", "Required for account creation"),
        ("storageaccounts.storage.azure.com.spec.owner.armId", "Id in Azure, of something that has no object here."),
        ("storageaccounts.storage.azure.com.spec.operatorSpec.secrets.key1", "Secret, and key in it"),
        ("storageaccounts.storage.azure.com.status.primaryEndpoints.blob", "blob endpoint"),
        ("users.dbforpostgresql.azure.com.spec.roleOptions.createDb", "Whether it may make databases."),
    ],
)
def test_kubectl_explains(plane: ControlPlane, admin: Api, kubectl: str, place: str, sentence: str) -> None:
    """What a member is for is printed by kubectl itself, as soon as the server has published the new definition."""
    command = [kubectl, f"--kubeconfig={plane.kubeconfig()}", "explain", place]

    def explained() -> bool:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0 and sentence in " ".join(done.stdout.split())

    assert admin.wait_for(f"kubectl to say {sentence!r} of {place}", explained)


@pytest.mark.loopback
def test_descriptions_stay(plane: ControlPlane, admin: Api) -> None:
    """Who does not ask for descriptions neither sees a difference in them nor takes them away."""
    assert crds(plane, "diff") == crds(plane, "install") == 0

    assert is_described(admin.get(CRD))
    assert crds(plane, "diff", "--descriptions") == 0
