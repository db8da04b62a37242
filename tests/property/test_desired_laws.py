"""Laws of conversion, over specs made out of the catalog itself."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.desired.build import BuildResult
from engine.desired.inputs import Inputs
from engine.desired.places import body_path_of, spec_path_of
from engine.desired.status import convert_status
from engine.model.document import Document, Secret, canonical
from engine.model.ids import ResourceKey
from engine.model.path import FieldPath
from engine.model.state import CustomResource
from schemas.kind_types import Kind, ObjectType
from tests.kind_strategies import kinds, specs, spoilt
from tests.manifest_cases import GROUP, SUBSCRIPTION, problems_of, read_resources
from tests.strategies import json_values
from tests.whole_input import build_all

SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
CANARY = "canary-77aa01"
INPUTS = Inputs(
    secrets={("default", "one"): {"one": Secret(CANARY)}},
    config_maps={("default", "one"): {"one": "value"}},
)


def _build(kind: Kind, spec: Any) -> BuildResult:
    key = ResourceKey(namespace="default", group=kind.group, kind=kind.name, name="it", version=kind.version)
    resource = CustomResource(key=key, spec=Document(value=spec), origin="t.yaml:1")
    return build_all([*read_resources(GROUP), resource], INPUTS, subscription=SUBSCRIPTION)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(list(value))}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@SETTINGS
@given(st.data())
def test_any_spec_is_a_state_or_problems(data: st.DataObject) -> None:
    """A spec, fitting or spoilt, becomes a state or at least one problem, and no secret is printed."""
    kind = data.draw(kinds)
    spec = data.draw(specs(kind))
    if data.draw(st.booleans()):
        spec = data.draw(spoilt(spec))

    result = _build(kind, spec)

    states = [state for state in result.states if state.key.name == "it"]
    assert bool(states) != any(problem.key is not None for problem in result.problems)
    assert CANARY not in repr(result)


@SETTINGS
@given(st.data())
def test_conversion_is_deterministic(data: st.DataObject) -> None:
    """The same spec gives the same state, whatever the order of its keys, and is not changed by it."""
    kind = data.draw(kinds)
    spec = data.draw(specs(kind))
    before = canonical(spec)

    first, second, third = _build(kind, spec), _build(kind, spec), _build(kind, _reversed(spec))

    assert canonical(spec) == before
    assert repr(first.states) == repr(second.states)
    assert problems_of(first) == problems_of(second)
    assert [canonical(state.body) for state in first.states] == [canonical(state.body) for state in third.states]
    assert [(s.id, s.unknown, s.waits, s.references) for s in first.states] == [
        (s.id, s.unknown, s.waits, s.references) for s in third.states
    ]


@SETTINGS
@given(st.data())
def test_unknown_values_are_where_they_are_said_to_be(data: st.DataObject) -> None:
    """Every place in ``unknown`` holds UNKNOWN in the body, and there is no other."""
    kind = data.draw(kinds)

    result = _build(kind, data.draw(specs(kind)))

    for state in result.states:
        assert sorted(_unknown_places(state.body, ())) == sorted(path.pointer for path in state.unknown)


def _unknown_places(value: Any, path: tuple[str | int, ...]) -> list[str]:
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in _unknown_places(item, (*path, key))]
    if isinstance(value, list):
        return [place for index, item in enumerate(value) for place in _unknown_places(item, (*path, index))]
    return [FieldPath(path).pointer] if repr(value) == "UNKNOWN" else []


@SETTINGS
@given(st.data())
def test_places_lead_back(data: st.DataObject) -> None:
    """From a member of a spec to the body and back leads to the member, or to one that says the same."""
    kind = data.draw(kinds)
    spec = data.draw(specs(kind))
    name = data.draw(st.sampled_from(sorted(kind.spec.members)))

    body = body_path_of(kind, FieldPath(("spec", name)))

    back = spec_path_of(kind, spec, body) if body is not None and body.segments else None
    if back is not None and len(back.segments) > 1:
        assert kind.spec.members[str(back.segments[1])].place == kind.spec.members[name].place


@SETTINGS
@given(st.data())
def test_any_answer_has_a_status(data: st.DataObject) -> None:
    """Whatever Azure answers, there is a status, and it holds members of the kind only."""
    kind = data.draw(kinds)
    answer = data.draw(st.dictionaries(st.sampled_from(("properties", "name", "tags", "sku", "kind")), json_values()))

    status = convert_status(kind, answer)

    assert isinstance(kind.status, ObjectType)
    assert set(status) <= set(kind.status.members)
