"""Clients nobody here wrote work against the emulator, over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import CertificateCredential, ClientSecretCredential, WorkloadIdentityCredential
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.storage import StorageManagementClient

from providers.emulator.connection import EmulatorConnection

pytestmark = pytest.mark.loopback

ACCOUNT = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


@pytest.fixture(autouse=True)
def authorities(served: EmulatorConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", served.ca)


@pytest.fixture
def options(served: EmulatorConnection) -> dict[str, Any]:
    return {"base_url": served.arm, "credential_scopes": [f"{served.arm}/.default"], "polling_interval": 0}


@pytest.fixture
def credential(served: EmulatorConnection) -> Iterator[ClientSecretCredential]:
    with ClientSecretCredential(
        served.tenant, served.client, served.secret, authority=served.authority, disable_instance_discovery=True
    ) as made:
        yield made


@pytest.fixture
def resources(served: EmulatorConnection, credential: Any, options: Any) -> Iterator[ResourceManagementClient]:
    with ResourceManagementClient(credential, served.subscription, **options) as client:
        yield client


@pytest.fixture
def storage(served: EmulatorConnection, credential: Any, options: Any) -> Iterator[StorageManagementClient]:
    with StorageManagementClient(credential, served.subscription, **options) as client:
        yield client


@pytest.fixture
def network(served: EmulatorConnection, credential: Any, options: Any) -> Iterator[NetworkManagementClient]:
    with NetworkManagementClient(credential, served.subscription, **options) as client:
        yield client


def test_resource_groups(resources: ResourceManagementClient) -> None:
    """azure-mgmt-resource creates, lists, tags and deletes a group, polling to the end."""
    resources.resource_groups.create_or_update("rg-a", {"location": "westus2", "tags": {"a": "1"}})
    group = resources.resource_groups.get("rg-a")
    patch = {"operation": "Merge", "properties": {"tags": {"b": "2"}}}
    resources.tags.begin_update_at_scope(group.id, patch).result()

    assert resources.resource_groups.get("rg-a").tags == {"a": "1", "b": "2"}
    assert resources.resource_groups.check_existence("rg-a")
    assert "rg-a" in [g.name for g in resources.resource_groups.list()]
    resources.resource_groups.begin_delete("rg-a").result()
    assert not resources.resource_groups.check_existence("rg-a")


def test_generic_resources(resources: ResourceManagementClient) -> None:
    """The generic client creates any type by id and finds it in the list of everything."""
    resources.resource_groups.create_or_update("rg-g", {"location": "westus2"})
    group = resources.resource_groups.get("rg-g").id
    wanted = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"

    made = resources.resources.begin_create_or_update_by_id(
        wanted, {"location": "westus2"}, api_version="2023-01-31"
    ).result()

    assert made.properties["principalId"]
    assert [r.id for r in resources.resources.list_by_resource_group("rg-g")] == [made.id]
    assert resources.providers.get("Microsoft.ManagedIdentity").registration_state == "Registered"
    resources.resources.begin_delete_by_id(wanted, api_version="2023-01-31").result()
    assert list(resources.resources.list_by_resource_group("rg-g")) == []


def test_storage_accounts(resources: ResourceManagementClient, storage: StorageManagementClient) -> None:
    """azure-mgmt-storage creates an account with a Location poll, reads keys, patches tags, lists and deletes."""
    resources.resource_groups.create_or_update("rg-s", {"location": "westus2"})

    account = storage.storage_accounts.begin_create("rg-s", "clientacct1", ACCOUNT).result()

    assert account.provisioning_state == "Succeeded"
    assert account.primary_endpoints.blob == "https://clientacct1.blob.core.windows.net/"
    before = storage.storage_accounts.list_keys("rg-s", "clientacct1").as_dict()["keys"]
    after = storage.storage_accounts.regenerate_key("rg-s", "clientacct1", {"keyName": "key1"}).as_dict()["keys"]
    assert [k["keyName"] for k in before] == ["key1", "key2"]
    assert before[0] != after[0]
    assert storage.storage_accounts.update("rg-s", "clientacct1", {"tags": {"x": "y"}}).tags == {"x": "y"}
    assert [a.name for a in storage.storage_accounts.list_by_resource_group("rg-s")] == ["clientacct1"]
    storage.storage_accounts.delete("rg-s", "clientacct1")
    with pytest.raises(ResourceNotFoundError):
        storage.storage_accounts.get_properties("rg-s", "clientacct1")


def test_networks(resources: ResourceManagementClient, network: NetworkManagementClient) -> None:
    """azure-mgmt-network creates a network with a subnet, adds one, tags and deletes, with AsyncOperation polls."""
    resources.resource_groups.create_or_update("rg-n", {"location": "westus2"})
    subnet = {"name": "a", "properties": {"addressPrefix": "10.0.1.0/24"}}
    body = {
        "location": "westus2",
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [subnet]},
    }

    made = network.virtual_networks.begin_create_or_update("rg-n", "net", body).result()
    network.subnets.begin_create_or_update("rg-n", "net", "b", {"addressPrefix": "10.0.2.0/24"}).result()

    assert made.provisioning_state == "Succeeded"
    assert [s.name for s in network.subnets.list("rg-n", "net")] == ["a", "b"]
    assert [s.name for s in network.virtual_networks.get("rg-n", "net").subnets] == ["a", "b"]
    assert network.virtual_networks.update_tags("rg-n", "net", {"tags": {"k": "v"}}).tags == {"k": "v"}
    network.subnets.begin_delete("rg-n", "net", "a").result()
    network.virtual_networks.begin_delete("rg-n", "net").result()
    assert list(network.virtual_networks.list_all()) == []


def test_errors_reach_the_client_as_azures(resources: ResourceManagementClient) -> None:
    """The SDK reads code and message of a refusal."""
    with pytest.raises(HttpResponseError) as caught:
        resources.resource_groups.create_or_update("rg-e", {"location": "westus2", "tags": {"a": "x" * 300}})

    assert caught.value.status_code == 400
    assert caught.value.error is not None
    assert caught.value.error.code == "InvalidTagNameOrValueLength"


def test_credentials(served: EmulatorConnection) -> None:
    """azure-identity gets tokens by certificate and by federation; a wrong secret names AADSTS7000215."""
    common = {"authority": served.authority, "disable_instance_discovery": True}
    scope = f"{served.arm}/.default"
    path, token = str(served.client_certificate), str(served.federated_token_file)

    with CertificateCredential(served.tenant, served.client, path, **common) as certificate:
        by_certificate = certificate.get_token(scope)
    with WorkloadIdentityCredential(
        tenant_id=served.tenant, client_id=served.client, token_file_path=token, **common
    ) as workload:
        by_federation = workload.get_token(scope)
    with (
        ClientSecretCredential(served.tenant, served.client, "wrong", **common) as wrong,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        wrong.get_token(scope)

    assert by_certificate.token
    assert by_federation.token
