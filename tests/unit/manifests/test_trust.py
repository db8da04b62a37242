"""What a status in a file proves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.model.state import StatusTrust
from providers.manifests.trust import LAST_APPLIED, trust_of
from tests.manifest_cases import read_manifests

SPEC: dict[str, Any] = {"location": "west", "azureName": "app", "sku": {"name": "A"}}
READY = {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}]}


def applied(spec: Any) -> dict[str, str]:
    """Return the annotation that kubectl leaves."""
    return {LAST_APPLIED: json.dumps({"spec": spec})}


@pytest.mark.parametrize(
    ("spec", "annotations", "trust"),
    [
        (SPEC, applied(SPEC), StatusTrust.SETTLED),
        (SPEC, applied({"location": "west", "sku": {"name": "A"}}), StatusTrust.SETTLED),
        ({**SPEC, "sku": {"name": "B"}}, applied(SPEC), StatusTrust.MOVES),
        ({**SPEC, "tags": {"a": "b"}}, applied(SPEC), StatusTrust.MOVES),
        (SPEC, {}, StatusTrust.MOVES),
        (SPEC, {LAST_APPLIED: "not JSON"}, StatusTrust.MOVES),
        (SPEC, {LAST_APPLIED: "[]"}, StatusTrust.MOVES),
    ],
)
def test_an_edited_file_is_not_settled(spec: Any, annotations: dict[str, str], trust: StatusTrust) -> None:
    """A spec is known to be the written one only while it is what kubectl applied; else only moves are told."""
    assert trust_of(READY, spec, generation=2, annotations=annotations) is trust


@pytest.mark.parametrize(
    ("status", "generation"),
    [
        (READY, 3),
        (READY, 0),
        ({"conditions": [{"type": "Ready", "status": "False", "observedGeneration": 2}]}, 2),
        ({"conditions": ["text"]}, 2),
        ({}, 2),
        (None, 2),
    ],
)
def test_what_is_not_ready_proves_nothing(status: Any, generation: int) -> None:
    """Without Ready at this very generation a status proves nothing."""
    assert trust_of(status, SPEC, generation=generation, annotations=applied(SPEC)) is StatusTrust.NONE


def test_objects_of_files_say_what_their_status_proves() -> None:
    """The object read carries status and trust."""
    (found,) = read_manifests(
        """
        apiVersion: resources.azure.com/v1api20200601
        kind: ResourceGroup
        metadata: {name: a, generation: 2}
        spec: {location: x}
        status: {conditions: [{type: Ready, status: "True", observedGeneration: 2}]}
        """
    ).resources

    assert found.status is not None
    assert found.trust is StatusTrust.MOVES
