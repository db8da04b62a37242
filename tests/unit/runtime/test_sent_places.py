"""What a request says about places."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.document import ABSENT
from engine.model.plan import Request
from engine.runtime.sent import covers
from tests.builders import build_path

_TAGS = "https://x/r/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"


@pytest.mark.parametrize(
    ("method", "url", "body", "place", "is_sent"),
    [
        ("PUT", "https://x/r", {}, "/properties/a", True),
        ("DELETE", "https://x/r", ABSENT, "/properties/a", False),
        ("PATCH", "https://x/r", {"properties": {"a": 1}}, "/properties/a", True),
        ("PATCH", "https://x/r", {"properties": {"A": 1}}, "/properties/a", True),
        ("PATCH", "https://x/r", {"properties": {"a": None}}, "/properties/a/b", True),
        ("PATCH", "https://x/r", {"properties": {"a": [1]}}, "/properties/a/0/b", True),
        ("PATCH", "https://x/r", {"properties": {"a": 1}}, "/properties", True),
        ("PATCH", "https://x/r", {"properties": {"a": 1}}, "/properties/b", False),
        ("PATCH", "https://x/r", {"properties": {"a": {"b": 1}}}, "/properties/a/c", False),
        ("PATCH", _TAGS, {"operation": "Merge", "properties": {"tags": {"a": "1"}}}, "/tags/a", True),
        ("PATCH", _TAGS, {"operation": "Delete", "properties": {"tags": {"a": "1"}}}, "/tags/b", False),
        ("PATCH", _TAGS, {"operation": "Replace", "properties": {"tags": {"a": "1"}}}, "/tags/b", True),
        ("PATCH", _TAGS, {"operation": "Replace", "properties": {"tags": {"a": "1"}}}, "/properties/tags/a", False),
    ],
)
def test_a_request_covers_what_it_says(method: str, url: str, body: Any, place: str, is_sent: bool) -> None:
    """A PUT says all there is; a merge patch its members, lists as a whole; a write of tags the tags it names."""
    assert covers((Request(method=method, url=url, body=body),), build_path(place)) is is_sent
