"""Objects whose name or owner changes after their resource was made, where no policy refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.any_pods import install_kinds, open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, PREFIX, Pod, Web
from tests.verbs_desk import GROUP_API, Azure, account, group, make_object

pytestmark = pytest.mark.apiserver

SERVERS = "/apis/dbforpostgresql.azure.com/v20250801/namespaces/{}/flexibleservers"
ADMINS = "/apis/dbforpostgresql.azure.com/v20250801/namespaces/{}/flexibleserversadministrators"
BINDING = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/trueup-immutable"
FIRST, SECOND = "1d7b6d0c-9c0c-4d6a-8a70-0f5d2f0c4f11", "2d7b6d0c-9c0c-4d6a-8a70-0f5d2f0c4f11"


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything all the time, in a cluster without the admission policy."""
    install_kinds(plane)
    pattern = "dbforpostgresql.azure.com/FlexibleServersAdministrator"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    plane.admin.wait_for("the kind", lambda: plane.admin.call("GET", ADMINS.format("default"))[0] == 200)
    kept = plane.admin.get(BINDING)
    plane.admin.delete(BINDING)
    _wait_until_names_may_change(plane.admin)
    environment = {"AZURE_OPERATOR_MODE": "watchers"}
    with running(plane, azure, tmp_path_factory.mktemp("pod"), environment=environment, operator="moved") as found:
        yield found
    restored = {"metadata": {"name": kept["metadata"]["name"], "labels": kept["metadata"]["labels"]}}
    plane.admin.create(BINDING.rpartition("/")[0], {**restored, "spec": kept["spec"]})


def _wait_until_names_may_change(admin: Api) -> None:
    """Wait until the API server itself has noticed that the binding is gone."""
    groups = GROUPS.format("default")
    noted = {PREFIX + "resource-id": "/subscriptions/s/resourceGroups/probe"}
    spec = {"location": "westeurope", "azureName": "probe"}
    probe = make_object(
        "ResourceGroup", "resources/v1api20200601", "probe", spec, annotations=noted, namespace="default"
    )
    admin.create(groups, probe)
    change = {"spec": {"azureName": "other"}}
    path = f"{groups}/probe"
    admin.wait_for(
        "the policy to be off",
        lambda: admin.call("PATCH", path, change, content="application/merge-patch+json")[0] == 200,
    )
    admin.delete(path)


@pytest.fixture
def web(admin: Api, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "moved")


def resource_of(web: Web, collection: str, name: str) -> str:
    return str(web.get(collection, name)["metadata"]["annotations"][PREFIX + "resource-id"])


def seen_again(web: Web, azure: Azure) -> list[str]:
    """Return what was written during some more passes."""
    azure.forget_traffic()
    web.create(GROUPS, group("moved-witness", annotations={PREFIX + "reconcile-policy": "skip"}))
    web.wait_reason(GROUPS, "moved-witness", "AzureResourceNotFound")
    web.wait_for("more passes", lambda: azure.reads >= 4)
    return azure.writes


def test_another_name_is_refused_until_it_is_put_back(web: Web, azure: Azure) -> None:
    """The object says so and where its resource is; neither the old nor the new one is touched."""
    web.create(GROUPS, group("moved-rg1"))
    web.wait_ready(GROUPS, "moved-rg1")

    web.patch(GROUPS, "moved-rg1", {"spec": {"azureName": "moved-other"}})
    said = web.wait_reason(GROUPS, "moved-rg1", "Failed")
    writes = seen_again(web, azure)
    kept = resource_of(web, GROUPS, "moved-rg1")
    web.patch(GROUPS, "moved-rg1", {"spec": {"azureName": "moved-rg1"}})
    web.wait_ready(GROUPS, "moved-rg1")

    assert said["severity"] == "Error"
    assert said["message"] == (
        "updating 'spec.azureName' is not allowed for 'resources.azure.com/v1api20200601, Kind=ResourceGroup : "
        f"moved-rg1'; its resource is {kept}: put that back, or make another object"
    )
    assert writes == []
    assert azure.get(f"{azure.subscription}/resourceGroups/moved-other", api=GROUP_API) is None


@pytest.mark.parametrize("form", ["name", "armId"])
def test_another_owner_is_refused(web: Web, azure: Azure, form: str) -> None:
    """An account that is hung below another group, by name or by id, stays where it is; a delete waits, too."""
    name = f"moved{form.lower()}"
    for n in ("a", "b"):
        web.create(GROUPS, group(f"{name}-{n}"))
        web.wait_ready(GROUPS, f"{name}-{n}")
    web.create(ACCOUNTS, account(name, f"{name}-a"))
    web.wait_ready(ACCOUNTS, name)
    other = {"name": f"{name}-b"} if form == "name" else {"armId": resource_of(web, GROUPS, f"{name}-b"), "name": None}

    web.patch(ACCOUNTS, name, {"spec": {"owner": other}})
    said = web.wait_reason(ACCOUNTS, name, "Failed")
    web.admin.delete(web.path(ACCOUNTS, name))
    writes = seen_again(web, azure)
    web.patch(ACCOUNTS, name, {"spec": {"owner": {"name": f"{name}-a", "armId": None}}})
    web.wait_gone(ACCOUNTS, name)

    assert said["message"].startswith(f"updating 'spec.owner.{form}' is not allowed for")
    assert writes == []


def configured(web: Web, key: str) -> Any:
    """Return an administrator whose name is in a config map."""
    owner = f"{web.azure.subscription}/resourceGroups/moved-rg9/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
    spec = {
        "owner": {"armId": owner},
        "azureNameFromConfig": {"name": "who", "key": key},
        "principalName": "team",
        "principalType": "Group",
    }
    return make_object("FlexibleServersAdministrator", "dbforpostgresql/v20250801", "admin", spec)


def test_another_name_in_a_config_map_is_refused(web: Web, azure: Azure) -> None:
    """Another value and another reference are both told in ASO's words; the first name stays, also on the object."""
    group_id = f"{azure.subscription}/resourceGroups/moved-rg9"
    server = f"{group_id}/providers/Microsoft.DBforPostgreSQL/flexibleServers/db"
    azure.edit("PUT", group_id, {"location": "westeurope"}, api=GROUP_API)
    held = {"id": server, "location": "westeurope", "properties": {"state": "Ready"}}
    azure.call("POST", "/_emulator/bulk", {"id": server, "api": "2022-12-01", "body": held})
    maps = f"/api/v1/namespaces/{web.namespace}/configmaps"
    web.admin.create(maps, {"metadata": {"name": "who"}, "data": {"one": FIRST, "two": SECOND}})
    web.create(ADMINS, configured(web, "one"))
    ready = web.wait_ready(ADMINS, "admin")

    web.patch(ADMINS, "admin", {"spec": {"azureNameFromConfig": {"key": "two"}}})
    by_reference = web.wait_reason(ADMINS, "admin", "Failed")
    web.patch(ADMINS, "admin", {"spec": {"azureNameFromConfig": {"key": "one"}}})
    web.wait_ready(ADMINS, "admin")
    web.admin.patch(f"{maps}/who", {"data": {"one": SECOND}})
    by_value = web.wait_reason(ADMINS, "admin", "Failed")
    web.admin.patch(f"{maps}/who", {"data": {"one": FIRST}})
    web.wait_ready(ADMINS, "admin")

    text = f'ConfigMap value changed from "{FIRST}" to "{SECOND}"'
    assert text in by_reference["message"]
    assert text in by_value["message"]
    assert by_value["severity"] == "Error"
    assert ready["metadata"]["annotations"][PREFIX + "azure-name-from-config"] == FIRST
    assert azure.get(f"{server}/administrators/{SECOND}", api="2022-12-01") is None


def test_what_stays_in_azure_goes_without_a_credential(web: Web, azure: Azure) -> None:
    """An object that is detached needs neither a credential nor a look at Azure to go."""
    web.create(GROUPS, group("moved-rg7", annotations={PREFIX + "reconcile-policy": "detach-on-delete"}))
    web.wait_ready(GROUPS, "moved-rg7")
    web.admin.delete(f"/api/v1/namespaces/{web.namespace}/secrets/aso-credential")

    web.admin.delete(web.path(GROUPS, "moved-rg7"))
    web.wait_gone(GROUPS, "moved-rg7")

    assert azure.get(f"{azure.subscription}/resourceGroups/moved-rg7", api=GROUP_API) is not None
