"""What a plan costs: requests by kind, and the time along the longest path of recorded operation times."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.plan import Action, Request, Step
from engine.model.policy import Limits
from engine.planning.budget import compute_budget
from schemas.durations import lookup_duration
from tests.builders import build_key, build_request, build_step

CLUSTER = "Microsoft.ContainerService/managedClusters"
GROUP = "Microsoft.Resources/resourceGroups"
UNSEEN = "Microsoft.Example/neverRecorded"


def step(name: str, arm_type: str, *needs: str, method: str = "PUT", **fields: Any) -> Step:
    """Return a step that sends one request."""
    action = Action.DELETE if method == "DELETE" else Action.CREATE
    depends_on = tuple(build_key(f"default/StorageAccount/{n}") for n in needs)
    fields = {"requests": (build_request(method),), **fields}
    return build_step(action, f"default/StorageAccount/{name}", arm_type=arm_type, depends_on=depends_on, **fields)


def test_longest_path_is_the_duration() -> None:
    """What waits for each other adds up, what does not overlaps; the path and the recordings behind it are named."""
    group, cluster = lookup_duration(GROUP, "PUT"), lookup_duration(CLUSTER, "PUT")
    steps = [step("g", GROUP), step("a", CLUSTER, "g"), step("b", CLUSTER, "g"), step("c", GROUP, "g")]

    found = compute_budget(steps, Limits()).expectation

    assert found is not None
    assert found.expected_s == pytest.approx(group.median_s + cluster.median_s, abs=0.1)
    assert found.slow_s == pytest.approx(group.slow_s + cluster.slow_s, abs=0.1)
    assert [k.name for k in found.path] == ["g", "a"]
    assert (found.recordings, found.assumed) == (group.recordings + cluster.recordings, 0)


def test_type_without_recordings_is_told() -> None:
    """It is taken for the middle of all types, and counted."""
    found = compute_budget([step("a", UNSEEN), step("b", UNSEEN, "a")], Limits()).expectation

    assert found is not None
    assert found.expected_s == pytest.approx(2 * lookup_duration(UNSEEN, "PUT").median_s)
    assert (found.recordings, found.assumed) == (0, 2)


def test_limits_decide_where_they_take_longer() -> None:
    """A thousand quick writes last as long as the bucket of writes needs to refill."""
    steps = [step(f"g{n}", GROUP) for n in range(1_000)]

    budget = compute_budget(steps, Limits())

    assert budget.expectation is not None
    assert (budget.floor_s, budget.expectation.expected_s) == (80.0, 80.0)


def test_requests_are_counted_by_kind() -> None:
    """Writes and deletes are exact; each write is read back, and polled as often as recordings needed."""
    polls = lookup_duration(CLUSTER, "PUT").polls + lookup_duration(CLUSTER, "DELETE").polls

    budget = compute_budget([step("a", CLUSTER), step("b", CLUSTER, method="DELETE")], Limits())

    counted = {s.kind: (s.requests, s.at_once, s.per_s) for s in budget.spending}
    assert counted == {"writes": (1, 200, 10.0), "deletes": (1, 200, 10.0), "reads": (2 + polls, 250, 25.0)}


def test_tags_alone_do_not_take_as_long_as_their_resource() -> None:
    """The tags API is another service: a cluster's own times are not its."""
    url = f"https://arm/x/providers/{CLUSTER}/c/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
    tags = step("a", CLUSTER, requests=(Request(method="PATCH", url=url, body={}),))

    found = compute_budget([tags], Limits()).expectation

    assert found is not None
    assert found.expected_s < lookup_duration(CLUSTER, "PATCH").median_s


def test_plan_that_sends_nothing_costs_nothing() -> None:
    """There is no duration and no spending."""
    budget = compute_budget([build_step(Action.NOOP)], Limits())

    assert (budget.spending, budget.expectation) == ((), None)
