"""What a request says about one place."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.document import ABSENT, REDACTED
from engine.model.path import ByKey, FieldPath, Segment
from engine.model.plan import Action, Step
from engine.reporting.sending import sent_at
from tests.builders import build_request, build_step

BODY = {"sku": {"name": "A"}, "properties": {"tier": None, "rules": [{"name": "b"}, {"name": "a", "p": 1}]}, "x": "y"}
TAGS_URL = "https://arm.example/x/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"


def told(method: str, body: Any, *segments: Segment, **fields: Any) -> list[tuple[str, Any]]:
    """Return pointer and value of what one request sends at a place."""
    step = build_step(Action.UPDATE, requests=(build_request(method, body, **fields),))
    return [(sent.path.pointer, sent.value) for sent in sent_at(step, FieldPath(segments))]


@pytest.mark.parametrize(
    ("method", "segments", "wanted"),
    [
        ("PUT", ("SKU", "name"), [("/SKU/name", "A")]),
        ("PUT", ("properties", "gone", "deep"), [("/properties/gone/deep", ABSENT)]),
        ("PUT", ("properties", "tier", "deep"), [("/properties/tier/deep", ABSENT)]),
        ("PUT", ("x", "deep"), [("/x", "y")]),
        ("PUT", ("properties", "rules", ByKey(0, "name", "A"), "p"), [("/properties/rules/0/p", 1)]),
        ("PUT", ("properties", "rules", 0, "name"), [("/properties/rules/0/name", "b")]),
        ("PUT", ("properties", "rules", ByKey(7, "name", "z")), [("/properties/rules/7", ABSENT)]),
        ("PUT", ("properties", "rules", 7), [("/properties/rules/7", ABSENT)]),
        ("PATCH", ("properties", "tier"), [("/properties/tier", None)]),
        ("PATCH", ("properties", "gone"), []),
        ("PATCH", ("properties", "rules", 1, "p"), [("/properties/rules", BODY["properties"]["rules"])]),  # type: ignore[index]
    ],
)
def test_body_is_followed_to_the_place(method: str, segments: tuple[Segment, ...], wanted: Any) -> None:
    """A PUT removes what it leaves out; a PATCH sends lists whole and does not touch what it leaves out."""
    assert told(method, BODY, *segments) == wanted


@pytest.mark.parametrize(
    ("operation", "segments", "wanted"),
    [
        ("Merge", ("tags", "A"), [("/tags/A", "1")]),
        ("Merge", ("tags", "b"), []),
        ("Merge", ("tags",), [("/tags", {"a": "1"})]),
        ("Merge", ("sku",), []),
        ("Delete", ("tags", "a"), [("/tags/a", ABSENT)]),
        ("Delete", ("tags", "b"), []),
        ("Replace", ("tags", "b"), [("/tags/b", ABSENT)]),
    ],
)
def test_tags_request_is_read_by_its_operation(operation: str, segments: tuple[Segment, ...], wanted: Any) -> None:
    """Merge sets, Delete removes, Replace removes what it does not name."""
    body = {"operation": operation, "properties": {"tags": {"a": "1"}}}

    assert told("PATCH", body, *segments, url=TAGS_URL) == wanted


def test_delete_concerns_every_place() -> None:
    """A replacement deletes the whole and then sends the member."""
    step: Step = build_step(Action.REPLACE, body=BODY)

    assert [(s.label, s.path.pointer, s.value) for s in sent_at(step, FieldPath(("x",)))] == [
        ("DELETE", "", ABSENT),
        ("PUT", "/x", "y"),
    ]


@pytest.mark.parametrize("action", [Action.NOOP, Action.BLOCKED, Action.ADOPT])
def test_step_that_does_not_write_sends_nothing(action: Action) -> None:
    """Requests of a step that is held back are not sent."""
    assert sent_at(build_step(action, requests=(build_request("PUT", BODY),)), FieldPath(("x",))) == ()


def test_secret_values_are_not_shown() -> None:
    """What must not be shown is sent, not told; that it is removed may be told."""
    step = build_step(Action.UPDATE, requests=(build_request("PUT", BODY),))

    assert [s.value for s in sent_at(step, FieldPath(("x",)), sensitive=True)] == [REDACTED]
    assert [s.value for s in sent_at(step, FieldPath(("z",)), sensitive=True)] == [ABSENT]
