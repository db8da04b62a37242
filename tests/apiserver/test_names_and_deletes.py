"""Names in Azure, kinds that Azure cannot delete, and subscriptions that do not fit, on a real API server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.any_pods import install_kinds, open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, PREFIX, Pod, Web
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

GROUP_API = "2020-06-01"
ROLES = "/apis/authorization.azure.com/v1api20220401/namespaces/{}/roleassignments"
BLOBS = "/apis/storage.azure.com/v1api20230101/namespaces/{}/storageaccountsblobservices"
READER = "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything all the time."""
    install_kinds(plane)
    pattern = "authorization.azure.com/RoleAssignment;storage.azure.com/StorageAccountsBlobService"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    for served in ("authorization.azure.com/v1api20220401/", "storage.azure.com/v1api20230101/"):
        path = f"/apis/{served}namespaces/default/{'roleassignments' if 'auth' in served else BLOBS.split('/')[-1]}"
        plane.admin.wait_for(f"{served} to be served", lambda path=path: plane.admin.call("GET", path)[0] == 200)
    folder = tmp_path_factory.mktemp("pod")
    environment = {"AZURE_OPERATOR_MODE": "watchers", "AZURE_SYNC_PERIOD": "500ms"}
    with running(plane, azure, folder, environment=environment, operator="names-system") as found:
        yield found


@pytest.fixture
def web(admin: Api, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential."""
    return open_web(admin, azure, "names")


def role(web: Web, name: str, owner: str, **operator: str) -> Any:
    """Return an assignment of Reader at a resource group."""
    spec = {
        "owner": {"group": "resources.azure.com", "kind": "ResourceGroup", "name": owner},
        "principalId": "1d7b6d0c-9c0c-4d6a-8a70-0f5d2f0c4f11",
        "roleDefinitionReference": {"armId": READER.format(web.azure.connection.subscription)},
        **({"operatorSpec": operator} if operator else {}),
    }
    kind = {"apiVersion": "authorization.azure.com/v1api20220401", "kind": "RoleAssignment"}
    return {**kind, "metadata": {"name": name}, "spec": spec}


def test_the_name_is_written_down_with_the_claim(web: Web, azure: Azure) -> None:
    """An object without azureName gets its own name there, in the write that adds the finalizer; nothing follows."""
    web.create(GROUPS, group("names-rg1"))
    ready = web.wait_ready(GROUPS, "names-rg1")
    azure.forget_traffic()

    web.wait_for("two passes", lambda: azure.reads >= 2)
    found = web.get(GROUPS, "names-rg1")

    assert found["spec"]["azureName"] == "names-rg1"
    assert found["metadata"]["generation"] == 2
    assert found["metadata"]["annotations"][PREFIX + "latest-reconciled-generation"] == "2"
    assert found["metadata"]["resourceVersion"] == ready["metadata"]["resourceVersion"]
    assert [reason for reason, _ in web.events("names-rg1")].count("BeginCreateOrUpdate") == 1


def test_names_that_are_uuids(web: Web, azure: Azure) -> None:
    """A stable one follows from owner and object as ASO makes it, a random one stands in spec before it is used."""
    web.create(GROUPS, group("names-rg2"))
    web.create(ROLES, role(web, "stable", "names-rg2"))
    web.create(ROLES, role(web, "drawn", "names-rg2", namingConvention="random"))

    stable = web.wait_ready(ROLES, "stable")["spec"]["azureName"]
    drawn = web.wait_ready(ROLES, "drawn")["spec"]["azureName"]

    seed = (
        f"resources.azure.com/ResourceGroup:{web.namespace}/names-rg2:"
        f"RoleAssignment/authorization.azure.com:{web.namespace}/stable"
    )
    assert stable == str(uuid.uuid5(uuid.UUID("9a329043-7ad7-4b1c-812f-9c7a93d6392a"), seed))
    assert uuid.UUID(drawn).version == 4
    for name in (stable, drawn):
        resource = f"{azure.subscription}/resourceGroups/names-rg2/providers/Microsoft.Authorization/roleAssignments"
        assert azure.get(f"{resource}/{name}", api="2022-04-01") is not None


def test_what_azure_cannot_delete_stays_until_its_parent_goes(web: Web, azure: Azure) -> None:
    """The object says so in ASO's words, and goes when it is detached, or with what holds its resource."""
    web.create(GROUPS, group("names-rg3"))
    for name in ("namesblob1", "namesblob2"):
        web.create(ACCOUNTS, account(name, "names-rg3"))
        kind = {"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccountsBlobService"}
        spec = {"owner": {"name": name}, "isVersioningEnabled": True}
        web.create(BLOBS, {**kind, "metadata": {"name": name}, "spec": spec})
        web.wait_ready(BLOBS, name)
    azure.forget_traffic()
    web.admin.delete(web.path(BLOBS, "namesblob1"))
    web.admin.delete(web.path(BLOBS, "namesblob2"))
    said = web.wait_reason(BLOBS, "namesblob1", "DeletionNotSupportedInAzure")
    web.wait_reason(BLOBS, "namesblob2", "DeletionNotSupportedInAzure")
    writes = azure.writes

    detach = {PREFIX + "reconcile-policy": "detach-on-delete"}
    web.patch(BLOBS, "namesblob1", {"metadata": {"annotations": detach}})
    web.wait_gone(BLOBS, "namesblob1")
    web.admin.delete(web.path(ACCOUNTS, "namesblob2"))
    web.wait_gone(BLOBS, "namesblob2")

    text = (
        "Resource does not support deletion in Azure; set annotation "
        "'serviceoperator.azure.com/reconcile-policy: detach-on-delete' to permit deletion in Kubernetes"
    )
    assert (said["severity"], said["message"]) == ("Warning", text)
    told = [t for reason, t in web.events("namesblob1", "StorageAccountsBlobService") if reason == "NotPossibleInAzure"]
    assert told == [text]
    assert writes == []


def test_a_credential_of_another_subscription_is_not_used(web: Web, azure: Azure) -> None:
    """An object whose resource lies elsewhere is an error in ASO's words, and nothing is sent, to delete it neither."""
    elsewhere = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/names-rg4"
    web.create(GROUPS, group("names-rg4", annotations={PREFIX + "resource-id": elsewhere}))

    said = web.wait_reason(GROUPS, "names-rg4", "SubscriptionMismatch")

    assert said["severity"] == "Error"
    assert said["message"] == (
        'SubscriptionID "00000000-0000-0000-0000-00000000000a" for "names-rg4" resource does not match with '
        f'Client Credential: "{web.namespace}/aso-credential"'
    )
    assert azure.get(f"{azure.subscription}/resourceGroups/names-rg4", api=GROUP_API) is None


def test_a_resource_provider_is_registered_once(web: Web, azure: Azure) -> None:
    """A subscription that does not use the provider yet is made to; the write that was refused succeeds later."""
    namespace = f"{azure.subscription}/providers/Microsoft.Storage"
    web.create(GROUPS, group("names-rg5"))
    web.wait_ready(GROUPS, "names-rg5")
    azure.call("POST", f"{namespace}/unregister?api-version=2021-04-01")
    azure.forget_traffic()

    web.create(ACCOUNTS, account("namesreg", "names-rg5"))
    web.wait_for("the registration", lambda: "POST Microsoft.Storage/register 200" in azure.writes)
    azure.call("GET", namespace + "?api-version=2021-04-01")

    web.wait_for("the event", lambda: _refusals(web, "namesreg"))
    assert "registering Resource Provider Microsoft.Storage with subscription. Try again later" in _refusals(
        web, "namesreg"
    )
    assert azure.writes.count("POST Microsoft.Storage/register 200") == 1


def _refusals(web: Web, name: str) -> str:
    return "".join(t for reason, t in web.events(name, "StorageAccount") if reason == "CreateOrUpdateActionError")
