"""What the benchmark measures is what it says it measures."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.floor import cheapest_reads
from benchmarks.workloads import RESOURCE_GROUP, STANDARD, SUBSCRIPTION, Instance, build_workload, templates
from engine.compare.compare import compare
from engine.model.change import DiffState
from engine.model.document import Document
from engine.model.ids import ArmId, ResourceKey
from engine.model.state import ActualState, CustomResource, Presence
from schemas.operations import lookup_operations
from tests.whole_input import build_all

SIZES = [("standard", 20), ("standard", 207), ("corpus", 30), ("corpus", 1000)]


def read_object(instance: Instance) -> CustomResource:
    content = json.loads(instance.object)
    meta = content["metadata"]
    group, version = content["apiVersion"].split("/")
    key = ResourceKey(
        namespace=meta["namespace"], group=group, version=version, kind=content["kind"], name=meta["name"]
    )
    return CustomResource(key=key, spec=Document(value=content["spec"]))


@pytest.mark.parametrize(("workload", "resources"), SIZES)
def test_a_workload_has_as_many_resources_as_asked(workload: str, resources: int) -> None:
    """Counts are exact, ids and objects distinct."""
    instances = list(build_workload(workload, resources))

    assert len({i.id.lower() for i in instances}) == resources
    assert len({(i.namespace, i.template.kind, i.template.group, i.object_name) for i in instances}) == resources


@pytest.mark.parametrize(("workload", "resources"), SIZES)
def test_the_same_number_gives_the_same_bytes(workload: str, resources: int) -> None:
    """A workload is a function of its name and size."""
    first, second = (
        [(i.object, i.body, i.drifted_body) for i in build_workload(workload, resources)] for _ in range(2)
    )

    assert first == second


@pytest.mark.parametrize(("workload", "resources"), [("standard", 100), ("corpus", 1000)])
def test_objects_render_to_what_azure_holds(workload: str, resources: int) -> None:
    """Every object is in sync with its body, and out of sync with the moved one."""
    instances = {i.id.lower(): i for i in build_workload(workload, resources)}

    built = build_all([read_object(i) for i in instances.values()], subscription=SUBSCRIPTION)

    assert built.problems == ()
    assert len(built.states) == resources
    for state in built.states:
        assert state.id is not None
        instance = instances[state.id.key]
        verdicts = [
            compare(
                state, ActualState(id=ArmId(instance.id), presence=Presence.PRESENT, document=Document(body)), None
            ).state
            for body in (instance.body, instance.drifted_body)
        ]
        moved = DiffState.IN_SYNC if instance.template.drifted is None else DiffState.DRIFTED
        assert (verdicts[0], verdicts[1] is DiffState.IN_SYNC) == (DiffState.IN_SYNC, moved is DiffState.IN_SYNC)


def test_the_standard_workload_can_be_listed_by_subscription() -> None:
    """Twenty types, each with a list of full bodies for the whole subscription."""
    assert len(set(STANDARD)) == 20
    for arm_type in STANDARD:
        facts = lookup_operations(arm_type)
        assert facts is not None
        assert any(e.scope == "subscription" and e.full_bodies and not e.query and not e.only for e in facts.lists)


def test_most_types_of_the_corpus_workload_lie_in_another_resource() -> None:
    """The corpus workload is mostly read per parent."""
    children = sum(t.is_child for t in templates().values())

    assert children > len(templates()) / 2


def test_one_resource_in_a_hundred_moves() -> None:
    """The drift pass finds one per cent moved."""
    assert sum(i.is_drifted for i in build_workload("standard", 1000)) == 10


def test_the_cheapest_reads_are_one_list_per_type_for_the_standard_workload() -> None:
    """Twenty subscription lists read everything."""
    assert len(list(cheapest_reads(build_workload("standard", 1000)))) == 20


def test_sizes_are_those_that_were_measured() -> None:
    """Objects of 3 to 4 kB and bodies of about 1 kB, as real ones are."""
    instances = list(build_workload("standard", 1000))

    assert 3000 < sum(len(i.object) for i in instances) / 1000 < 4000
    assert 900 < sum(len(i.body) for i in instances) / 1000 < 1300


def test_owners_come_first() -> None:
    """A resource group is never behind what it holds."""
    seen: Counter[str] = Counter()
    for instance in build_workload("corpus", 300):
        if instance.template.type != RESOURCE_GROUP:
            assert instance.owner is not None
            assert seen[instance.owner.id]
        seen[instance.id] += 1


@pytest.mark.parametrize(("workload", "resources"), [("standard", 19), ("nothing", 100)])
def test_impossible_workloads_are_refused(workload: str, resources: int) -> None:
    """Too few resources or an unknown name is an error."""
    with pytest.raises(ValueError, match="workload"):
        build_workload(workload, resources)
