"""Two versions of a body: every move counts, other forms of a value do not, secrets are never shown."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.subject import Subject
from engine.compare.versions import compare_versions
from engine.model.document import REDACTED, UNKNOWN, Secret
from tests.compare_cases import STORAGE_TYPE, STORAGE_VERSION

SUBJECT = Subject(arm_type=STORAGE_TYPE, api_version=STORAGE_VERSION)
SERVER = Subject(arm_type="Microsoft.DBforPostgreSQL/flexibleServers", api_version="2022-12-01")


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"a": 1}, {"a": 2}, [("/a", "change")]),
        ({"tags": {"a": "b"}}, {}, [("/tags", "remove")]),
        ({}, {"tags": {"a": "b"}}, [("/tags", "add")]),
        ({"properties": {"accessTier": "Hot"}}, {"properties": {}}, [("/properties/accessTier", "remove")]),
        ({"properties": {}}, {"properties": {"accessTier": "Hot"}}, [("/properties/accessTier", "add")]),
        ({"location": "West Europe"}, {"location": "westeurope"}, []),
        ({"sku": {"name": "standard_lrs"}}, {"sku": {"name": "Standard_LRS"}}, []),
        ({"x": UNKNOWN}, {"x": UNKNOWN}, []),
        ({"x": UNKNOWN}, {"x": "now"}, [("/x", "change")]),
    ],
)
def test_every_move_counts(before: Any, after: Any, wanted: list[tuple[str, str]]) -> None:
    """Changes, additions and removals are told; the same value written otherwise is none."""
    diff = compare_versions(before, after, SUBJECT)

    assert [(c.path.pointer, c.kind.value) for c in diff.changes] == wanted


@pytest.mark.parametrize(
    ("before", "after", "is_changed"),
    [
        (Secret("old-canary"), Secret("new-canary"), True),
        (Secret("old-canary"), Secret("old-canary"), False),
        (Secret("a"), Secret("b"), True),
    ],
)
def test_secrets_are_compared_and_not_shown(before: Secret, after: Secret, *, is_changed: bool) -> None:
    """A secret that changed is a change without values, wherever it stands."""
    for name in ("administratorLoginPassword", "version"):
        diff = compare_versions({"properties": {name: before}}, {"properties": {name: after}}, SERVER)

        assert [(c.before, c.after) for c in diff.changes] == ([(REDACTED, REDACTED)] if is_changed else [])


def test_same_body_has_no_difference() -> None:
    """A body compared with itself is the same, whatever it holds."""
    body = {"a": [1, {"b": None}], "tags": {}, "properties": {"accessTier": "Hot", "x": Secret("s")}}

    assert compare_versions(body, body, SUBJECT).changes == ()
