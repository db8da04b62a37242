"""Laws of comparison: nothing differs from itself, every edit is found, noise adds nothing, a diff can be applied."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.compare.compare import compare_bodies
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ChangeKind, ChangeOrigin, FieldChange, ResourceDiff
from engine.model.document import ABSENT
from engine.model.path import ByKey, Segment
from tests.strategies import json_values, names

TYPES = (
    ("Microsoft.Storage/storageAccounts", "2023-01-01"),
    ("Microsoft.Network/virtualNetworks", "2023-11-01"),
    ("Microsoft.KeyVault/vaults", "2023-07-01"),
    ("Microsoft.DocumentDB/databaseAccounts", "2024-08-15"),
)
subjects = st.sampled_from([Subject(arm_type=t, api_version=v, id="/subscriptions/0/x") for t, v in TYPES])

values = st.one_of(st.booleans(), st.integers(-5, 5), st.floats(-2, 2, allow_nan=False), st.text("abc", min_size=1))
members = st.sampled_from(("alpha", "beta", "gamma", "tier", "delta"))
elements = st.dictionaries(members, values, max_size=3)


def _named(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": f"n{i}", **{k: v for k, v in c.items() if k != "name"}} for i, c in enumerate(contents)]


containers = st.recursive(
    values | st.lists(elements, min_size=1, max_size=4).map(_named),
    lambda inner: st.dictionaries(members, inner, min_size=1, max_size=4),
    max_leaves=8,
)
parts = st.dictionaries(members, containers, min_size=1, max_size=4)
free_bodies = parts.map(lambda part: {"free": part})
"""Bodies below a member that no type has: nothing but the walk itself decides there."""

any_bodies = st.dictionaries(
    st.sampled_from(("location", "tags", "sku", "properties", "name", "identity", "zones", "extra")) | names,
    json_values(),
    max_size=5,
)


def leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of scalars, names of list elements left out: changing one makes another element."""
    if isinstance(value, dict):
        return [p for k, v in value.items() if not (k == "name" and at) for p in leaves(v, (*at, k))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in leaves(v, (*at, i))]
    return [at]


def put(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Return a copy with another value at a place; ABSENT takes the member away."""
    changed = copy.deepcopy(body)
    inner = changed
    for step in at[:-1]:
        inner = inner[step]
    if value is ABSENT:
        del inner[at[-1]]
    else:
        inner[at[-1]] = value
    return changed


def noisy(value: Any, *, is_map: bool = False) -> Any:
    """Return what a server may make of a body: more members, floats for integers, named elements in reverse."""
    if isinstance(value, dict):
        more = {} if is_map else {"addedByServer": {"since": 1}}
        return {k: noisy(v, is_map=k == "tags") for k, v in value.items()} | more
    if isinstance(value, list):
        return [noisy(v) for v in reversed(value)]
    return float(value) if type(value) is int else value


def apply(diff: ResourceDiff, actual: Any) -> Any:
    """Return what Azure holds after the changes were made; removals last to first, so that positions hold."""
    body = copy.deepcopy(actual)
    removals = sorted((c for c in diff.changes if c.after is ABSENT), key=lambda c: c.path.sort_key(), reverse=True)
    for change in [*removals, *(c for c in diff.changes if c.after is not ABSENT)]:
        _apply_one(body, change)
    return body


def _apply_one(body: Any, change: FieldChange) -> None:
    *above, last = change.path.segments
    for step in above:
        body = body[_key(body, step)]
    if change.after is ABSENT:
        del body[_key(body, last)]
    elif isinstance(body, list) and change.kind is ChangeKind.ADD:
        body.append(change.after)
    else:
        body[_key(body, last)] = change.after


def _key(body: Any, step: Segment) -> Any:
    if isinstance(step, ByKey):
        return next(i for i, element in enumerate(body) if str(element.get(step.identifier)) == step.value)
    return step


@given(any_bodies, subjects)
def test_nothing_differs_from_itself(body: dict[str, Any], subject: Subject) -> None:
    """A body compared with itself has no changes, with and without memory, whatever is in it."""
    twin = copy.deepcopy(body)

    assert compare_bodies(body, twin, subject).changes == ()
    assert compare_bodies(body, twin, subject, remembered=RememberedBodies(body, twin)).changes == ()


@given(any_bodies, any_bodies, subjects)
def test_what_was_left_behind_is_never_a_change(
    desired: dict[str, Any], actual: dict[str, Any], subject: Subject
) -> None:
    """Whatever differs right after our own write is known as long as neither side moves."""
    assert compare_bodies(desired, actual, subject, remembered=RememberedBodies(desired, actual)).changes == ()


@given(free_bodies, st.data(), subjects)
def test_any_edit_in_azure_is_found_at_its_place(body: dict[str, Any], data: st.DataObject, subject: Subject) -> None:
    """Any one leaf changed or gone in Azure gives changes at exactly that place: unknown when cold, drift when warm."""
    at = data.draw(st.sampled_from(leaves(body) or [()]))
    assume(at)
    value = data.draw(st.sampled_from(("zzz", 77, ABSENT)))
    assume(not (value is ABSENT and isinstance(at[-1], int)))
    edited = put(body, at, value)

    cold = compare_bodies(body, edited, subject)
    warm = compare_bodies(body, edited, subject, remembered=RememberedBodies(body, body))

    pointer = "".join(f"/{step}" for step in at)
    assert [c.path.pointer for c in cold.changes] == [pointer]
    assert [(c.path.pointer, c.origin) for c in warm.changes] == [(pointer, ChangeOrigin.DRIFT)]


@given(free_bodies, st.data(), subjects)
def test_any_edit_of_the_manifest_is_the_users(body: dict[str, Any], data: st.DataObject, subject: Subject) -> None:
    """Any one leaf changed in or taken out of the manifest is one change by the user at its place."""
    at = data.draw(st.sampled_from(leaves(body) or [()]))
    assume(at)
    value = data.draw(st.sampled_from(("zzz", 77, ABSENT)))
    assume(not (value is ABSENT and isinstance(at[-1], int)))
    edited = put(body, at, value)

    diff = compare_bodies(edited, body, subject, remembered=RememberedBodies(body, body))

    assert [(c.path.pointer, c.origin) for c in diff.changes] == [
        ("".join(f"/{step}" for step in at), ChangeOrigin.USER)
    ]


@given(free_bodies, subjects)
def test_noise_adds_nothing(body: dict[str, Any], subject: Subject) -> None:
    """More members, floats for integers and another order of named elements are no changes."""
    assert compare_bodies(body, noisy(body), subject).changes == ()


@given(free_bodies, free_bodies, subjects)
def test_applying_a_diff_gives_what_was_desired(
    desired: dict[str, Any], actual: dict[str, Any], subject: Subject
) -> None:
    """After the changes are made in Azure nothing differs any more."""
    assume(desired["free"].keys() & actual["free"].keys())

    after = apply(compare_bodies(desired, actual, subject), actual)

    assert compare_bodies(desired, after, subject).changes == ()


@given(any_bodies, any_bodies, subjects)
def test_changes_and_receipts_are_sorted_and_apart(
    desired: dict[str, Any], actual: dict[str, Any], subject: Subject
) -> None:
    """Results come sorted by path, every receipt names its rule and reason, and no place is both."""
    diff = compare_bodies(desired, actual, subject)
    places = [c.path.sort_key() for c in diff.changes]

    assert places == sorted(places)
    assert all(s.rule and s.why for s in diff.suppressed)
    assert not {c.path for c in diff.changes} & {s.path for s in diff.suppressed if s.rule not in _BESIDE}


_BESIDE = {"key-case", "tag-name-case", "map-key-id", "list-order"}
"""Receipts about a name or an order, beside whatever is found about the value."""
