"""Who made the drift, and when nothing may be said of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.compare.attribution import attribute_drift, read_author, with_author
from engine.model.change import Attribution, ChangeOrigin, DiffState
from engine.model.document import ABSENT
from tests.builders import build_baseline, build_change, build_diff

COLLEAGUE = "colleague@contoso.example"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def body(hour: int, by: str = COLLEAGUE, by_type: str = "User") -> dict[str, Any]:
    """Return a body that somebody wrote at an hour of the first of March."""
    data = {"lastModifiedBy": by, "lastModifiedByType": by_type, "lastModifiedAt": f"2026-03-01T{hour:02}:00:00Z"}
    return {"systemData": data}


def test_author_is_read() -> None:
    """Name, type and time are read; fractions beyond microseconds and a missing zone are no obstacle."""
    odd = {"systemData": {"lastModifiedBy": "a", "lastModifiedAt": "2026-03-01T12:00:00.1234567"}}

    assert read_author(body(12)) == Attribution(by=COLLEAGUE, by_type="User", at=NOON)
    assert read_author(odd) == Attribution(by="a", by_type="", at=NOON.replace(microsecond=123456))


@pytest.mark.parametrize(
    "data",
    [
        ABSENT,
        None,
        "x",
        {},
        {"lastModifiedBy": "a"},
        {"lastModifiedBy": "", "lastModifiedAt": "2026-03-01T12:00:00Z"},
        {"lastModifiedBy": "a", "lastModifiedAt": "yesterday"},
        {"lastModifiedBy": 1, "lastModifiedAt": 2},
    ],
)
def test_no_author_without_name_and_time(data: Any) -> None:
    """Half a stamp, or one that is none, names nobody."""
    assert read_author({"systemData": data} if data is not ABSENT else {}) is None


@pytest.mark.parametrize(
    ("now", "then", "is_told"),
    [
        (body(15), body(12), True),
        (body(12), body(12), False),
        (body(15), {}, True),
        (body(15), ABSENT, True),
        (body(15, "app", "Application"), body(12, "APP", "Application"), False),
        (body(15, "app", "Application"), body(12, "other", "Application"), True),
        (body(15), body(12, COLLEAGUE, "User"), True),
    ],
)
def test_write_must_be_later_and_not_ours(now: Any, then: Any, *, is_told: bool) -> None:
    """Only a write after the remembered one made the drift; one by the same program may have been our own."""
    found = attribute_drift(now, then_actual=then, then=None)

    assert (found is not None) is is_told


@pytest.mark.parametrize(("hour", "is_told"), [(11, False), (12, False), (13, True)])
def test_write_must_be_later_than_the_baseline(hour: int, *, is_told: bool) -> None:
    """Nothing is claimed of a write before the baseline was taken."""
    baseline = build_baseline({}, {"id": "x"}, at=NOON)
    drift = build_diff(build_change(origin=ChangeOrigin.DRIFT))

    found = with_author(drift, body(hour), baseline)

    assert found.state is DiffState.DRIFTED
    assert (found.last_modified is not None) is is_told


@pytest.mark.parametrize("origin", [ChangeOrigin.USER, ChangeOrigin.UNKNOWN])
def test_only_drift_has_an_author(origin: ChangeOrigin) -> None:
    """What the manifest changed, and what nobody can tell, is nobody's drift."""
    diff = build_diff(build_change(origin=origin))

    assert with_author(diff, body(15), None) is diff


def test_create_that_was_only_begun_is_ours() -> None:
    """What an interrupted create left half-made may be our own write."""
    intent = build_baseline({}, {}, at=NOON)
    drift = build_diff(build_change(origin=ChangeOrigin.DRIFT))

    assert with_author(drift, body(15), intent) is drift
