"""Who moved: the baseline tells the user's changes from Azure's, and what is known from what is new."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.change import DiffState
from engine.model.document import Secret
from tests.compare_cases import STORAGE_ID, diff_storage, told

SENT: dict[str, Any] = {
    "location": "westus2",
    "sku": {"name": "Standard_LRS"},
    "tags": {"a": "1"},
    "properties": {"accessTier": "Hot", "minimumTlsVersion": "TLS1_2"},
}
HELD: dict[str, Any] = {**SENT, "location": "West US 2", "kind": "StorageV2", "etag": "x"}


def body(base: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """Return the body with other properties; None takes one away."""
    merged = {**base["properties"], **properties}
    return {**base, "properties": {k: v for k, v in merged.items() if v is not None}}


def test_nothing_moved() -> None:
    """Desired and actual as they were are in sync."""
    assert diff_storage(SENT, HELD, (SENT, HELD)).state is DiffState.IN_SYNC


def test_user_moved() -> None:
    """A member that only the manifest changed is the user's."""
    diff = diff_storage(body(SENT, accessTier="Cool"), HELD, (SENT, HELD))

    assert told(diff) == [("/properties/accessTier", "change", "user")]
    assert (diff.changes[0].before, diff.changes[0].after, diff.changes[0].baseline) == ("Hot", "Cool", "Hot")
    assert diff.state is DiffState.CHANGED


def test_azure_moved() -> None:
    """A member that only Azure changed is drift."""
    diff = diff_storage(SENT, body(HELD, accessTier="Cool"), (SENT, HELD))

    assert told(diff) == [("/properties/accessTier", "change", "drift")]
    assert diff.state is DiffState.DRIFTED


def test_both_moved() -> None:
    """A member that both changed, to different values, is both."""
    diff = diff_storage(body(SENT, minimumTlsVersion="TLS1_1"), body(HELD, minimumTlsVersion="TLS1_0"), (SENT, HELD))

    assert told(diff) == [("/properties/minimumTlsVersion", "change", "both")]
    assert diff.state is DiffState.CONFLICTED


def test_both_moved_to_one_value() -> None:
    """What both changed to the same value needs no change."""
    diff = diff_storage(body(SENT, accessTier="Cool"), body(HELD, accessTier="Cool"), (SENT, HELD))

    assert diff.changes == ()


def test_unknown_without_memory() -> None:
    """Without a baseline nobody can tell who moved."""
    assert told(diff_storage(SENT, body(HELD, accessTier="Cool"))) == [("/properties/accessTier", "change", "unknown")]


def test_known_difference() -> None:
    """What differed right after our write, and has not moved since, is hidden with a receipt."""
    held = body(HELD, accessTier="Cool")

    diff = diff_storage(SENT, held, (SENT, held))

    assert (diff.changes, [s.rule for s in diff.suppressed]) == ((), ["region", "known-difference"])


@pytest.mark.parametrize(
    ("desired", "held", "origin"),
    [
        (body(SENT, accessTier="Premium"), body(HELD, accessTier="Cool"), "user"),
        (SENT, body(HELD, accessTier="Cold"), "drift"),
    ],
)
def test_known_difference_ends_when_either_side_moves(desired: Any, held: Any, origin: str) -> None:
    """A known difference is forgotten as soon as manifest or Azure moves."""
    diff = diff_storage(desired, held, (SENT, body(HELD, accessTier="Cool")))

    assert told(diff) == [("/properties/accessTier", "change", origin)]


def test_removed_member_is_the_users() -> None:
    """A member that left the manifest is a removal by the user although Azure keeps its value."""
    diff = diff_storage(body(SENT, accessTier=None), HELD, (SENT, HELD))

    assert told(diff) == [("/properties/accessTier", "remove", "user")]
    assert diff.changes[0].before == "Hot"


def test_removed_container_is_one_removal() -> None:
    """An object that left the manifest is one removal."""
    diff = diff_storage({k: v for k, v in SENT.items() if k != "sku"}, HELD, (SENT, HELD))

    assert told(diff) == [("/sku", "remove", "user")]


def test_removed_member_that_azure_dropped_too_is_gone() -> None:
    """Where Azure has let go of the value as well nothing is left to do."""
    diff = diff_storage(body(SENT, accessTier=None), body(HELD, accessTier=None), (SENT, HELD))

    assert diff.changes == ()


def test_removed_blank_is_no_removal() -> None:
    """Taking an empty value out of the manifest asks for nothing."""
    assert diff_storage(SENT, HELD, ({**SENT, "zones": None, "extra": {}}, HELD)).changes == ()


@pytest.mark.parametrize(
    ("tags", "held_tags", "expected"),
    [
        ({}, {"a": "1"}, [("/tags/a", "remove", "user")]),
        (None, {"a": "1"}, [("/tags/a", "remove", "user")]),
        ({"a": "1"}, {"a": "1", "b": "2"}, [("/tags/b", "remove", "drift")]),
        ({"a": "1"}, {}, [("/tags/a", "add", "drift")]),
        ({"a": "1", "c": "3"}, {"a": "1"}, [("/tags/c", "add", "user")]),
        ({"a": "2"}, {"a": "3"}, [("/tags/a", "change", "both")]),
    ],
)
def test_tags(tags: Any, held_tags: Any, expected: Any) -> None:
    """Each tag has its own origin."""
    assert told(diff_storage({**SENT, "tags": tags}, {**HELD, "tags": held_tags}, (SENT, HELD))) == expected


def rules_of(*names: str, **action: str) -> dict[str, Any]:
    """Return a body with IP rules (a list without a name or an id)."""
    return {"properties": {"networkAcls": {"ipRules": [{"value": n, "action": action.get(n, "Allow")} for n in names]}}}


@pytest.mark.parametrize(
    ("desired", "held", "expected"),
    [
        (rules_of("a"), rules_of("a", "b"), [("1", "remove", "user")]),
        (rules_of("a", "b"), rules_of("a", "b", "c"), [("2", "remove", "drift")]),
        (rules_of("a", "b"), rules_of("b"), [("0", "add", "drift")]),
        (rules_of("a", "b", "c"), rules_of("a", "b"), [("2", "add", "user")]),
        (rules_of("a", "b"), rules_of("b", "a", a="Deny"), [("0/action", "change", "drift")]),
    ],
)
def test_list_elements(desired: Any, held: Any, expected: Any) -> None:
    """Elements that came or went have the origin of the side that moved them."""
    then = rules_of("a", "b")
    diff = diff_storage(desired, held, (then, then))

    assert told(diff) == [(f"/properties/networkAcls/ipRules/{p}", kind, origin) for p, kind, origin in expected]


def test_element_renamed_on_both_sides_is_a_conflict() -> None:
    """An identifier that both sides changed is moved by both."""
    then = {"properties": {"l": [{"name": "a", "v": 1}]}}

    diff = diff_storage(
        {"properties": {"l": [{"name": "u", "v": 1}]}}, {"properties": {"l": [{"name": "z", "v": 1}]}}, (then, then)
    )

    assert told(diff) == [("/properties/l/0/name", "change", "both")]


def test_member_removed_from_an_element_is_found_after_reordering() -> None:
    """A member that left an element of a reordered list is removed at the element's place now."""
    then = {"properties": {"l": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}}
    now = {"properties": {"l": [{"name": "b"}, {"name": "a", "v": 1}]}}

    diff = diff_storage(now, then, (then, then))

    assert told(diff) == [("/properties/l/0/v", "remove", "user")]
    assert diff.changes[0].before == 2


def test_cleared_list_is_the_users() -> None:
    """Null in the place of elements is no opinion, unless the user had asked for elements before."""
    then = rules_of("a")
    now = {"properties": {"networkAcls": {"ipRules": None}}}

    assert told(diff_storage(now, then, (then, then))) == [("/properties/networkAcls/ipRules", "remove", "user")]
    assert diff_storage(now, then, (now, then)).changes == ()


def test_excuse_ends_when_azure_moves() -> None:
    """A member that reads may leave out is drift once it was returned and is gone."""
    sent, held = body(SENT, customDomain={"name": "x"}), {**HELD, "location": "westus2"}
    without_location = {k: v for k, v in held.items() if k != "location"}

    assert diff_storage(SENT, without_location, (SENT, without_location)).changes == ()
    assert told(diff_storage(SENT, without_location, (SENT, held))) == [("/location", "add", "drift")]
    assert diff_storage(sent, without_location).state is DiffState.CHANGED


def test_other_form_of_the_same_value_is_never_drift() -> None:
    """A value that Azure respells has not moved."""
    assert diff_storage(SENT, {**HELD, "location": "westus2"}, (SENT, HELD)).changes == ()
    assert diff_storage(SENT, body(HELD, accessTier="hot"), (SENT, HELD)).changes == ()


VM = {"arm_type": "Microsoft.Sql/servers", "api_version": "2021-11-01", "id": STORAGE_ID}


def sql(password: Any) -> dict[str, Any]:
    """Return a SQL server with an administrator's password."""
    return {"properties": {"administratorLogin": "me", "administratorLoginPassword": password}}


@pytest.mark.parametrize(("now", "expected"), [("old", []), ("new", ["user"])])
def test_changed_secret_is_seen_by_its_hash(now: str, expected: list[str]) -> None:
    """A secret that reads never show is the user's change when its keyed hash is another one."""
    held = {"properties": {"administratorLogin": "me"}}
    then = sql({"$hash": Secret("old").hash_with(b"key")})

    diff = diff_storage(sql(Secret(now)), held, (then, held), secret_key=b"key", **VM)

    assert [c.origin.value for c in diff.changes] == expected
    assert all(c.sensitive and repr(c.after) == "REDACTED" for c in diff.changes)


def test_removed_secret_is_seen() -> None:
    """A secret that left the manifest is a removal by the user although no read shows it."""
    held = {"properties": {"administratorLogin": "me"}}
    then = sql({"$hash": Secret("old").hash_with(b"key")})

    diff = diff_storage({"properties": {"administratorLogin": "me"}}, held, (then, held), secret_key=b"key", **VM)

    assert told(diff) == [("/properties/administratorLoginPassword", "remove", "user")]


def test_memory_without_the_sent_body_still_tells_drift() -> None:
    """When only what Azure held is remembered, the manifest counts as unchanged."""
    diff = diff_storage(SENT, body(HELD, accessTier="Cool"), (None, HELD))

    assert told(diff) == [("/properties/accessTier", "change", "drift")]
