"""Only what Azure held once is remembered, through something that does not show everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import Subject
from engine.model.change import ResourceDiff
from engine.model.path import Segment
from tests.compare_cases import STORAGE_ID, STORAGE_TYPE, STORAGE_VERSION, told

HIDDEN = "allowSharedKeyAccess"
SENT: dict[str, Any] = {
    "location": "westus2",
    "tags": {"a": "1"},
    "properties": {"accessTier": "Hot", "minimumTlsVersion": "TLS1_2", "allowSharedKeyAccess": False},
}


class Blind:
    """Saw everything but one property."""

    def __init__(self, then: dict[str, Any], *, is_settled: bool) -> None:
        self._then = then
        self.is_settled = is_settled

    def held(self) -> dict[str, Any]:
        """Return what was seen."""
        return self.project(self._then)

    def project(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body without the property."""
        kept = {k: v for k, v in body.get("properties", {}).items() if k != HIDDEN}
        return {**body, "properties": kept}

    def shows(self, place: Sequence[Segment]) -> bool:
        """Say no to the property alone."""
        return tuple(place[:2]) != ("properties", HIDDEN)


def held(**properties: Any) -> dict[str, Any]:
    """Return Azure's body with other properties."""
    return {**SENT, "properties": {**SENT["properties"], **properties}}


def diff(actual: Any, then: Any, *, is_settled: bool = True) -> ResourceDiff:
    """Compare with what was seen then."""
    subject = Subject(arm_type=STORAGE_TYPE, api_version=STORAGE_VERSION, id=STORAGE_ID)
    return compare_bodies(SENT, actual, subject, remembered=Blind(then, is_settled=is_settled))


def test_what_was_so_is_known() -> None:
    """A difference that was seen right after the write is a known one, and the receipt says by whom it was seen."""
    then = held(accessTier="Cool")

    found = diff(then, then)

    assert found.changes == ()
    assert [(s.path.pointer, s.rule) for s in found.suppressed] == [("/properties/accessTier", "known-difference")]
    assert "status" in found.suppressed[0].why


def test_what_moved_since_is_drift() -> None:
    """A place that holds another value than was seen is drift, with the value seen beside it."""
    found = diff(held(accessTier="Cool", minimumTlsVersion="TLS1_0"), held(accessTier="Cool"))

    assert told(found) == [("/properties/minimumTlsVersion", "change", "drift")]
    assert found.changes[0].baseline == "TLS1_2"


def test_what_cannot_be_seen_is_not_drift() -> None:
    """A difference where nothing was seen stays what a first read says: a change of unknown origin."""
    found = diff(held(allowSharedKeyAccess=True), SENT)

    assert told(found) == [("/properties/allowSharedKeyAccess", "change", "unknown")]


@pytest.mark.parametrize("tags", [{"a": "1", "b": "2"}, {}])
def test_tags_are_told(tags: dict[str, str]) -> None:
    """A tag that came or went since is drift; one that was so already is not."""
    then = {**SENT, "tags": tags}

    assert [origin for _, _, origin in told(diff(then, SENT))] == ["drift"]
    assert told(diff(then, then)) == []


def test_a_spec_that_may_be_newer_hides_nothing() -> None:
    """Without proof that this very spec was written, what did not move is a change of unknown origin, not known."""
    then = held(accessTier="Cool")

    assert told(diff(then, then, is_settled=False)) == [("/properties/accessTier", "change", "unknown")]
    assert told(diff(held(accessTier="Cold"), then, is_settled=False)) == [
        ("/properties/accessTier", "change", "drift")
    ]


class Choosy(Blind):
    """Shows the property's place, but not every value of it, as a union does with a variant it does not know."""

    def shows(self, place: Sequence[Segment]) -> bool:
        """Say yes to everything."""
        return True


def test_a_value_that_nobody_saw_then_nor_sees_now_is_not_known() -> None:
    """A place that shows nothing at both moments proves nothing: what Azure holds there may have moved."""
    subject = Subject(arm_type=STORAGE_TYPE, api_version=STORAGE_VERSION, id=STORAGE_ID)
    moved = held(allowSharedKeyAccess=True)

    found = compare_bodies(SENT, moved, subject, remembered=Choosy(SENT, is_settled=True))

    assert told(found) == [("/properties/allowSharedKeyAccess", "change", "unknown")]
