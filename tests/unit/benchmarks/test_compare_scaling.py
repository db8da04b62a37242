"""What comparing large bodies costs: steps grow no faster than bodies do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks import compare_scaling
from engine.compare.compare import compare_bodies
from engine.compare.subject import RememberedBodies, Subject

FEW, MANY = 150, 600


def steps(run: Callable[[], Any]) -> int:
    """Count the calls of functions, built-in ones too."""
    count = 0

    def spy(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(spy)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def compare(subject: Subject, sent: Any, found: Any, memory: RememberedBodies | None = None) -> Callable[[], Any]:
    """Return one comparison, its tables loaded already."""
    compare_bodies({}, {}, subject)
    return lambda: compare_bodies(sent, found, subject, remembered=memory)


def in_order(count: int) -> Callable[[], Any]:
    """Return a comparison of named rules that are the same."""
    return compare(compare_scaling.GROUP, compare_scaling.rules(count), compare_scaling.rules(count))


def reordered(count: int) -> Callable[[], Any]:
    """Return one of named rules in another order, one of them changed, with memory."""
    sent = compare_scaling.rules(count)
    found = compare_scaling.held(compare_scaling.rules(count, changed=count // 2))
    return compare(compare_scaling.GROUP, sent, found, RememberedBodies(sent, compare_scaling.held(sent)))


def without_names(count: int) -> Callable[[], Any]:
    """Return one of rows without names, one of them gone."""
    return compare(compare_scaling.FREE, compare_scaling.unnamed(count), compare_scaling.unnamed(count - 1))


def of_many_shapes(count: int) -> Callable[[], Any]:
    """Return one of rows that are all unlike each other, in another order."""
    found = compare_scaling.shapeless(count)["properties"]["rows"]
    reverse = {"properties": {"rows": found[::-1]}}
    return compare(compare_scaling.FREE, compare_scaling.shapeless(count), reverse)


@pytest.mark.parametrize("make", [in_order, reordered, without_names, of_many_shapes])
def test_four_times_the_rules_cost_at_most_five_times_the_steps(make: Callable[[int], Callable[[], Any]]) -> None:
    """Pairing elements, finding what moved and asking the memory are linear in the number of elements."""
    few, many = steps(make(FEW)), steps(make(MANY))

    assert many <= compare_scaling.MOST * few


def test_measured_bodies_differ_as_they_say() -> None:
    """The benchmark compares what it names: as many changes as were made, none where only the order is another."""
    costs = {c.body: c.changes for c in compare_scaling.costs_of_rules(20)}

    assert costs["20 rules, other order"] == 0
    assert costs["20 rules, one changed, remembered"] == 1
    assert costs["20 rules, one gone, remembered"] == 1
