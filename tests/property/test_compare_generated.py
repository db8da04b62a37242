"""Random bodies of random ARM types: what servers do to them is no change, and any edit is exactly one."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.lists import COMMON_IDENTIFIERS
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ChangeKind, ChangeOrigin, ResourceDiff
from engine.model.document import ABSENT
from engine.model.path import FieldPath
from schemas.comparison_facts import Effect
from schemas.nodes import ANY, ListNode, Node, Property, UnionNode
from tests.apply_diff import apply_changes
from tests.arm_bodies import Body, make_body, some_types
from tests.server_habits import answer, is_secret, members_of

TYPES, SEED = 500, 20_261_123
CHUNKS, CASES = 5, 2_000
"""10,000 cases for each law, in chunks that may run side by side."""

Place = tuple[str | int, ...]


def cases(chunk: int, salt: str) -> Iterator[tuple[Body, random.Random]]:
    """Yield bodies, each with a generator of its own that a failure can be repeated with."""
    types = some_types(TYPES, SEED)
    for n in range(chunk * CASES, (chunk + 1) * CASES):
        rng = random.Random(f"{salt}{n}")
        yield make_body(types[n % len(types)], rng), rng


def subject_of(body: Body) -> Subject:
    """Return what is known of a body's resource."""
    return Subject(arm_type=body.type.name, api_version=body.type.api_version)


class Leaf(NamedTuple):
    """A scalar that may be edited."""

    at: Place
    value: Any

    @property
    def is_member(self) -> bool:
        """Whether it stands in an object, so that it can be taken away."""
        return isinstance(self.at[-1], str)


def leaves(value: Any, node: Node, at: Place = (), names: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield what an edit may touch: nothing the server owns, no secrets, no names of resources or elements."""
    if isinstance(value, dict):
        known = members_of(node, value)
        for key, inner in value.items():
            prop = known.get(key) if known is not None else None
            if key not in names and _may_change(key, node, prop, at):
                below = prop.node if prop is not None else (getattr(node, "additional", None) or ANY)
                yield from leaves(inner, below, (*at, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            item, own = (node.item, node.identifiers) if isinstance(node, ListNode) else (ANY, ())
            yield from leaves(inner, item, (*at, n), (*own, *COMMON_IDENTIFIERS))
    elif value not in ("", None):
        yield Leaf(at, value)


def _may_change(key: str, node: Node, prop: Property | None, at: Place) -> bool:
    if not at and key in ("name", "location", "id", "type"):
        return False
    if isinstance(node, UnionNode) and key == node.discriminator:
        return False
    return prop is None or not (prop.is_read_only or is_secret(prop))


def other(value: Any) -> Any:
    """Return a value that says something else."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value + "x"


def edit(value: Any, at: Place, new: Any) -> Any:
    """Return a copy with another value at a place; ABSENT takes the member away."""
    changed = copy.deepcopy(value)
    inner: Any = changed
    for step in at[:-1]:
        inner = inner[step]
    if new is ABSENT:
        del inner[at[-1]]
    else:
        inner[at[-1]] = new
    return changed


def is_at(body: Any, leaf: Leaf) -> bool:
    """Whether a body has something at the place of a leaf; places in lists may mean another element there."""
    for step in leaf.at:
        if not isinstance(body, dict) or step not in body:
            return False
        body = body[step]
    return True


def pointer(at: Place) -> str:
    """Return a place as a JSON Pointer."""
    return FieldPath(at).pointer


def by_fact(diff: ResourceDiff, at: Place) -> bool:
    """Whether a row of the comparison facts accounts for a difference at, above or below a place."""
    here = pointer(at)
    rows = [s.path.pointer for s in diff.suppressed if s.rule in set(Effect)]
    return any(here == p or here.startswith(f"{p}/") or p.startswith(f"{here}/") for p in rows)


def is_told_once(diff: ResourceDiff, leaf: Leaf, new: Any) -> bool:
    """Whether there is one change at the leaf; where it is gone, also at the object the server left out with it."""
    places = [c.path.pointer for c in diff.changes]
    if new is ABSENT and len(places) == 1 and diff.changes[0].kind is ChangeKind.ADD:
        return pointer(leaf.at).startswith(places[0])
    return places == [pointer(leaf.at)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_what_servers_do_to_a_body_is_no_change(chunk: int) -> None:
    """A body that comes back as servers return it does not differ from what was sent."""
    for body, rng in cases(chunk, "same"):
        held = answer(body, rng)

        changes = compare_bodies(body.value, held, subject_of(body)).changes

        assert changes == (), (body, held)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_edit_is_exactly_one_change(chunk: int) -> None:
    """One leaf that says something else, or is gone, in what the server returns is one change at its place."""
    called_equal = edited = 0
    for body, rng in cases(chunk, "edit"):
        touchable = list(leaves(body.value, body.type.body))
        if not touchable:
            continue
        leaf = rng.choice(touchable)
        new = ABSENT if leaf.is_member and rng.random() < 0.3 else other(leaf.value)
        there = replace(body, value=edit(body.value, leaf.at, new))
        held = answer(there, rng, keeps_order=True)
        edited += 1

        diff = compare_bodies(body.value, held, subject_of(body))

        if by_fact(diff, leaf.at):
            called_equal += 1
            continue
        assert is_told_once(diff, leaf, new), (body, held)
    assert called_equal <= edited // 50


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_applying_a_diff_leads_to_what_was_desired(chunk: int) -> None:
    """Whatever Azure holds of the type, nothing differs once the changes were made there."""
    for body, rng in cases(chunk, "apply"):
        held = answer(make_body(body.type, rng), rng)
        diff = compare_bodies(body.value, held, subject_of(body))

        after = apply_changes(diff, held, body.value)

        assert compare_bodies(body.value, after, subject_of(body)).changes == (), (body, held)


def test_nothing_differs_from_itself_or_from_what_was_left_behind() -> None:
    """A body has no changes against itself, nor against whatever Azure made of it while neither side moves."""
    for body, rng in cases(0, "itself"):
        held = answer(make_body(body.type, rng), rng)
        memory = RememberedBodies(body.value, held)

        assert compare_bodies(body.value, body.value, subject_of(body)).changes == (), body
        assert compare_bodies(body.value, held, subject_of(body), remembered=memory).changes == (), (body, held)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_any_edit_beside_a_memory_is_drift_at_its_place(chunk: int) -> None:
    """The same edits are drift where a settled write is remembered; facts excuse only what Azure may move."""
    for body, rng in cases(chunk, "drift"):
        then = answer(body, rng)
        touchable = [leaf for leaf in leaves(body.value, body.type.body) if is_at(then, leaf)]
        if not touchable:
            continue
        leaf = rng.choice(touchable)
        new = ABSENT if rng.random() < 0.3 else other(leaf.value)
        now = edit(then, leaf.at, new)
        memory = RememberedBodies(body.value, then)

        diff = compare_bodies(body.value, now, subject_of(body), remembered=memory)

        if any(s.rule == Effect.MOVED_BY_AZURE and s.path.pointer == pointer(leaf.at) for s in diff.suppressed):
            continue
        assert is_told_once(diff, leaf, new), (body, then, now)
        assert {c.origin for c in diff.changes} == {ChangeOrigin.DRIFT}
