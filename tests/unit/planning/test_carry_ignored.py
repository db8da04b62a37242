"""What an ignore rule names is not written: a PUT sends Azure's value, and leaves out what Azure has not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.document import ABSENT
from engine.model.path import ByKey, FieldPath, Segment
from engine.planning.carry import carry_over
from tests.builders import build_suppressed

DESIRED = {"a": {"b": 1, "c": 2}, "list": [{"name": "x", "p": 1}, {"name": "y", "p": 2}, {"name": "z"}]}


def carried(*receipts: tuple[tuple[Segment, ...], Any]) -> Any:
    """Return the body to PUT under receipts of ignore rules: place and Azure's value."""
    rows = [
        build_suppressed(FieldPath(place), rule="ignore", before=held, after="wanted", held=held)
        for place, held in receipts
    ]
    return carry_over(DESIRED, {"id": "x"}, rows, None)


@pytest.mark.parametrize(
    ("receipts", "wanted"),
    [
        ([(("a", "b"), 7)], DESIRED | {"a": {"b": 7, "c": 2}}),
        ([(("a", "b"), ABSENT)], DESIRED | {"a": {"c": 2}}),
        ([(("a",), ABSENT)], {"list": DESIRED["list"]}),
        (
            [(("list", ByKey(0, "name", "x")), ABSENT), (("list", ByKey(1, "name", "y"), "p"), 9)],
            DESIRED | {"list": [{"name": "y", "p": 9}, {"name": "z"}]},
        ),
        ([(("list", 0), ABSENT), (("list", 2), ABSENT)], DESIRED | {"list": [{"name": "y", "p": 2}]}),
    ],
)
def test_ignored_places_are_sent_as_azure_has_them(receipts: list[Any], wanted: Any) -> None:
    """Azure's value goes back, what it has not is left out, and the desired body is not changed."""
    before = repr(DESIRED)

    assert carried(*receipts) == wanted
    assert repr(DESIRED) == before
