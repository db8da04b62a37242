"""The policy that fills in names, on a real API server that serves such policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.app.cli import main
from engine.crds.compare import holds
from engine.crds.naming_policy import naming_policy
from tests.apiserver.any_pods import open_web, running
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, PREFIX, Web
from tests.verbs_desk import Azure, group, make_object

pytestmark = pytest.mark.apiserver

PATTERN = (
    "resources.azure.com/*;storage.azure.com/StorageAccountsBlobService;authorization.azure.com/RoleAssignment;"
    "dbforpostgresql.azure.com/FlexibleServersAdministrator"
)
ROLES = "/apis/authorization.azure.com/v1api20220401/namespaces/{}/roleassignments"
ADMINS = "/apis/dbforpostgresql.azure.com/v20250801/namespaces/{}/flexibleserversadministrators"
BLOBS = "/apis/storage.azure.com/v1api20230101/namespaces/{}/storageaccountsblobservices"
POLICIES = "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicies/trueup-names"
BINDINGS = "/apis/admissionregistration.k8s.io/v1beta1/mutatingadmissionpolicybindings/trueup-names"


@pytest.fixture(scope="module")
def mutating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a cluster with the feature that is off by default in this version."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    options = (
        "--feature-gates=MutatingAdmissionPolicy=true",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
    )
    with ControlPlane(found, tmp_path_factory.mktemp("mutating"), *options) as plane:
        assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
        for path in (GROUPS, ROLES, ADMINS, BLOBS):
            plane.admin.wait_for(path, lambda path=path: plane.admin.call("GET", path.format("default"))[0] == 200)
        yield plane


@pytest.fixture
def web(mutating: ControlPlane, azure: Azure) -> Web:
    """Return a namespace with a credential."""
    return open_web(mutating.admin, azure, "naming")


def test_names_are_there_from_the_first_generation(
    mutating: ControlPlane, web: Web, azure: Azure, tmp_path: Path
) -> None:
    """An object is stored with its name, as with ASO's webhook; the pod has nothing to add to its spec."""
    item = {**group("probe"), "metadata": {"name": "probe"}}

    def probe() -> bool:
        _, answer = mutating.admin.call("POST", f"{web.path(GROUPS)}?dryRun=All", item)
        return "azureName" in answer.get("spec", {})

    mutating.admin.wait_for("the policy to hold", probe)
    stored = web.create(GROUPS, group("naming-rg"))
    with running(mutating, azure, tmp_path, environment={"AZURE_OPERATOR_MODE": "watchers"}):
        ready = web.wait_ready(GROUPS, "naming-rg")

    assert stored["spec"]["azureName"] == "naming-rg"
    assert ready["metadata"]["generation"] == 1
    assert ready["metadata"]["annotations"][PREFIX + "latest-reconciled-generation"] == "1"


def test_other_names_are_left_to_the_pod(web: Web) -> None:
    """Given names, names from config maps, UUIDs and fixed names are none of the policy's business."""
    given = group("naming-given")
    given["spec"]["azureName"] = "Other"
    owner = {"group": "resources.azure.com", "kind": "ResourceGroup", "name": "naming-rg"}
    role = make_object("RoleAssignment", "authorization/v1api20220401", "naming-role", {"owner": owner})
    role["spec"] |= {
        "principalId": "1d7b6d0c-9c0c-4d6a-8a70-0f5d2f0c4f11",
        "roleDefinitionReference": {"armId": "/subscriptions/s"},
    }
    admin = make_object("FlexibleServersAdministrator", "dbforpostgresql/v20250801", "naming-admin", {})
    admin["spec"] = {"owner": {"name": "db"}, "azureNameFromConfig": {"name": "who", "key": "id"}}
    blobs = make_object("StorageAccountsBlobService", "storage/v1api20230101", "naming-blobs", {"owner": {"name": "a"}})

    names = [
        web.create(path, item)["spec"].get("azureName")
        for path, item in ((GROUPS, given), (ROLES, role), (ADMINS, admin), (BLOBS, blobs))
    ]

    assert names == ["Other", None, None, None]


def test_installing_twice_changes_nothing(mutating: ControlPlane, capsys: pytest.CaptureFixture[str]) -> None:
    """What the server adds to the policy is no difference, and what is rendered is what is installed."""
    before = [mutating.admin.get(path)["metadata"]["resourceVersion"] for path in (POLICIES, BINDINGS)]

    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(mutating.kubeconfig())]) == 0
    capsys.readouterr()
    assert main(["crds", "render", "--pattern", "resources.azure.com/*", "--naming-policy", "v1beta1"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line != "---"]

    after = [mutating.admin.get(path) for path in (POLICIES, BINDINGS)]
    assert [found["metadata"]["resourceVersion"] for found in after] == before
    assert printed[-2:] == naming_policy("v1beta1")
    assert all(holds(found, wanted) for found, wanted in zip(after, printed[-2:], strict=True))
