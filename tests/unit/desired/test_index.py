"""What is wrong between the objects of one input."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.desired.build import build_desired
from engine.desired.index import Index
from engine.desired.inputs import Inputs
from engine.model.ids import ArmId
from tests.manifest_cases import ACCOUNT, GROUP, GROUP_ID, SUBSCRIPTION, build_from, problems_of, read_resources
from tests.unit.desired.test_identity import ADMIN
from tests.whole_input import build_all

SKIPPED = "{name: rg2, annotations: {serviceoperator.azure.com/reconcile-policy: skip}}"


def test_doubles_that_differ_are_both_left_out() -> None:
    """Two objects of one name with different content are one problem that names both places."""
    result = build_from(GROUP, ACCOUNT, GROUP.replace("westeurope", "eastus"))

    assert problems_of(result) == [
        "t.yaml:1: default/ResourceGroup/rg is there 2 times, with different content: t.yaml:1, t.yaml:16 (keep one)"
    ]
    assert [str(state.key) for state in result.states] == ["default/StorageAccount/acct"]


def test_equal_doubles_are_one() -> None:
    """The same object twice is taken once, with a notice."""
    result = build_from(GROUP, GROUP)

    assert [str(state.key) for state in result.states] == ["default/ResourceGroup/rg"]
    assert "is there 2 times, with the same content: t.yaml:1, t.yaml:6" in str(result.notices[0])


def test_two_versions_of_one_object_are_doubles() -> None:
    """The version does not belong to the identity of an object."""
    result = build_from(GROUP, ACCOUNT, ACCOUNT.replace("v1api20230101", "v1api20220901"))

    assert "default/StorageAccount/acct is there 2 times" in problems_of(result)[0]


def test_two_objects_with_one_id_are_both_refused() -> None:
    """Two objects that write one Azure resource are a problem each that names the other; letter case is ignored."""
    other = GROUP.replace("name: rg", "name: rg2").replace(
        "location: westeurope", "location: westeurope, azureName: RG"
    )

    result = build_from(GROUP, ACCOUNT, other)

    assert len(result.problems) == 2
    assert "also default/ResourceGroup/rg2 (t.yaml:16)" in problems_of(result)[0]
    assert "also default/ResourceGroup/rg (t.yaml:1)" in problems_of(result)[1]
    assert [str(state.key) for state in result.states] == ["default/StorageAccount/acct"]


def test_an_object_that_only_looks_may_share_an_id() -> None:
    """An object under reconcile-policy skip writes nothing and may stand beside the one that does."""
    other = GROUP.replace("{name: rg}", SKIPPED).replace("location: westeurope", "location: westeurope, azureName: rg")

    result = build_from(GROUP, other)

    assert not result.problems
    assert [str(state.id) for state in result.states] == [GROUP_ID, GROUP_ID]


def test_look_ups() -> None:
    """The index says what to read for an object, whether a resource is asked for, and the ids of several objects."""
    group, account = resources = read_resources(GROUP, ACCOUNT)
    index = Index.build(resources, subscription=SUBSCRIPTION)

    target = index.target_of(account)

    assert target is not None
    assert (target.arm_type, target.api_version) == ("Microsoft.Storage/storageAccounts", "2023-01-01")
    assert index.links_of(account.key, [group.key]) == (target.id, ArmId(GROUP_ID))
    assert sorted(index.id_keys) == sorted([GROUP_ID.lower(), target.id.key])


def test_names_from_config_maps_are_learnt_later() -> None:
    """An id that waits for a config map is known once the index learns it."""
    (admin,) = read_resources(ADMIN)
    index = Index.build([admin], subscription=SUBSCRIPTION)
    assert index.id_of(admin) is None
    assert not index.id_keys

    index.learn(Inputs(config_maps={("default", "app"): {"principalId": "p-1"}}))

    assert str(index.id_of(admin)).endswith("/administrators/p-1")
    assert len(index.id_keys) == 1


@pytest.mark.parametrize(
    ("manifest", "text"),
    [
        (
            ACCOUNT.replace("v1api20230101", "v1api20230102"),
            (
                "StorageAccount in storage.azure.com has no version v1api20230102"
                " (nearest: storage.azure.com/v1api20230101 StorageAccount; known:"
            ),
        ),
        (ACCOUNT.replace("StorageAccount", "StorageAcount"), "unknown kind StorageAcount in storage.azure.com"),
    ],
    ids=["version", "kind"],
)
def test_unknown_kind_names_the_nearest(manifest: str, text: str) -> None:
    """A kind nobody knows is a problem that names the nearest known one."""
    assert text in problems_of(build_from(GROUP, manifest))[0]


def test_unknown_group_names_the_nearest() -> None:
    """A group that ASO has not is a problem of its own, wherever the object came from."""
    (resource,) = read_resources(ACCOUNT)
    misspelt = replace(resource, key=replace(resource.key, group="stoage.azure.com"))

    (problem,) = build_all([misspelt]).problems

    assert "unknown group 'stoage.azure.com' (did you mean storage.azure.com?)" in str(problem)


def test_kind_outside_arm_is_left_out_with_a_notice() -> None:
    """A kind that is no ARM resource is neither rendered nor an error."""
    user = """
    apiVersion: dbforpostgresql.azure.com/v1
    kind: User
    metadata: {name: u}
    spec: {owner: {name: pg}}
    """

    result = build_from(user)

    assert (result.states, result.problems) == ((), ())
    assert "User in dbforpostgresql.azure.com is not an Azure Resource Manager resource" in str(result.notices[0])


def test_reference_to_a_kind_that_does_not_exist() -> None:
    """A reference to a kind nobody knows is a misfit, not a wait."""
    account = (
        ACCOUNT
        + """
  identity:
    type: UserAssigned
    userAssignedIdentities:
      - reference: {group: managedidentity.azure.com, kind: UserAssignedIdentiti, name: id}
"""
    )

    problems = problems_of(build_from(GROUP, account))

    assert "/spec/identity/userAssignedIdentities/0/reference: no kind 'UserAssignedIdentiti'" in problems[0]
    assert "UserAssignedIdentity" in problems[0]


def test_an_id_in_the_place_of_a_name_is_told() -> None:
    """A reference whose name is an ARM id is a misfit that names the right member, not a wait."""
    account = (
        ACCOUNT
        + f"""
  identity:
    type: UserAssigned
    userAssignedIdentities:
      - reference: {{group: managedidentity.azure.com, kind: UserAssignedIdentity, name: "{GROUP_ID}"}}
"""
    )

    (problem,) = problems_of(build_from(GROUP, account))

    assert "userAssignedIdentities/0/reference/name: 'name' looks like an ARM id (did you mean 'armId'?)" in problem


def test_objects_are_built_one_by_one() -> None:
    """Building one object of an index gives what building all gives for it."""
    resources = read_resources(GROUP, ACCOUNT)
    index = Index.build(resources, subscription=SUBSCRIPTION)

    built = build_desired(resources[1], index)

    assert built.state == build_from(GROUP, ACCOUNT).states[1]


def test_messages_do_not_grow_with_the_square_of_what_is_wrong() -> None:
    """Of many objects that share one id, one name or one circle of owners a message names ten and counts the rest."""
    twins = [
        ACCOUNT.replace("name: acct", f"name: a{n}").replace("spec:", "spec:\n  azureName: same") for n in range(300)
    ]
    circle = [
        f"""
        apiVersion: kubernetesconfiguration.azure.com/v1api20230501
        kind: Extension
        metadata: {{name: e{n}}}
        spec:
          extensionType: x
          owner: {{group: kubernetesconfiguration.azure.com, kind: Extension, name: e{(n + 1) % 300}}}
        """
        for n in range(300)
    ]
    doubles = [ACCOUNT.replace("accessTier: Hot", f"accessTier: {n}") for n in range(300)]

    result = build_from(GROUP, *twins, *circle, *doubles)

    assert len(result.problems) == 302
    assert max(len(text) for text in problems_of(result)) < 1_500
    assert max(len(wait.text) for state in result.states for wait in state.waits) < 1_500
