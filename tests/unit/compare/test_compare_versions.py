"""A baseline taken at another api-version, or by a release with other rules, is still a memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.compare.compare import RULES_VERSION, compare, compare_bodies
from engine.compare.reach import narrow, reach
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import DiffState, ResourceDiff
from engine.model.ids import ApiVersion, Fingerprint
from schemas.arm import lookup
from schemas.nodes import ANY, Node
from tests.builders import build_actual, build_baseline, build_desired
from tests.compare_cases import STORAGE_ID, STORAGE_TYPE, TAGS, TEXT, list_of, shape, told, union

OLD, NEW = "2018-02-01", "2023-01-01"
SENT: dict[str, Any] = {
    "location": "westus2",
    "properties": {"accessTier": "Hot", "networkAcls": {"defaultAction": "Deny"}},
}
NEW_MEMBER = "minimumTlsVersion"


def sent(**properties: Any) -> dict[str, Any]:
    """Return the body with other properties; None takes one away."""
    merged = {**SENT["properties"], **properties}
    return {**SENT, "properties": {k: v for k, v in merged.items() if v is not None}}


def diff(desired: Any, actual: Any, then: tuple[Any, Any]) -> ResourceDiff:
    """Compare at the new version with what is remembered of the old one."""
    subject = Subject(arm_type=STORAGE_TYPE, api_version=NEW, id=STORAGE_ID)
    return compare_bodies(desired, actual, subject, remembered=RememberedBodies(*then, OLD))


def body(api: str) -> Node:
    """Return the shape of an account."""
    found = lookup(STORAGE_TYPE, api)
    assert found is not None
    return found.body


def test_the_versions_differ_as_the_tests_say() -> None:
    """The member the tests add exists in the new version only."""
    assert reach(body(NEW), ("properties", NEW_MEMBER)) is not None
    assert reach(body(OLD), ("properties", NEW_MEMBER)) is None


def test_what_only_the_new_version_has_moved_nobody() -> None:
    """A member the old version had no place for is a change of unknown origin, not the user's and not drift."""
    found = diff(sent(minimumTlsVersion="TLS1_2"), sent(minimumTlsVersion="TLS1_0"), (SENT, SENT))

    assert told(found) == [("/properties/minimumTlsVersion", "change", "unknown")]


def test_what_both_versions_have_is_told() -> None:
    """Of members both versions have it is known who moved, and what was different then is known."""
    known = sent(accessTier="Cool")

    assert told(diff(SENT, sent(accessTier="Cool"), (SENT, SENT))) == [("/properties/accessTier", "change", "drift")]
    assert told(diff(known, SENT, (SENT, SENT))) == [("/properties/accessTier", "change", "user")]
    assert diff(SENT, known, (SENT, known)).state is DiffState.IN_SYNC


def test_what_the_new_version_has_no_place_for_was_not_removed() -> None:
    """A member that only the old version had is no removal; one that both have is."""
    then = sent(oldOnly="x")

    assert told(diff(SENT, SENT, (then, then))) == []
    assert told(diff(sent(accessTier=None), SENT, (SENT, SENT))) == [("/properties/accessTier", "remove", "user")]


@pytest.mark.parametrize("rules", ["", "0", "another"])
def test_other_rules_leave_the_documents_of_use(rules: str) -> None:
    """A baseline taken under other rules, its prints unknown, tells the same as a new one."""
    bodies = (SENT, sent(accessTier="Cool"))
    baseline = replace(build_baseline(*bodies), rules=rules, body_hash=Fingerprint("of another kind"))
    now = replace(baseline, rules=RULES_VERSION, body_hash=Fingerprint(""))
    for actual in (bodies[1], SENT, sent(accessTier="Cold")):
        states = build_desired(body=SENT), build_actual(actual)

        assert compare(*states, baseline) == compare(*states, now)


def test_a_baseline_says_its_version() -> None:
    """The api-version of the baseline decides what it can tell, not the one of today."""
    states = build_desired(body=sent(minimumTlsVersion="TLS1_2")), build_actual(sent(minimumTlsVersion="TLS1_0"))
    baseline = build_baseline(SENT, SENT)

    old, new = (compare(*states, replace(baseline, api_version=ApiVersion(v))) for v in (OLD, NEW))

    assert [origin for _, _, origin in told(old)] == ["unknown"]
    assert [origin for _, _, origin in told(new)] == ["both"]


UNION = union("kind", shape({"kind": TEXT}), a=shape({"onlyA": TEXT}))
WHOLE = shape(
    {"name": TEXT, "list": list_of(shape({"x": TEXT})), "tags": TAGS, "any": ANY, "one": UNION, "none": shape({})}
)


@pytest.mark.parametrize(
    ("place", "is_there"),
    [
        ((), True),
        (("name",), True),
        (("NAME",), True),
        (("other",), False),
        (("name", "deeper"), True),
        (("list", 0), True),
        (("list", 0, "x"), True),
        (("list", 0, "y"), False),
        (("tags", "whatever"), True),
        (("any", "a", 1, "b"), True),
        (("one", "onlyA"), True),
        (("one", "onlyB"), False),
        (("none", "x"), True),
        (("tags", 0), False),
    ],
)
def test_places_of_a_shape(place: tuple[str | int, ...], is_there: bool) -> None:
    """A shape has a place for its members, elements and keys; where it says nothing about members, for all."""
    assert (reach(WHOLE, place) is not None) is is_there


def test_narrowed_values() -> None:
    """A narrowed value lacks what the shape has no place for; one that fits is the very same."""
    fits = {"name": "a", "list": [{"x": 1}], "any": {"b": 1}}

    assert narrow(fits, WHOLE) is fits
    assert narrow({**fits, "new": 1, "list": [{"x": 1, "y": 2}]}, WHOLE) == fits
