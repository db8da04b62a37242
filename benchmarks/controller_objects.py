"""The objects of the controller's benchmark: what Azure Service Operator was measured with."""

from __future__ import annotations

import base64
from collections.abc import Callable

from providers.emulator.connection import EmulatorConnection
from tests.verbs_desk import Object, account, group, identity, make_object

PATTERN = (
    "resources.azure.com/ResourceGroup;storage.azure.com/StorageAccount;"
    "managedidentity.azure.com/UserAssignedIdentity;network.azure.com/RouteTable"
)
COLLECTIONS = (
    "/apis/resources.azure.com/v1api20200601/namespaces/{}/resourcegroups",
    "/apis/storage.azure.com/v1api20230101/namespaces/{}/storageaccounts",
    "/apis/managedidentity.azure.com/v1api20230131/namespaces/{}/userassignedidentities",
    "/apis/network.azure.com/v1api20240301/namespaces/{}/routetables",
)
_PER_GROUP = 20


def route_table(name: str, owner: str) -> Object:
    """Return a route table."""
    spec = {"owner": {"name": owner}, "location": "westeurope"}
    return make_object("RouteTable", "network/v1api20240301", name, spec)


_MAKERS: tuple[Callable[[str, str], Object], ...] = (account, identity, route_table)


def build_objects(count: int, namespace: str) -> list[Object]:
    """Return so many objects, a third of each kind, and before them their resource groups."""
    groups = [group(f"rg{n:04}") for n in range(-(-count // _PER_GROUP))]
    owned = [_MAKERS[n % len(_MAKERS)](f"bench{n:05}", f"rg{n // _PER_GROUP:04}") for n in range(count)]
    return [{**o, "metadata": {**o["metadata"], "namespace": namespace}} for o in (*groups, *owned)]


def credential(connection: EmulatorConnection) -> Object:
    """Return the namespace's credential."""
    values = {
        "AZURE_SUBSCRIPTION_ID": connection.subscription,
        "AZURE_TENANT_ID": connection.tenant,
        "AZURE_CLIENT_ID": connection.client,
        "AZURE_CLIENT_SECRET": connection.secret,
    }
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return {"metadata": {"name": "aso-credential"}, "data": encoded}
