"""Look-ups in the ARM types that are part of the package."""

from __future__ import annotations

import pytest

from schemas import arm, store
from schemas.nodes import ListNode, NumberNode, ObjectNode, TextNode, UnionNode

STORAGE = "Microsoft.Storage/storageAccounts"


def member(arm_type: str, version: str, *path: str) -> object:
    """Walk to a node; ``[]`` steps into a list."""
    found = arm.lookup(arm_type, version)
    assert found is not None
    node: object = found.body
    for name in path:
        if name == "[]":
            assert isinstance(node, ListNode)
            node = node.item
        else:
            assert isinstance(node, ObjectNode)
            node = node.properties[name].node
    return node


def test_letter_case_of_the_type_is_ignored() -> None:
    """Any spelling finds the type, which says how Azure spells it."""
    found = arm.lookup("microsoft.STORAGE/storageaccounts", "2023-01-01")

    assert found is not None
    assert found.name == STORAGE


@pytest.mark.parametrize(
    ("arm_type", "version"),
    [(STORAGE, "1999-01-01"), ("Microsoft.Storage/nothing", "2023-01-01"), ("Contoso.No/x", "2023-01-01"), ("", "")],
    ids=["version", "type", "provider", "nothing"],
)
def test_unknown_names_find_nothing(arm_type: str, version: str) -> None:
    """An unknown type, provider or version is None, never another type's shape."""
    assert arm.lookup(arm_type, version) is None


@pytest.mark.parametrize(
    "arm_type",
    ["../operations/x", "arm/../../x", "microsoft.storage\x00/x", "index/x"],
    ids=["up", "path", "null", "own"],
)
def test_names_cannot_reach_other_files(arm_type: str) -> None:
    """A provider's name never leads out of the folder of ARM types."""
    assert arm.lookup(arm_type, "2023-01-01") is None


def test_one_lookup_reads_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up reads the provider's file and no other, and the next one of that provider reads none."""
    reads: list[str] = []
    original = store.read

    def counted(name: str) -> bytes | None:
        reads.append(name)
        return original(name)

    monkeypatch.setattr(store, "read", counted)
    arm._provider.cache_clear()

    arm.lookup(STORAGE, "2023-01-01")
    arm.lookup("Microsoft.Storage/storageAccounts/blobServices", "2023-01-01")
    arm.versions(STORAGE)

    assert reads == ["arm/microsoft.storage.zst"]


def test_memory_of_providers_is_bounded() -> None:
    """Only so many providers stay in memory."""
    assert arm._provider.cache_info().maxsize == 64


def test_walked_nodes_are_made_once() -> None:
    """The same node comes back however it is reached, so that a walk costs attribute reads."""
    one = member(STORAGE, "2023-01-01", "properties", "encryption")
    two = member(STORAGE.lower(), "2023-01-01", "properties", "encryption")

    assert one is two


@pytest.mark.parametrize(
    ("asked", "got", "exact"),
    [
        ("2023-01-01", "2023-01-01", True),
        ("2023-02-01", "2023-01-01", False),
        ("2001-01-01", "2015-05-01-preview", False),
    ],
    ids=["exact", "older", "newer"],
)
def test_nearest_version_is_the_older_one_else_the_newer(asked: str, got: str, exact: bool) -> None:
    """For an unknown version the next older shape serves, for one before all the first, and it says so."""
    found = arm.lookup_nearest(STORAGE, asked)

    assert found is not None
    assert (found.type.api_version, found.exact) == (got, exact)


def test_nearest_of_an_unknown_type_is_nothing() -> None:
    """There is no nearest shape for a type that does not exist."""
    assert arm.lookup_nearest("Microsoft.Storage/nothing", "2023-01-01") is None


def test_typing_errors_name_what_was_meant() -> None:
    """A misspelt type names the real one first; an unknown version names its neighbours and the newest."""
    assert arm.nearest("Microsoft.Storage/storageAcounts")[0] == STORAGE
    versions = arm.nearest(STORAGE, "2023-02-01")
    assert f"{STORAGE}@2023-01-01" in versions
    assert versions[-1] == f"{STORAGE}@{arm.versions(STORAGE)[-1]}"


def test_search_puts_whole_words_first() -> None:
    """A type with the word as a whole segment comes before longer names."""
    assert arm.search("virtualNetworks")[0].endswith("/virtualNetworks")
    assert all("virtualnetworks" in name.lower() for name in arm.search("virtualNetworks"))


def test_previews_sort_before_the_stable_version_of_their_day() -> None:
    """Versions are in order of age: date, then preview before stable."""
    known = ["2024-01-01", "2024-01-01-preview", "2023-05-01"]

    assert sorted(known, key=arm.version_key) == ["2023-05-01", "2024-01-01-preview", "2024-01-01"]


@pytest.mark.parametrize(
    ("arm_type", "version", "path"),
    [
        (
            "Microsoft.ContainerService/managedClusters",
            "2024-09-01",
            ("properties", "agentPoolProfiles", "[]", "spotMaxPrice"),
        ),
        ("Microsoft.Insights/components", "2020-02-02", ("properties", "SamplingPercentage")),
    ],
    ids=["spot price", "sampling"],
)
def test_floats_of_aso_types_are_known(arm_type: str, version: str, path: tuple[str, ...]) -> None:
    """Azure's definitions call them integers; the kind catalogue knows better."""
    node = member(arm_type, version, *path)

    assert isinstance(node, NumberNode)
    assert node.is_float is True


def test_numbers_of_other_types_are_not_judged() -> None:
    """Where no kind exists nothing is claimed about a number."""
    node = member("Microsoft.AAD/domainServices", "2022-12-01", "properties", "version")

    assert isinstance(node, NumberNode)
    assert node.is_float is None


def test_access_policies_are_named_by_three_members() -> None:
    """A row of the identifier table beats the general rule."""
    node = member("Microsoft.KeyVault/vaults", "2023-07-01", "properties", "accessPolicies")

    assert isinstance(node, ListNode)
    assert node.identifiers == ("tenantId", "objectId", "applicationId")


def test_container_commands_keep_their_order() -> None:
    """Order counts only where a fact says so."""
    container = ("properties", "template", "containers", "[]")
    command = member("Microsoft.App/containerApps", "2025-01-01", *container, "command")
    env = member("Microsoft.App/containerApps", "2025-01-01", *container, "env")

    assert isinstance(command, ListNode)
    assert isinstance(env, ListNode)
    assert (command.is_ordered, command.is_set) == (True, False)
    assert (env.is_ordered, env.identifiers) == (False, ("name",))


def test_subnet_of_a_pool_is_an_arm_id() -> None:
    """The verdict on ids survives although descriptions do not."""
    path = ("properties", "agentPoolProfiles", "[]", "vnetSubnetID")
    node = member("Microsoft.ContainerService/managedClusters", "2024-09-01", *path)

    assert isinstance(node, TextNode)
    assert node.arm_id


def test_union_variant_is_chosen_without_letter_case() -> None:
    """The discriminator's value selects members in any letter case, and the merged shape is made once."""
    found = arm.lookup("Microsoft.Kusto/clusters/databases", "2023-08-15")
    assert found is not None
    assert isinstance(found.body, UnionNode)

    chosen = found.body.select("READWRITE")

    assert "properties" in chosen.properties
    assert found.body.select("ReadWrite") is chosen


def test_members_are_found_in_another_letter_case() -> None:
    """An exact spelling wins, another letter case is found too."""
    body = member(STORAGE, "2023-01-01")
    assert isinstance(body, ObjectNode)

    assert body.find("LOCATION") is body.properties["location"]
    assert body.find("nowhere") is None
