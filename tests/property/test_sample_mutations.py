"""Damaged manifests of real kinds: whatever is changed in them, they become states or problems, never an exception."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.rendered import FORMATS, Rendering
from engine.desired.build import BuildResult
from engine.errors import EngineError
from engine.model.document import Document, canonical
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource, DesiredState
from engine.runtime.desired import gather_desired
from providers.manifests.document import RawDocument
from providers.manifests.objects import Manifests
from providers.manifests.source import ManifestSource
from providers.manifests.yaml_text import read_yaml
from tests.conftest import SHARED
from tests.strategies import json_values
from tests.whole_input import build_all

SETTINGS = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 1e308, "", " ", "x" * 5_000, "\x1b[2J", "/", "../..", "a/b", "%2f", "\u202e",
    [], {}, [[]], [None], {"": None}, {"name": None}, {"name": ""}, {"name": []}, {"armId": "/"}, {"armId": 7},
    {"armId": "/subscriptions//resourceGroups/"}, {"name": "x", "key": []}, {"group": "g", "kind": "k", "name": "n"},
)  # fmt: skip


@cache
def samples() -> Sequence[Path]:
    return sorted((SHARED / "aso" / "samples").rglob("*.yaml"))


@cache
def objects_of(path: Path) -> Sequence[Any]:
    return [d.value for d in read_yaml(path.read_bytes()) if isinstance(d, RawDocument)]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return container and key of every value inside."""
    found: list[tuple[Any, Any]] = []
    stack = [value]
    while stack:
        item = stack.pop()
        inside = (
            list(item.items()) if isinstance(item, dict) else list(enumerate(item)) if isinstance(item, list) else []
        )
        found.extend((item, key) for key, _ in inside)
        stack.extend(child for _, child in inside)
    return found


def mutate(value: Any, random: Random, odd: Any) -> None:
    """Change one place: another value, another name, gone, twice, deep, or moved elsewhere."""
    found = places(value)
    if not found:
        return
    container, key = random.choice(found)
    held = container[key]
    match random.randrange(7):
        case 0:
            container[key] = copy.deepcopy(random.choice(ODD))
        case 1:
            container[key] = copy.deepcopy(odd)  # placed twice, it could come to hold itself
        case 2:
            del container[key]
        case 3 if isinstance(container, dict):
            container[random.choice((key.swapcase(), f"{key}x", "", "owner", "azureName"))] = container.pop(key)
        case 4 if isinstance(container, dict):
            container[key.upper()] = copy.deepcopy(held)
        case 5:
            container[key] = [held] * 3
        case _:
            container[key] = copy.deepcopy(random.choice(found)[0])


def check(result: BuildResult) -> None:
    """Fail unless everything is a state, a problem or a notice, and every state can be printed in every form."""
    assert all(isinstance(p, Problem) and isinstance(p.error, EngineError) and str(p) for p in result.problems)
    assert all(isinstance(n, Notice) and str(n) for n in result.notices)
    rendering = Rendering(endpoint="https://management.azure.com")
    for state in result.states:
        assert isinstance(state, DesiredState)
        canonical(state.body)
        for write in FORMATS.values():
            write(rendering, state)


@pytest.mark.shared
@SETTINGS
@given(data=st.data(), random=st.randoms(use_true_random=False), odd=json_values(), count=st.integers(1, 4))
def test_damaged_samples_are_states_or_problems(data: st.DataObject, random: Random, odd: Any, count: int) -> None:
    """Values of other types, missing, doubled, renamed and misplaced members of any sample raise nothing."""
    values = copy.deepcopy(objects_of(data.draw(st.sampled_from(samples()))))
    for _ in range(count):
        mutate(values, random, odd)
    manifests = Manifests()
    for value in values:
        manifests.add(RawDocument(value, 1), "t.yaml", is_explicit=True)

    result = build_all(manifests.resources, subscription=SUBSCRIPTION)

    assert all(isinstance(p.error, EngineError) for p in manifests.problems)
    check(result)


@pytest.mark.shared
@SETTINGS
@given(
    data=st.data(),
    cut=st.floats(0, 1),
    junk=st.text(max_size=4) | st.sampled_from((": ", "- ", "{", "\t", "&a *a", "\x00")),
)
def test_damaged_text_of_samples_is_read_or_refused(
    data: st.DataObject, cut: float, junk: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A sample whose text was damaged anywhere is rendered as far as it goes, with the rest as problems."""
    text = data.draw(st.sampled_from(samples())).read_text()
    at = int(cut * len(text))
    damaged = text[:at] + junk + text[at + data.draw(st.integers(0, 40)) :]
    file = tmp_path_factory.getbasetemp() / "damaged.yaml"
    file.write_bytes(damaged.encode("utf-8", "surrogatepass"))

    check(asyncio.run(gather_desired(ManifestSource([str(file)], read_stdin=bytes), subscription=SUBSCRIPTION)))


@SETTINGS
@given(st.lists(json_values(), max_size=3), json_values(), json_values())
def test_any_json_in_any_place_of_an_object_is_a_state_or_a_problem(
    values: list[Any], spec: Any, metadata: Any
) -> None:
    """Arbitrary JSON as document, spec or metadata raises nothing."""
    group = {"apiVersion": "resources.azure.com/v1api20200601", "kind": "ResourceGroup"}
    account = {"apiVersion": "storage.azure.com/v1api20230101", "kind": "StorageAccount", "metadata": {"name": "a"}}
    documents = [
        *values,
        {**group, "metadata": metadata, "spec": spec},
        {**account, "spec": spec},
        {"items": values, "kind": "List"},
    ]
    manifests = Manifests()
    for value in documents:
        manifests.add(RawDocument(value, 1), "t.yaml", is_explicit=True)

    check(build_all(manifests.resources, subscription=SUBSCRIPTION))


def test_a_spec_that_is_no_json_is_a_problem() -> None:
    """An object whose spec cannot be parsed, as a cluster might hand one over, is a problem of its own."""
    (sound,) = [r for r in _resources() if r.key.name == "sound"]
    deep = CustomResource(key=_key("deep"), spec=Document(raw=b'{"a":' * 5_000 + b"1" + b"}" * 5_000), origin="cluster")

    result = build_all([deep, sound], subscription=SUBSCRIPTION)

    assert [state.key.name for state in result.states] == ["sound"]
    assert [problem.key for problem in result.problems] == [deep.key]


def _key(name: str) -> Any:
    (found,) = _resources()
    return type(found.key)(
        namespace="default", group=found.key.group, kind=found.key.kind, name=name, version=found.key.version
    )


def _resources() -> list[CustomResource]:
    manifests = Manifests()
    value = {
        "apiVersion": "resources.azure.com/v1api20200601",
        "kind": "ResourceGroup",
        "metadata": {"name": "sound"},
        "spec": {"location": "westeurope"},
    }
    manifests.add(RawDocument(value, 1), "t.yaml", is_explicit=True)
    return manifests.resources
