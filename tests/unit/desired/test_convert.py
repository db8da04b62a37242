"""Rules by which a spec becomes an ARM body."""

from __future__ import annotations

import pytest

from engine.desired.inputs import Inputs
from engine.model.document import UNKNOWN, Secret
from engine.model.path import FieldPath
from tests.manifest_cases import ACCOUNT, GROUP, GROUP_ID, build_from, build_one, problems_of


def test_members_go_to_their_place() -> None:
    """Members of the envelope stay at the top, the others go below properties, and the name is added."""
    state = build_one(GROUP, ACCOUNT)

    assert state.body == {
        "kind": "StorageV2",
        "location": "westeurope",
        "name": "acct",
        "sku": {"name": "Standard_LRS"},
        "properties": {"accessTier": "Hot"},
        "tags": None,
    }


def test_always_sent_members_are_null_until_set() -> None:
    """A type that always sends its tags sends null when the spec has none, an empty object when it has an empty one."""
    with_tags = build_one(GROUP, ACCOUNT + "  tags: {}\n")

    assert with_tags.body["tags"] == {}


def test_empty_collections_vanish_and_empty_values_stay() -> None:
    """Empty lists and maps are not sent; empty texts and false are; containers on the way are made."""
    network = """
    apiVersion: network.azure.com/v1api20201101
    kind: VirtualNetwork
    metadata: {name: net}
    spec:
      location: ""
      owner: {name: rg}
      tags: {}
      enableDdosProtection: false
      dhcpOptions: {dnsServers: []}
      addressSpace: {addressPrefixes: [10.0.0.0/8]}
    """

    state = build_one(GROUP, network)

    assert state.body == {
        "name": "net",
        "location": "",
        "properties": {
            "enableDdosProtection": False,
            "dhcpOptions": {},
            "addressSpace": {"addressPrefixes": ["10.0.0.0/8"]},
        },
    }


def test_null_is_absent() -> None:
    """A member that is null is not sent, and does not count as given."""
    state = build_one(GROUP, ACCOUNT + "  minimumTlsVersion:\n")

    assert "minimumTlsVersion" not in state.body["properties"]


IDENTITY = """
apiVersion: managedidentity.azure.com/v1api20230131
kind: UserAssignedIdentity
metadata: {name: id}
spec: {location: westeurope, owner: {name: rg}}
"""
WITH_IDENTITY = (
    ACCOUNT
    + """
  identity:
    type: UserAssigned
    userAssignedIdentities:
      - reference: {group: managedidentity.azure.com, kind: UserAssignedIdentity, name: id}
"""
)


def test_identities_become_a_map_by_id() -> None:
    """A list of identity references becomes a map from ARM id to an empty object."""
    state = build_one(GROUP, IDENTITY, WITH_IDENTITY)

    arm_id = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
    assert state.body["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {arm_id: {}}}
    assert [str(key) for key in state.references] == ["default/UserAssignedIdentity/id", "default/ResourceGroup/rg"]


def test_unknown_key_makes_the_map_unknown() -> None:
    """A map with a key that is not known is unknown as a whole, at the place of the map."""
    state = build_one(GROUP, WITH_IDENTITY)

    assert state.body["identity"]["userAssignedIdentities"] is UNKNOWN
    assert [path.pointer for path in state.unknown] == ["/identity/userAssignedIdentities"]
    assert str(state.waits[0].on) == "default/UserAssignedIdentity/id"


SERVER = """
apiVersion: dbforpostgresql.azure.com/v1api20221201
kind: FlexibleServer
metadata: {name: pg}
spec:
  location: westeurope
  owner: {name: rg}
  administratorLogin: admin
  administratorLoginPassword: {name: pg-admin, key: password}
"""


def test_secret_goes_into_the_body_masked() -> None:
    """A value from a Secret is in the body, and printing the body does not show it."""
    inputs = Inputs(secrets={("default", "pg-admin"): {"password": Secret("hunter2")}})

    state = build_one(GROUP, SERVER, inputs=inputs)

    assert state.body["properties"]["administratorLoginPassword"].reveal() == "hunter2"
    assert "hunter2" not in repr(state)
    assert not state.waits


@pytest.mark.parametrize(
    ("secrets", "text"),
    [
        ({}, "known after Secret default/pg-admin is there"),
        ({("default", "pg-admin"): None}, "known after Secret default/pg-admin is there"),
        (
            {("default", "pg-admin"): {"other": Secret("x")}},
            "known after Secret default/pg-admin has the key 'password'",
        ),
    ],
    ids=["not fetched", "not there", "no such key"],
)
def test_missing_secret_waits(secrets: dict[tuple[str, str], dict[str, Secret] | None], text: str) -> None:
    """A secret that is missing leaves the value unknown and says that only a secret is missing."""
    state = build_one(GROUP, SERVER, inputs=Inputs(secrets=secrets))

    assert [(wait.text, wait.secret_only, wait.path) for wait in state.waits] == [
        (text, True, FieldPath(("properties", "administratorLoginPassword")))
    ]


TOPIC_SUBSCRIPTION = """
apiVersion: eventgrid.azure.com/v1api20200601
kind: EventSubscription
metadata: {name: sub}
spec:
  owner: {group: resources.azure.com, kind: ResourceGroup, name: rg}
  destination:
    webHook: {endpointType: WebHook, maxEventsPerBatch: 1}
"""


def test_variant_of_a_union_is_hoisted() -> None:
    """The variant that is set becomes the object itself."""
    state = build_one(GROUP, TOPIC_SUBSCRIPTION)

    assert state.body["properties"]["destination"] == {
        "endpointType": "WebHook",
        "properties": {"maxEventsPerBatch": 1},
    }


def test_two_variants_are_a_misfit() -> None:
    """Two variants of one union are refused, and both are named."""
    both = TOPIC_SUBSCRIPTION.rstrip() + "\n    azureFunction: {endpointType: AzureFunction}\n"

    assert problems_of(build_from(GROUP, both)) == [
        (
            "t.yaml:6: default/EventSubscription/sub does not fit its kind: /spec/destination: only one of"
            " 'azureFunction', 'webHook' may be set (they are variants of one union)"
        )
    ]


ROLE = """
apiVersion: authorization.azure.com/v1api20220401
kind: RoleAssignment
metadata: {name: reader}
spec:
  owner: {group: resources.azure.com, kind: ResourceGroup, name: rg}
  principalIdFromConfig: {name: app, key: principalId}
  roleDefinitionReference: {wellKnownName: Reader}
"""


def test_role_and_config_map_values() -> None:
    """A role's name becomes the id of its definition in the subscription, a config map's key its value."""
    inputs = Inputs(
        config_maps={("default", "app"): {"principalId": "p-1"}},
        role_definitions={"reader": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7"},
    )

    state = build_one(GROUP, ROLE, inputs=inputs)

    subscription = GROUP_ID.split("/resourceGroups")[0]
    assert state.body["properties"] == {
        "principalId": "p-1",
        "roleDefinitionId": f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7",
    }
    assert not state.waits


def test_role_and_config_map_are_unknown_without_inputs() -> None:
    """Without Azure and without the config map both values are unknown, each with its reason."""
    state = build_one(GROUP, ROLE)

    assert [path.pointer for path in state.unknown] == ["/properties/principalId", "/properties/roleDefinitionId"]
    assert [wait.text for wait in state.waits] == [
        "known after ConfigMap default/app is there",
        "known after the role 'Reader' is looked up in Azure",
    ]


def test_reference_beats_the_plain_id_it_replaced() -> None:
    """Where a kind keeps both forms of an id, the reference wins and the author is told."""
    alert = """
    apiVersion: insights.azure.com/v1api20180301
    kind: MetricAlert
    metadata: {name: alert}
    spec:
      location: global
      owner: {name: rg}
      enabled: true
      severity: 1
      evaluationFrequency: PT1M
      windowSize: PT5M
      scopesReferences: []
      criteria:
        microsoftAzureMonitorSingleResourceMultipleMetricCriteria:
          odata.type: Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria
      actions:
        - {actionGroupId: /old, actionGroupReference: {armId: /subscriptions/s/resourceGroups/g/providers/a.b/c/new}}
    """

    result = build_from(GROUP, alert)

    assert not problems_of(result)
    action = result.states[0].body["properties"]["actions"][0]
    assert action == {"actionGroupId": "/subscriptions/s/resourceGroups/g/providers/a.b/c/new"}
    assert "'actionGroupId' is ignored: 'actionGroupReference' is set" in str(result.notices[0])


def test_role_that_does_not_exist() -> None:
    """A role that Azure was asked for and does not know is a misfit, not a wait."""
    result = build_from(GROUP, ROLE, inputs=Inputs(role_definitions={"reader": None}))

    assert "/spec/roleDefinitionReference: Azure has no role 'Reader'" in problems_of(result)[0]


@pytest.mark.parametrize(
    "export",
    ["configMaps: {principalId: {name: app, key: principalId}}", "configMapExpressions: [{name: app, value: x}]"],
)
def test_missing_config_map_that_another_object_fills(export: str) -> None:
    """A config map that another object exports makes that object the one to wait for, and orders the two."""
    identity = IDENTITY.replace("owner: {name: rg}}", f"owner: {{name: rg}}, operatorSpec: {{{export}}}}}")

    state = build_one(GROUP, identity, ROLE)

    assert "default/UserAssignedIdentity/id fills it" in state.waits[0].text
    assert str(state.waits[0].on) == "default/UserAssignedIdentity/id"
    assert "default/UserAssignedIdentity/id" in [str(key) for key in state.references]
