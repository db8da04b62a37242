"""Texts that hold JSON or XML are shown as the lines that changed in them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from engine.model.change import ChangeKind, ChangeOrigin, FieldChange
from engine.model.path import FieldPath
from engine.reporting.changes import change_lines
from engine.reporting.documents import lay_out_pair
from engine.reporting.style import TextOptions

POLICY = (
    '<policies><inbound><base /><set-variable name="a" value="{}" /></inbound><backend><base /></backend></policies>'
)
WORKBOOK: dict[str, Any] = {"version": "Notebook/1.0", "items": [{"type": 3, "name": f"query {n}"} for n in range(9)]}


def lines_of(before: str, after: str) -> list[str]:
    """Return what a report says of a changed text."""
    path = FieldPath(("properties", "value"))
    change = FieldChange(
        path=path, kind=ChangeKind.CHANGE, before=before, after=after, origin=ChangeOrigin.DRIFT, baseline=before
    )
    return [f"{line.sign}{line.text}" for line in change_lines(change, lambda _path: "", TextOptions())]


def test_policy_laid_out_anew_shows_the_tag_that_changed() -> None:
    """XML in another layout differs in one line, not in all of them."""
    held = POLICY.format("new").replace("><", ">\r\n\t<")

    changed = [line for line in lines_of(held, POLICY.format("old"))[1:] if line[0] in "+-"]

    assert changed == ['-<set-variable name="a" value="new" />', '+<set-variable name="a" value="old" />']


def test_workbook_on_one_line_shows_the_member_that_changed() -> None:
    """JSON on one line is laid out, members sorted, before it is compared line by line."""
    held = {"items": WORKBOOK["items"], "version": "Notebook/2.0"}

    changed = [line for line in lines_of(json.dumps(held), json.dumps(WORKBOOK))[1:] if line[0] in "+-"]

    assert changed == ['-  "version": "Notebook/2.0"', '+  "version": "Notebook/1.0"']


SAME_LAYOUT = [
    ('{"a": 1}', '{ "a": 1 }'),
    ("<a><b/></a>", "<a>\n<b/></a>"),
    ('{"a": 1}', "<a><b/></a>"),
    ('{"a": ', '{"a": 1}'),
    ("plain", "other"),
    ("[" * 5_000, "[]"),
    (None, '{"a": 1}'),
]


@pytest.mark.parametrize(("before", "after"), SAME_LAYOUT)
def test_other_texts_stay_as_they_are(before: Any, after: Any) -> None:
    """What is no document, or differs in its layout alone, is shown as it is."""
    assert lay_out_pair(before, after) == (before, after)


def test_one_line_in_a_very_long_document() -> None:
    """A member in the middle of a workbook of 40,000 lines is shown alone."""
    items = [{"name": f"query {n}"} for n in range(20_000)]
    held = [*items[:9_000], {"name": "other"}, *items[9_001:]]

    changed = [line for line in lines_of(json.dumps(held), json.dumps(items))[1:] if line[0] in "+-"]

    assert changed == ['-    "name": "other"', '+    "name": "query 9000"']


def test_lines_in_base64_are_shown_as_lines() -> None:
    """Texts that hold lines in base64 are decoded when both do; bytes and single words stay as they are."""
    before = base64.b64encode(b"steps:\n- build: -t a .\n").decode()
    after = base64.b64encode(b"steps:\n- build: -t b .\n").decode()
    data = base64.b64encode(bytes(range(96))).decode()

    assert lay_out_pair(before, after) == ("steps:\n- build: -t a .\n", "steps:\n- build: -t b .\n")
    assert lay_out_pair(before, data) == (before, data)
