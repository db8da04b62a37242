"""Values that Azure moves by design, and members a PUT would set anew: what is sent in a PUT about something else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.compare import compare
from engine.model.ids import ApiVersion
from engine.planning.finding import Finding
from engine.planning.request import plan_put
from schemas import arm
from schemas.behaviours import lookup_behaviour
from schemas.comparison_facts import ComparisonFact, Effect, all_facts
from tests.builders import ENDPOINT, build_actual, build_baseline, build_desired

Body = dict[str, Any]

MOVED = [row for row in all_facts() if row.effect is Effect.MOVED_BY_AZURE and not row.when_scaled]
"""Those that the object's own settings decide; what an autoscale setting of the input decides is tested end to end."""
CLUSTERS = "Microsoft.ContainerService/managedClusters"


def put(body: Body, place: tuple[str, ...], value: Any) -> None:
    """Set a value; ``[]`` is an element named x."""
    name, *rest = place
    if not rest:
        body[name] = value
    elif rest[0] == "[]":
        (element,) = body.setdefault(name, [{"name": "x"}])
        put(element, tuple(rest[1:]), value)
    else:
        put(body.setdefault(name, {}), tuple(rest), value)


def get(body: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        body = body[0] if name == "[]" else body[name]
    return body


def body_of(row: ComparisonFact, value: Any) -> Body:
    """Return a body in which the row's conditions hold."""
    body: Body = {"location": "westeurope"}
    put(body, row.path, value)
    for name, allowed in row.when.items():
        place = tuple(name[1:].split("/")) if name.startswith("/") else (*row.path[:-1], *name.split("/"))
        put(body, tuple(s.lower() for s in place), 1000 if allowed[0] == "*" else allowed[0])
    return body


def type_of(row: ComparisonFact) -> str:
    pattern = row.types[0]
    return pattern.replace("*throughput", "sqldatabases/throughput") if "*" in pattern else pattern


def send(arm_type: str, asked: Body, held: Body, memory: Body, version: str) -> Body:
    """Return the body of a PUT of what was asked for over what is held, after a write that was remembered."""
    desired = build_desired(arm_type=arm_type, api_version=ApiVersion(version), body=asked)
    actual = build_actual(held, id=desired.id)
    baseline = build_baseline(memory, memory, id=desired.id, api_version=ApiVersion(version))
    finding = Finding(desired=desired, actual=actual, diff=compare(desired, actual, baseline), baseline=baseline)
    assert desired.id is not None
    request = plan_put(ENDPOINT, desired.id, finding, behaviour=lookup_behaviour(arm_type))
    return dict(request.body)


@pytest.mark.parametrize("row", MOVED, ids=lambda row: f"{row.types[0]} {'.'.join(row.path)}")
def test_what_azure_moves_by_design_goes_back_as_it_is(row: ComparisonFact) -> None:
    """A PUT about something else neither scales back nor downgrades what an object lets Azure move."""
    is_text = "version" in row.path[-1]
    first, now = ("1.0", "1.1") if is_text else (3, 5)
    arm_type = type_of(row)
    name = arm.canonical_name(arm_type) or arm_type

    sent = send(name, body_of(row, first), body_of(row, now), body_of(row, first), arm.versions(name)[-1])

    assert get(sent, row.path) == now


def test_there_are_rows_of_what_azure_moves() -> None:
    """The rows above are those of node counts, versions, throughput and storage."""
    assert len(MOVED) >= 19


def pool(**properties: Any) -> Body:
    return {"properties": {"vmSize": "Standard_D2s_v5", **properties}}


def test_a_put_of_a_pool_neither_scales_nor_upgrades_it() -> None:
    """Where the object says nothing of count and version, those of Azure go back; what it says is what it wants."""
    held = pool(count=4, orchestratorVersion="1.30.1")
    pools = f"{CLUSTERS}/agentPools"

    silent = send(pools, pool(), held, pool(), "2025-08-01")
    told = send(pools, pool(count=2), held, pool(count=4), "2025-08-01")

    assert silent == held
    assert told == pool(count=2, orchestratorVersion="1.30.1")


def test_pools_of_a_cluster_keep_theirs_by_name() -> None:
    """A new pool gets nothing of another one's."""
    asked = {"properties": {"agentPoolProfiles": [{"name": "new", "count": 1}, {"name": "old"}]}}
    held = {"properties": {"agentPoolProfiles": [{"name": "old", "count": 3}], "kubernetesVersion": "1.30"}}

    sent = send(CLUSTERS, asked, held, {"properties": {"agentPoolProfiles": [{"name": "old"}]}}, "2025-08-01")

    assert sent["properties"]["agentPoolProfiles"] == [{"name": "new", "count": 1}, {"name": "old", "count": 3}]
    assert sent["properties"]["kubernetesVersion"] == "1.30"


def test_a_member_that_the_plan_removes_does_not_go_back() -> None:
    """What was asked for before and left the object is shown as removed, and is left out."""
    held = pool(count=4, orchestratorVersion="1.30.1")

    sent = send(f"{CLUSTERS}/agentPools", pool(count=4), held, held, "2025-08-01")

    assert sent == pool(count=4)


def test_a_null_collection_goes_back_as_azure_has_it() -> None:
    """Null says nothing about what is in it, so a PUT of null must not empty it."""
    labels = {"team": "a"}

    sent = send(
        f"{CLUSTERS}/agentPools", pool(nodeLabels=None), pool(nodeLabels=labels), pool(nodeLabels=None), "2025-08-01"
    )

    assert sent["properties"]["nodeLabels"] == labels
