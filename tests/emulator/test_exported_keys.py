"""Every key that a kind offers for export is in the answer of the call that its row names."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from engine.cluster.key_answers import call_path, read_value
from engine.model.ids import ArmId
from schemas.behaviour_types import Behaviour
from schemas.behaviours import lookup_behaviour
from tests.emulator_driver import Arm

TYPES = (
    "Microsoft.ApiManagement/service/gateways",
    "Microsoft.ApiManagement/service/subscriptions",
    "Microsoft.AppConfiguration/configurationStores",
    "Microsoft.Cache/redis",
    "Microsoft.Cache/redisEnterprise/databases",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.Communication/communicationServices",
    "Microsoft.ContainerService/fleets",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.Devices/iotHubs",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.EventGrid/topics",
    "Microsoft.EventHub/namespaces",
    "Microsoft.EventHub/namespaces/authorizationRules",
    "Microsoft.EventHub/namespaces/eventhubs/authorizationRules",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.NotificationHubs/namespaces",
    "Microsoft.NotificationHubs/namespaces/notificationHubs",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.RedHatOpenShift/openShiftClusters",
    "Microsoft.Search/searchServices",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.ServiceBus/namespaces/authorizationRules",
    "Microsoft.ServiceBus/namespaces/topics/authorizationRules",
    "Microsoft.SignalRService/signalR",
    "Microsoft.Storage/storageAccounts",
)


def make(arm: Arm, arm_type: str) -> ArmId:
    """Put a resource of the type, and what it lies in, into the emulator; return its id."""
    namespace, *types = arm_type.split("/")
    made = f"{arm.make_group()}/providers/{namespace}"
    for word in types:
        made += f"/{word}/one"
        arm.control("POST", "bulk", {"id": made, "body": {"id": made, "name": "one", "location": "westeurope"}})
    return ArmId(made)


def behaviour(arm_type: str) -> Behaviour:
    found = lookup_behaviour(arm_type)
    assert found is not None
    return found


def test_the_table_is_whole() -> None:
    """Every type with calls for secrets is tried here, but one whose call is an operation."""
    from schemas import behaviours

    named = {
        n for n, row in behaviours._table()["types"].items() if any(k.get("action") for k in row.get("secrets", ()))
    }

    assert named - {t.lower() for t in TYPES} == {"microsoft.redhatopenshift/hcpopenshiftclusters"}


@pytest.mark.parametrize("arm_type", TYPES)
def test_every_key_is_in_its_answer(arm: Arm, arm_type: str) -> None:
    """The paths of calls exist, and their answers hold a text for each key."""
    row, resource = behaviour(arm_type), make(arm, arm_type)

    answers: dict[str, Any] = {}
    for call in row.calls.values():
        reply = arm.send(call.method, call_path(call, resource, {}) or "", api=call.api_version)
        assert reply.status == 200, reply.body
        answers[call.name] = reply.body

    missing = [k.name for k in row.secrets if k.action and not read_value(k, resource, {}, answers)]
    assert missing == []


def test_a_kubeconfig_of_a_cluster_is_text(arm: Arm) -> None:
    """Credentials of a cluster are decoded: what is exported is a kubeconfig."""
    row, resource = behaviour("Microsoft.ContainerService/managedClusters"), make(arm, TYPES[8])
    call = row.calls["adminCredentials"]

    answer = arm.send("POST", call_path(call, resource, {}) or "", api=call.api_version).body

    (key,) = (k for k in row.secrets if k.name == "adminCredentials")
    found = read_value(key, resource, {}, {call.name: answer})
    assert found is not None
    assert found.startswith("apiVersion: v1\nkind: Config")
    assert base64.b64encode(found.encode()).decode() == answer["kubeconfigs"][0]["value"]
