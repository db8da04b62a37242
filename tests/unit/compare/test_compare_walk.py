"""The walk: which places differ, under which rule, and with what weight."""

from __future__ import annotations

import pytest

from engine.compare.finding import Weight
from engine.compare.owned import OwnedChildren
from engine.model.change import ChangeKind
from engine.model.document import UNKNOWN, Secret
from schemas.nodes import ANY, NumberNode
from tests.compare_cases import (
    REGION,
    SECRET,
    TAGS,
    TEXT,
    TIER,
    find,
    list_of,
    open_places,
    rules_at,
    shape,
    union,
)

CLUSTER = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/c"


def test_only_asked_members_count() -> None:
    """What the user did not write is not compared."""
    findings = find({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "etag": "x"}, shape({"a": shape({"b": NumberNode()})}))

    assert findings == []


def test_missing_value_is_a_difference() -> None:
    """A value that Azure does not hold is an addition at its own place."""
    findings = find({"a": {"b": 1}}, {"a": {}}, shape({"a": shape({"b": NumberNode()})}))

    assert open_places(findings) == ["/a/b"]
    assert findings[0].kind is ChangeKind.ADD


@pytest.mark.parametrize("desired", [None, "", [], {}])
def test_empty_is_absent(desired: object) -> None:
    """Null, blank and empty collections are no difference from absent, and leave a receipt."""
    findings = find({"a": desired}, {}, shape({"a": TEXT}))

    assert rules_at(findings) == {"/a": "empty"}


def test_false_is_not_absent() -> None:
    """False is a value of its own."""
    assert open_places(find({"a": False}, {})) == ["/a"]


def test_null_on_a_collection_is_no_opinion() -> None:
    """Null says nothing about a list or an object."""
    findings = find({"zones": None}, {"zones": ["1"]}, shape({"zones": list_of(TEXT)}))

    assert rules_at(findings) == {"/zones": "no-opinion"}
    assert findings[0].weight is Weight.YIELDED


def test_null_tags_mean_none() -> None:
    """Null tags ask for no tags: every tag that Azure holds is extra."""
    findings = find({"tags": None}, {"tags": {"a": "1"}}, shape({"tags": TAGS}))

    assert open_places(findings) == ["/tags/a"]


def test_null_on_a_scalar_asks_for_its_removal() -> None:
    """A text set back to null is a difference while Azure holds one."""
    findings = find({"a": None}, {"a": "x"}, shape({"a": TEXT}))

    assert [(f.kind, f.weight) for f in findings] == [(ChangeKind.REMOVE, Weight.OPEN)]


def test_explicit_empty_list_asks_for_no_elements() -> None:
    """An empty list against elements is a difference for each of them."""
    findings = find({"rules": []}, {"rules": [{"name": "a"}]}, shape({"rules": list_of(shape({"name": TEXT}))}))

    assert open_places(findings) == ["/rules/0"]


def test_explicit_empty_object_asks_for_nothing() -> None:
    """An empty object with known members is within whatever Azure holds."""
    assert find({"properties": {}}, {"properties": {"a": 1}}, shape({"properties": shape({"a": NumberNode()})})) == []


def test_explicit_empty_map_asks_for_no_keys() -> None:
    """An empty free map against keys is a difference for each of them."""
    assert open_places(find({"labels": {}}, {"labels": {"a": "1"}}, shape({"labels": TAGS}))) == ["/labels/a"]


@pytest.mark.parametrize(
    ("desired", "actual", "places"),
    [
        ({"a": "x"}, {"a": "X"}, ["/tags/a"]),
        ({"a": "true"}, {"a": "True"}, ["/tags/a"]),
        ({"a": ""}, {}, ["/tags/a"]),
        ({"a": "x"}, {"a": "x", "b": "y"}, ["/tags/b"]),
        ({"Owner": "x"}, {"owner": "x"}, []),
    ],
)
def test_tags_are_exact_but_for_the_case_of_names(desired: object, actual: object, places: list[str]) -> None:
    """Tag values are compared exactly, tag names without letter case, extra tags count."""
    assert open_places(find({"tags": desired}, {"tags": actual}, shape({"tags": TAGS}))) == places


def test_keys_of_other_maps_keep_their_letter_case() -> None:
    """In a free map that is not tags a key in another letter case is another key."""
    findings = find({"settings": {"KEY": "1"}}, {"settings": {"key": "1"}}, shape({"settings": TAGS}))

    assert sorted(open_places(findings)) == ["/settings/KEY", "/settings/key"]


def test_ids_as_map_keys_have_no_letter_case() -> None:
    """A map key that is an ARM id is found in any letter case."""
    key = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a"
    node = shape({"identities": TAGS})

    findings = find({"identities": {key: {}}}, {"identities": {key.lower(): {"clientId": "x"}}}, node)

    assert list(rules_at(findings).values()) == ["map-key-id"]
    assert open_places(findings) == []


def test_member_names_are_read_without_letter_case() -> None:
    """A member that Azure spells otherwise is the same member, with a receipt."""
    findings = find({"workspaceId": "x"}, {"WorkspaceId": "x"}, shape({"workspaceId": TEXT}))

    assert rules_at(findings) == {"/workspaceId": "key-case"}


def test_identity_is_in_the_url() -> None:
    """Name, id and type of the resource itself are never differences."""
    findings = find({"name": "a", "type": "T"}, {"name": "p/a"}, shape({"name": TEXT, "type": TEXT}))

    assert rules_at(findings) == {"/name": "identity", "/type": "identity"}


def test_nested_names_are_values() -> None:
    """A name further in is a value like any other."""
    assert open_places(find({"sku": {"name": "S1"}}, {"sku": {"name": "S2"}})) == ["/sku/name"]


def test_server_owned_members_are_no_differences() -> None:
    """What the type calls read-only is suppressed with a receipt even when the user wrote it."""
    findings = find({"state": "On"}, {"state": "Off"}, shape({"state": TEXT}, read_only=["state"]))

    assert rules_at(findings) == {"/state": "server-owned"}


def test_location_counts_only_when_returned() -> None:
    """A location that Azure does not return is excused; one that differs is not."""
    node = shape({"location": REGION})

    assert rules_at(find({"location": "westus"}, {}, node)) == {"/location": "location-not-returned"}
    assert open_places(find({"location": "westus"}, {"location": "East US"}, node)) == ["/location"]


@pytest.mark.parametrize("held", [{}, {"key": None}, {"key": ""}, {"key": "***"}])
@pytest.mark.parametrize("node", [shape({"key": SECRET}), shape({"key": TEXT}, write_only=["key"])])
def test_secrets_may_be_left_out(held: dict[str, object], node: object) -> None:
    """Sensitive and write-only members may be absent, blank or masked in what Azure returns."""
    findings = find({"key": "s3cret"}, held, node)  # type: ignore[arg-type]

    assert rules_at(findings) == {"/key": "write-only"}
    assert findings[0].weight is Weight.EXCUSED


def test_returned_secret_is_compared() -> None:
    """Write-only is a hint: a value that is there counts, and is veiled where it is sensitive."""
    findings = find({"key": "s3cret"}, {"key": "other"}, shape({"key": SECRET}))

    assert open_places(findings) == ["/key"]
    assert findings[0].veiled


def test_wrapped_secret_is_a_secret_without_schema() -> None:
    """A value from a Secret may be left out wherever it stands, and is equal to its text."""
    assert rules_at(find({"a": {"b": Secret("x")}}, {})) == {"/a/b": "write-only"}
    assert find({"a": Secret("x")}, {"a": "x"}) == []


def test_container_counts_when_one_part_is_not_excused() -> None:
    """A missing object is one difference when anything in it should have been returned."""
    node = shape({"admin": shape({"user": TEXT, "password": SECRET})})

    findings = find({"admin": {"user": "me", "password": "x"}}, {}, node)

    assert open_places(findings) == ["/admin"]
    assert len(findings) == 1


def test_enumerations_have_no_letter_case() -> None:
    """The enum rule needs an enum in the schema."""
    assert rules_at(find({"tier": "hot"}, {"tier": "Hot"}, shape({"tier": TIER}))) == {"/tier": "enum-case"}
    assert open_places(find({"size": "hot"}, {"size": "Hot"}, shape({"size": TEXT}))) == ["/size"]


def test_variant_of_a_union_is_chosen_by_either_body() -> None:
    """Members of a variant are known by the discriminator of the desired body, else of the actual one."""
    node = union("kind", shape({"kind": TEXT}), Blob=shape({"tier": TIER}))

    assert rules_at(find({"kind": "blob", "tier": "hot"}, {"kind": "blob", "tier": "Hot"}, node)) == {
        "/tier": "enum-case"
    }
    assert rules_at(find({"tier": "hot"}, {"kind": "Blob", "tier": "Hot"}, node)) == {"/tier": "enum-case"}


@pytest.mark.parametrize(
    ("desired", "actual"), [({"a": 1}, "x"), ("x", {"a": 1}), ([1], {"a": 1}), (5, "6"), (True, 1)]
)
def test_values_of_another_type_differ(desired: object, actual: object) -> None:
    """Nothing makes values of two types one."""
    assert open_places(find({"v": desired}, {"v": actual})) == ["/v"]


def test_unknown_value_is_a_difference_that_is_not_compared() -> None:
    """A value not known yet is shown as unknown; the rest is compared."""
    findings = find({"a": UNKNOWN, "b": 1}, {"a": "x", "b": 2})

    assert open_places(findings) == ["/a", "/b"]
    assert findings[0].desired is UNKNOWN


def test_unavailable_secret_is_no_difference() -> None:
    """A secret that is not available here is not compared, with a receipt."""
    by_schema = find({"key": UNKNOWN}, {}, shape({"key": SECRET}))
    by_place = find({"a": {"key": UNKNOWN}}, {"a": {}}, unseen=frozenset({("a", "key")}))

    assert rules_at(by_schema) == {"/key": "secret-not-compared"}
    assert rules_at(by_place) == {"/a/key": "secret-not-compared"}


def test_keys_beside_an_unknown_key_are_no_difference() -> None:
    """Where a map's key is not known yet, a key only Azure has may be it."""
    findings = find({"ids": {}}, {"ids": {"/x": "y"}}, shape({"ids": TAGS}), open_keys=frozenset({("ids",)}))

    assert rules_at(findings) == {"/ids/~1x": "key-not-known"}


def test_extra_element_is_a_difference() -> None:
    """An element only Azure has is removed at its actual position."""
    findings = find({"l": [{"name": "a"}]}, {"l": [{"name": "b", "x": 1}, {"name": "a"}]})

    assert open_places(findings) == ["/l/0"]
    assert findings[0].kind is ChangeKind.REMOVE


def test_elements_are_paired_by_identifier() -> None:
    """Reordered elements with identifiers are no difference; a changed member is found in its element."""
    desired = {"l": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}
    findings = find(desired, {"l": [{"name": "b", "v": 3}, {"name": "a", "v": 1}]})

    assert open_places(findings) == ["/l/1/v"]
    assert rules_at(findings) == {"/l": "list-order"}


def test_order_counts_where_a_fact_says_so() -> None:
    """A list whose order is significant is reordered even when its elements have identifiers."""
    node = shape({"steps": list_of(shape({"name": TEXT}), is_ordered=True, identifiers=("name",))})

    findings = find({"steps": [{"name": "a"}, {"name": "b"}]}, {"steps": [{"name": "b"}, {"name": "a"}]}, node)

    assert [(f.kind, f.weight) for f in findings] == [(ChangeKind.REORDER, Weight.OPEN)]


@pytest.mark.parametrize(("is_set", "weight"), [(True, Weight.SAME), (False, Weight.OPEN)])
def test_order_of_scalars_is_free_only_by_fact(is_set: bool, weight: Weight) -> None:
    """Scalars in another order are a reorder, unless a fact calls the list a set."""
    findings = find({"l": ["a", "b"]}, {"l": ["b", "a"]}, shape({"l": list_of(TEXT, is_set=is_set)}))

    assert [(f.kind, f.weight) for f in findings] == [(ChangeKind.REORDER, weight)]


def test_owned_elements_are_left_to_their_objects() -> None:
    """Elements that other objects own are neither extra nor missing."""
    owned = OwnedChildren("Microsoft.ContainerService/managedClusters", CLUSTER, [f"{CLUSTER}/agentPools/blue"])
    desired, actual = [{"name": "system", "count": 1}], [{"name": "blue", "count": 5}, {"name": "system", "count": 1}]

    extra = find(
        {"properties": {"agentPoolProfiles": desired}}, {"properties": {"agentPoolProfiles": actual}}, owned=owned
    )
    missing = find(
        {"properties": {"agentPoolProfiles": actual}}, {"properties": {"agentPoolProfiles": desired}}, owned=owned
    )

    assert rules_at(extra) == {"/properties/agentPoolProfiles/0": "owned"}
    assert rules_at(missing) == {"/properties/agentPoolProfiles/0": "owned"}


def test_owned_child_of_another_list_is_no_excuse() -> None:
    """A child of the same name covers only the list its type belongs to."""
    owned = OwnedChildren("Microsoft.ContainerService/managedClusters", CLUSTER, [f"{CLUSTER}/agentPools/blue"])

    findings = find({"properties": {"users": []}}, {"properties": {"users": [{"name": "blue"}]}}, owned=owned)

    assert open_places(findings) == ["/properties/users/0"]


def test_nested_free_form_parts_are_subsets() -> None:
    """Where no schema guides, what the user wrote must be there; more may be."""
    assert find({"x": {"a": {"b": [1, 2]}}}, {"x": {"a": {"b": [1, 2], "c": 3}}}, ANY) == []
