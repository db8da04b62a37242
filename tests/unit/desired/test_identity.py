"""Which ARM resource an object stands for."""

from __future__ import annotations

import uuid

import pytest

from engine.desired.inputs import Inputs
from engine.desired.naming import build_uuid_name
from schemas.kinds import lookup_kind
from tests.manifest_cases import ACCOUNT, GROUP, GROUP_ID, SUBSCRIPTION, build_from, build_one, problems_of

CONTAINER = """
apiVersion: storage.azure.com/v1api20230101
kind: StorageAccountsBlobServicesContainer
metadata: {name: data}
spec: {azureName: Data, owner: {name: blobs}}
"""
BLOBS = """
apiVersion: storage.azure.com/v1api20230101
kind: StorageAccountsBlobService
metadata: {name: blobs}
spec: {owner: {name: acct}}
"""
LOCK = """
apiVersion: authorization.azure.com/v1api20220401
kind: RoleAssignment
metadata: {name: reader}
spec:
  azureName: 3f2504e0-4f89-41d3-9a0c-0305e82c3301
  owner: OWNER
  principalId: p
  roleDefinitionReference: {armId: /providers/Microsoft.Authorization/roleDefinitions/r}
"""


def test_chain_by_names() -> None:
    """An id is made of the names of all owners; azureName counts, else the object's name, else the constant one."""
    state = build_one(GROUP, ACCOUNT, BLOBS, CONTAINER)

    account = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/acct"
    assert str(state.id) == f"{account}/blobServices/default/containers/Data"
    assert str(state.owner) == "default/StorageAccountsBlobService/blobs"


def test_version_of_the_owner_does_not_matter() -> None:
    """An owner is found whatever version its manifest is written in."""
    owner = ACCOUNT.replace("v1api20230101", "v1api20220901")

    state = build_one(GROUP, owner, BLOBS)

    assert str(state.id).endswith("/storageAccounts/acct/blobServices/default")


def test_owner_may_say_the_kind_it_must_have() -> None:
    """Group and kind of an owner that can only be of one kind are taken with a notice, and refused when they differ."""
    said = BLOBS.replace("{name: acct}", "{name: acct, group: storage.azure.com, kind: StorageAccount}")

    agreeing = build_from(GROUP, ACCOUNT, said)
    strict = build_from(GROUP, ACCOUNT, said, strict=True)
    wrong = build_from(GROUP, ACCOUNT, said.replace("kind: StorageAccount}", "kind: Registry}"))

    assert len(agreeing.states) == 3
    assert "/spec/owner/group: 'group' is not needed" in str(agreeing.notices[0])
    assert len(strict.problems) == 2
    assert "/spec/owner/kind: the owner must be a StorageAccount of storage.azure.com" in problems_of(wrong)[0]


def test_owner_by_id() -> None:
    """An owner given by id is taken as it is; the object then has no owner among the objects and waits for none."""
    child = BLOBS.replace("{name: acct}", f"{{armId: {GROUP_ID}/providers/Microsoft.Storage/storageAccounts/other}}")

    state = build_one(child)

    assert str(state.id) == f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/other/blobServices/default"
    assert (state.owner, state.references, state.waits) == (None, (), ())


@pytest.mark.parametrize(
    ("owner", "base"),
    [
        (
            "{group: storage.azure.com, kind: StorageAccount, name: acct}",
            f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/acct",
        ),
        (f"{{armId: /subscriptions/{SUBSCRIPTION}}}", f"/subscriptions/{SUBSCRIPTION}"),
        (
            "{armId: /providers/Microsoft.Management/managementGroups/m}",
            "/providers/Microsoft.Management/managementGroups/m",
        ),
    ],
    ids=["object", "subscription", "management group"],
)
def test_extension_scope(owner: str, base: str) -> None:
    """An extension lies below whatever owns it, with its own provider."""
    state = build_one(GROUP, ACCOUNT, LOCK.replace("OWNER", owner))

    name = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    assert str(state.id) == f"{base}/providers/Microsoft.Authorization/roleAssignments/{name}"


def test_tenant_scope() -> None:
    """A kind at tenant scope has an id without subscription, and needs none."""
    alias = """
    apiVersion: subscription.azure.com/v1api20211001
    kind: Alias
    metadata: {name: sub}
    spec: {properties: {displayName: x}}
    """

    assert str(build_one(alias, subscription="").id) == "/providers/Microsoft.Subscription/aliases/sub"


@pytest.mark.parametrize(
    ("arm_id", "text"),
    [
        (
            f"{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/v",
            "is a Microsoft.Network/virtualNetworks, the owner must be a Microsoft.Storage/storageAccounts",
        ),
        ("/not/an/id", "'/not/an/id' is not an ARM id"),
        (
            "/subscriptions/x/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
            f"lies in subscription x, this run is for {SUBSCRIPTION}",
        ),
        (f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/a?b", "is not an ARM id"),
    ],
    ids=["type", "form", "subscription", "query"],
)
def test_owner_id_is_checked(arm_id: str, text: str) -> None:
    """An owner's id of the wrong type, form or subscription is refused."""
    problems = problems_of(build_from(BLOBS.replace("{name: acct}", f"{{armId: '{arm_id}'}}")))

    assert len(problems) == 1
    assert text in problems[0]


def test_owner_by_id_needs_no_subscription() -> None:
    """Without a subscription objects with absolute owners are rendered, and nothing complains."""
    child = BLOBS.replace(
        "{name: acct}", "{armId: /subscriptions/x/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a}"
    )

    assert build_one(child, subscription="").id is not None


def test_missing_subscription_is_said_once() -> None:
    """Without a subscription there is one problem that names the option and the variable, and ids stay unknown."""
    result = build_from(GROUP, ACCOUNT, subscription="")

    assert problems_of(result) == ["the subscription is not known: give --subscription or set AZURE_SUBSCRIPTION_ID"]
    assert [state.id for state in result.states] == [None, None]


def test_absent_owner_waits() -> None:
    """An owner that is not in the input leaves the id unknown and says what is missing, down the chain."""
    state = build_one(BLOBS, CONTAINER)

    assert state.id is None
    assert "default/StorageAccount/acct exists: it is not in the input" in state.waits[0].text
    assert state.waits[0].path is None


def test_recorded_id_stands_in_for_an_absent_owner() -> None:
    """The id an object was written under serves when its owner is not in the input and type and name fit."""
    arm_id = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/acct"
    annotated = ACCOUNT.replace(
        "{name: acct}", f"{{name: acct, annotations: {{serviceoperator.azure.com/resource-id: {arm_id}}}}}"
    )
    renamed = annotated.replace("kind: StorageV2", "kind: StorageV2\n  azureName: other1")

    assert str(build_one(annotated).id) == arm_id
    assert build_one(renamed).id is None


def test_owner_cycle_names_its_members() -> None:
    """Owners in a circle are one problem that names all of them; the members have no id."""
    first = LOCK.replace("OWNER", "{group: authorization.azure.com, kind: RoleAssignment, name: second}")
    second = (
        first.replace("name: reader", "name: x")
        .replace("name: second", "name: reader")
        .replace("name: x", "name: second")
    )

    result = build_from(first, second)

    circle = "default/RoleAssignment/reader -> default/RoleAssignment/second -> default/RoleAssignment/reader"
    assert problems_of(result) == [f"t.yaml:1: owners form a cycle: {circle} (give one of them another owner)"]
    assert [state.id for state in result.states] == [None, None]


def test_deep_chains_do_not_recurse() -> None:
    """A chain of a thousand owners is resolved without recursion."""
    link = "{group: authorization.azure.com, kind: RoleAssignment, name: n%d}"
    chain = [LOCK.replace("name: reader", f"name: n{n}").replace("OWNER", link % (n - 1)) for n in range(1, 1500)]
    root = LOCK.replace("name: reader", "name: n0").replace("OWNER", f"{{armId: {GROUP_ID}}}")

    result = build_from(*reversed(chain), root)

    assert max(str(state.id).count("/providers/") for state in result.states) == 1500


@pytest.mark.parametrize(
    ("version", "arm_id", "seed"),
    [
        ("v1api20220401", "", "resources.azure.com/ResourceGroup:ns/rg:RoleAssignment/authorization.azure.com:ns/ra"),
        ("v20220401", "", "resources.azure.com/ResourceGroup:ns/rg:RoleAssignment/authorization.azure.com:ns/ra"),
        ("v1api20220401", "/subscriptions/s", "/:ns/:RoleAssignment/authorization.azure.com:ns/ra"),
        ("v20220401", "/subscriptions/s", "/subscriptions/s:RoleAssignment/authorization.azure.com:ns/ra"),
    ],
)
def test_uuid_names(version: str, arm_id: str, seed: str) -> None:
    """A role assignment's default name is the UUID of its owner and itself; old versions leave an owner's id out."""
    kind = lookup_kind("authorization.azure.com", version, "RoleAssignment")
    assert kind is not None
    owner = None if arm_id else ("resources.azure.com", "ResourceGroup", "rg")

    name = build_uuid_name(kind, "ns", "ra", owner=owner, arm_id=arm_id)

    assert name == str(uuid.uuid5(uuid.UUID("9a329043-7ad7-4b1c-812f-9c7a93d6392a"), seed))


def test_object_named_by_a_uuid_keeps_it() -> None:
    """An object whose own name is a UUID gives it to the resource."""
    kind = lookup_kind("authorization.azure.com", "v20220401", "RoleAssignment")
    assert kind is not None
    name = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

    assert build_uuid_name(kind, "ns", name, owner=None, arm_id="/subscriptions/s") == name


def test_random_name_cannot_be_worked_out() -> None:
    """An object that asks for a random name waits until its author writes one."""
    owner = "{group: resources.azure.com, kind: ResourceGroup, name: rg}\n  operatorSpec: {namingConvention: random}"
    random = LOCK.replace("OWNER", owner).replace("  azureName: 3f2504e0-4f89-41d3-9a0c-0305e82c3301\n", "")

    state = build_one(GROUP, random)

    assert state.id is None
    assert "set spec.azureName" in state.waits[0].text


ADMIN = """
apiVersion: dbforpostgresql.azure.com/v20250801
kind: FlexibleServersAdministrator
metadata: {name: admin}
spec:
  azureNameFromConfig: {name: app, key: principalId}
  owner:
    armId: /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers\
/Microsoft.DBforPostgreSQL/flexibleServers/pg
  principalType: ServicePrincipal
"""


def test_name_from_a_config_map() -> None:
    """The ARM name may come from a config map; until then the id is unknown and says why."""
    known = build_one(ADMIN, inputs=Inputs(config_maps={("default", "app"): {"principalId": "p-1"}}))
    unknown = build_one(ADMIN)

    assert str(known.id).endswith("/administrators/p-1")
    assert known.body["name"] == "p-1"
    assert unknown.id is None
    assert unknown.waits[0].text == "its name is known after ConfigMap default/app has the key 'principalId'"


@pytest.mark.parametrize("name", ["a/b", "a?b", "..", "a#b", "a%2fb"])
def test_names_that_would_change_the_url(name: str) -> None:
    """A name that would reach another resource, or break the address, is refused."""
    group = GROUP.replace("location: westeurope", f"location: westeurope, azureName: '{name}'")

    assert any("/spec/azureName" in problem for problem in problems_of(build_from(group)))
