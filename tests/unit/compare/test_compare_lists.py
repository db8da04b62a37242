"""Which elements of two lists belong together."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.lists import correlate
from engine.model.path import FieldPath
from schemas.nodes import ANY, NumberNode
from tests.compare_cases import REGION, TEXT, TIER, find, list_of, open_places, rules_at, shape

FREE = list_of(ANY)


def test_identifiers_pair_in_any_order() -> None:
    """Names that are unique on both sides pair elements wherever they stand."""
    pairing = correlate([{"name": "a"}, {"name": "b"}], [{"name": "c"}, {"name": "b"}, {"name": "a"}])

    assert (pairing.pairs, pairing.missing, pairing.extra) == (((0, 2), (1, 1)), (), (0,))
    assert pairing.identifiers == ("name",)
    assert pairing.is_reordered


def test_table_comes_before_common_names() -> None:
    """Identifiers from the schema's table win over the common ones."""
    node = list_of(shape({"name": TEXT, "zone": REGION}), identifiers=("zone",))

    pairing = correlate(
        [{"name": "a", "zone": "westus2"}], [{"name": "x", "zone": "East"}, {"zone": "West US 2"}], node
    )

    assert pairing.pairs == ((0, 1),)


def test_several_members_name_an_element_together() -> None:
    """Elements that share one part of the identifier stay apart by the other."""
    node = list_of(ANY, identifiers=("tenant", "object"))
    desired = [{"tenant": "t", "object": "1"}, {"tenant": "t", "object": "2"}]

    assert correlate(desired, desired[::-1], node).pairs == ((0, 1), (1, 0))


def test_names_that_repeat_are_no_identifier() -> None:
    """A member that two elements share names neither; the next one is tried."""
    desired = [{"name": "a", "id": "1"}, {"name": "a", "id": "2"}]

    assert correlate(desired, desired[::-1]).identifiers == ("id",)


def test_letter_case_of_names_is_the_second_choice() -> None:
    """Equal names pair first; what is left pairs when only letter case differs."""
    pairing = correlate([{"name": "A"}, {"name": "b"}], [{"name": "B"}, {"name": "A"}, {"name": "z"}])

    assert pairing.pairs == ((0, 1), (1, 0))


def test_renamed_element_stays_one_element() -> None:
    """In lists of one length an element that is otherwise alike is paired in place under its new name."""
    pairing = correlate([{"name": "a", "v": 1}, {"name": "b", "v": 2}], [{"name": "x", "v": 1}, {"name": "b", "v": 2}])

    assert pairing.pairs == ((0, 0), (1, 1))


def test_replaced_element_is_two_elements() -> None:
    """An element that shares nothing with the one in its place is another element."""
    pairing = correlate([{"name": "a", "v": 1, "w": 1}], [{"name": "x", "v": 2, "w": 2}])

    assert (pairing.missing, pairing.extra) == ((0,), (0,))


def test_elements_kept_apart_are_never_renamed() -> None:
    """An element that belongs to another object is not taken for a renamed one."""
    pairing = correlate([{"name": "a"}], [{"name": "x"}], FREE, is_apart=lambda element: element["name"] == "x")

    assert (pairing.missing, pairing.extra) == ((0,), (0,))


@pytest.mark.parametrize(
    ("desired", "actual", "pairs", "missing", "extra"),
    [
        (["a", "b"], ["b", "a"], ((0, 1), (1, 0)), (), ()),
        (["a", "a", "b"], ["a", "b", "b"], ((0, 0), (1, 1), (2, 2)), (), ()),
        (["a"], ["a", "a"], ((0, 0),), (), (1,)),
        (["a", "b"], ["b"], ((1, 0),), (0,), ()),
        (["a", "b"], ["a", "x"], ((0, 0), (1, 1)), (), ()),
        ([1, True], [True, 1.0], ((0, 1), (1, 0)), (), ()),
        ([[1], [2]], [[2], [1]], ((0, 1), (1, 0)), (), ()),
    ],
)
def test_scalars_pair_by_value(desired: Any, actual: Any, pairs: Any, missing: Any, extra: Any) -> None:
    """Scalars pair as often as they occur; in lists of one length a changed one keeps its place."""
    pairing = correlate(desired, actual)

    assert (pairing.pairs, pairing.missing, pairing.extra) == (pairs, missing, extra)


def test_objects_without_identifier_pair_by_least_difference() -> None:
    """Equal contents pair first, then what differs least."""
    desired = [{"days": ["Mon"], "hour": 1}, {"days": ["Tue"], "hour": 2}]
    actual = [{"days": ["Tue"], "hour": 3, "more": 1}, {"days": ["Mon"], "hour": 1, "more": 1}]

    assert correlate(desired, actual, list_of(shape({}))).pairs == ((0, 1), (1, 0))


def test_free_form_objects_pair_by_deep_distance() -> None:
    """Without schema the objects that take least to turn into each other pair."""
    desired = [{"a": {"x": 1, "y": 2}, "l": [1, 2, 3]}, {"a": {"x": 5, "y": 6}, "l": [7, 8]}]
    actual = [{"a": {"x": 5, "y": 6}, "l": [7, 9]}, {"a": {"x": 1, "y": 3}, "l": [1, 2, 3]}]

    assert correlate(desired, actual, FREE).pairs == ((0, 1), (1, 0))


def test_removed_element_without_identifier_is_the_right_one() -> None:
    """Taking away the first of many equal-shaped elements is one missing element."""
    desired = [{"keys": [f"k{i}"]} for i in range(50)]

    pairing = correlate(desired, desired[1:], FREE)

    assert (pairing.missing, pairing.extra, pairing.is_reordered) == ((0,), (), False)


def test_large_lists_without_identifier_are_not_compared_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound elements pair by contents and place only: no distance is measured."""
    monkeypatch.setattr("engine.compare.lists._leaf_distance", lambda *_: pytest.fail("a distance was measured"))
    desired = [{"keys": [f"k{i}"], "w": 1} for i in range(4000)]
    actual = [{"keys": [f"k{i}"], "w": 2} for i in range(4000)]

    pairing = correlate(desired, actual, FREE)

    assert pairing.pairs == tuple((i, i) for i in range(4000))


def test_lists_in_lists_cost_no_more_with_depth() -> None:
    """A difference sixty lists deep is found at its place; no element is compared twice at any level."""

    def nest(value: int) -> Any:
        inner: Any = {"v": value, "w": 1}
        for _ in range(60):
            inner = {"l": [inner, {"v": 0, "z": 3}]}
        return inner

    assert open_places(find(nest(1), nest(2))) == ["/l/0" * 60 + "/v"]


def test_elements_that_are_the_same_in_place_stay_together() -> None:
    """An element that would fit into another one as well is paired in place when nothing differs there."""
    node = shape({"l": list_of(shape({"access": TIER, "app": TEXT}))})
    desired = {"l": [{"access": "Hot", "app": "a"}, {"access": "Hot"}]}
    actual = {"l": [{"access": "hot", "app": "a"}, {"access": "Cool"}]}

    assert open_places(find(desired, actual, node)) == ["/l/1/access"]


def test_numbers_name_elements_whatever_their_form() -> None:
    """An element numbered 2 is the one that Azure numbers 2.0."""
    node = shape({"disks": list_of(shape({"lun": NumberNode()}), identifiers=("lun",))})

    findings = find({"disks": [{"lun": 1}, {"lun": 2}]}, {"disks": [{"lun": 2.0}, {"lun": 1.0}]}, node)

    assert open_places(findings) == []
    assert rules_at(findings)["/disks"] == "list-order"


def test_receipts_name_elements_too() -> None:
    """What is excused inside a list whose order was kept is told under the element's name, as changes are."""
    node = shape({"pools": list_of(shape({"name": TEXT, "tier": TIER}), identifiers=("name",))})

    (found,) = find({"pools": [{"name": "web", "tier": "hot"}]}, {"pools": [{"name": "web", "tier": "Hot"}]}, node)

    assert FieldPath(found.at).text == "pools[name=web].tier"
    assert FieldPath(found.at).pointer == "/pools/0/tier"
