"""Comparing states: presence, waits, policies, memory made and read back, what results say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.compare.baseline import fingerprint, make_baseline
from engine.compare.compare import RULES_VERSION, check_type, compare, compare_bodies, shape_for
from engine.compare.secrets import conceal, hash_secrets
from engine.compare.settled import is_settled, provisioning_state
from engine.compare.subject import RememberedBodies, Subject
from engine.errors import InvalidSpecError
from engine.model.change import ChangeKind, ChangeOrigin, DiffState
from engine.model.document import REDACTED, UNKNOWN, Document, Secret, canonical
from engine.model.path import FieldPath
from engine.model.policy import IgnoreRule, ObjectPolicy
from engine.model.state import Presence, Wait
from tests.builders import build_actual, build_baseline, build_desired
from tests.compare_cases import SECRET, STORAGE_TYPE, STORAGE_VERSION, TEXT, told

BODY = {"location": "westeurope", "properties": {"accessTier": "Hot"}}
KEY = b"key of the folder"


def ignoring(pointer: str, until: date | None = None) -> ObjectPolicy:
    """Return a policy with one ignore rule."""
    return ObjectPolicy(ignore=(IgnoreRule(path=FieldPath.parse_pointer(pointer), until=until),))


def test_unreadable_is_its_own_state() -> None:
    """What could not be read is never taken for absent or different."""
    actual = build_actual(presence=Presence.UNREADABLE, cause="403")

    assert compare(build_desired(), actual, None).state is DiffState.UNREADABLE


@pytest.mark.parametrize(
    ("baseline", "state", "origin"),
    [
        (None, DiffState.CHANGED, ChangeOrigin.UNKNOWN),
        (build_baseline(BODY, BODY), DiffState.DRIFTED, ChangeOrigin.DRIFT),
    ],
)
def test_absent_resource_is_one_addition(baseline: Any, state: DiffState, origin: ChangeOrigin) -> None:
    """A resource that is not there is added whole; once we left it there, its absence is drift."""
    diff = compare(build_desired(body={"properties": {"key": Secret("hunter2")}}), build_actual(), baseline)

    assert (diff.state, [(c.kind, c.origin) for c in diff.changes]) == (state, [(ChangeKind.ADD, origin)])
    assert "hunter2" not in repr(diff)


def test_baseline_remembers_what_was_left_behind() -> None:
    """A baseline made right after a write makes the next comparison clean, and later drift visible."""
    desired = build_desired(body=BODY)
    held = {**BODY, "properties": {"accessTier": "Cool"}}

    baseline = make_baseline(desired, build_actual(held), secret_key=KEY)

    assert compare(desired, build_actual(held), baseline, secret_key=KEY).state is DiffState.IN_SYNC
    assert told(compare(desired, build_actual(BODY), baseline, secret_key=KEY)) == []
    assert baseline.rules == RULES_VERSION
    assert baseline.body_hash == fingerprint(canonical(held))


def test_baseline_keeps_the_bytes_as_read() -> None:
    """Without secrets the remembered body is the one that was read, byte for byte."""
    actual = build_actual(BODY)

    assert make_baseline(build_desired(body=BODY), actual, secret_key=KEY).actual is actual.document


def test_baseline_holds_no_secret() -> None:
    """Secrets, and echoes of them in what Azure returned, are remembered as keyed hashes."""
    desired = build_desired(body={"properties": {"password": Secret("hunter2"), "waiting": UNKNOWN}})
    actual = build_actual({"properties": {"password": "hunter2", "echo": ["hunter2"], "other": 1}})

    baseline = make_baseline(desired, actual, secret_key=KEY)

    assert b"hunter2" not in baseline.desired.raw + baseline.actual.raw
    assert baseline.desired.value["properties"]["waiting"] is None
    assert compare(build_desired(body=desired.body), actual, baseline, secret_key=KEY).state is not DiffState.DRIFTED


def test_baseline_needs_a_body() -> None:
    """Nothing can be remembered of a resource that was not read back."""
    with pytest.raises(ValueError, match="nothing was read back"):
        make_baseline(build_desired(), build_actual(), secret_key=KEY)


def test_hashes_and_masks_follow_the_schema() -> None:
    """Sensitive texts are hashed in memory and redacted in results; a body without any is the same object."""
    value: dict[str, Any] = {"a": "x"}

    assert hash_secrets(value, SECRET, KEY) == {"a": {"$hash": Secret("x").hash_with(KEY)}}
    assert conceal([value], SECRET) == [{"a": REDACTED}]
    assert hash_secrets(value, TEXT, KEY) is value


@pytest.mark.parametrize(
    ("pointer", "until", "hidden"),
    [
        ("/properties/accessTier", None, True),
        ("/properties", None, True),
        ("/properties/*", None, True),
        ("", None, True),
        ("/properties/access", None, False),
        ("/properties/accessTier/x", None, False),
        ("/properties", date(2024, 5, 1), True),
        ("/properties", date(2024, 4, 30), False),
    ],
)
def test_ignore_rules(pointer: str, until: date | None, hidden: bool) -> None:
    """An ignore rule hides what lies at or below its place until its day is over, and says so."""
    desired = build_desired(body={"properties": {"accessTier": "Hot"}}, policy=ignoring(pointer, until))

    diff = compare(desired, build_actual({"properties": {"accessTier": "Cool"}}), None, today=date(2024, 5, 1))

    assert [s.rule for s in diff.suppressed] == (["ignore"] if hidden else [])
    assert len(diff.changes) == (not hidden)


def test_secret_that_is_not_available_is_not_compared() -> None:
    """A wait for a Secret alone lets the rest be compared."""
    wait = Wait(text="secret", path=FieldPath(("properties", "thing", "key")), secret_only=True)
    desired = build_desired(body={"properties": {"thing": {"key": UNKNOWN}, "accessTier": "Hot"}}, waits=(wait,))

    diff = compare(desired, build_actual({"properties": {"thing": {}, "accessTier": "Cool"}}), None)

    assert told(diff) == [("/properties/accessTier", "change", "unknown")]
    assert [(s.path.pointer, s.rule) for s in diff.suppressed] == [("/properties/thing/key", "secret-not-compared")]


def test_value_not_known_yet_is_shown_as_unknown() -> None:
    """A reference to something not created yet is a change to an unknown value, of nobody's doing."""
    desired = build_desired(body={"properties": {"subnet": UNKNOWN}})
    baseline = build_baseline({"properties": {"subnet": "x"}}, {"properties": {"subnet": "x"}})

    (change,) = compare(desired, build_actual({"properties": {"subnet": "x"}}), baseline).changes

    assert (change.before, change.after, change.origin) == ("x", UNKNOWN, ChangeOrigin.UNKNOWN)


def test_unknown_type_is_refused_with_its_neighbours() -> None:
    """A wrong type is named together with similar ones; a wrong version of a known type is not refused."""
    check_type(STORAGE_TYPE, "1999-01-01")

    with pytest.raises(InvalidSpecError, match="storageAccounts"):
        check_type("Microsoft.Storage/storageAcounts", STORAGE_VERSION)


def test_types_are_found_without_letter_case() -> None:
    """A type in another letter case has the same shape."""
    assert shape_for(STORAGE_TYPE.upper(), STORAGE_VERSION) == shape_for(STORAGE_TYPE, STORAGE_VERSION)


@pytest.mark.parametrize("body", [[], "x", None])
def test_body_that_is_no_object_is_refused(body: Any) -> None:
    """Azure's answer must be an object to be compared."""
    with pytest.raises(ValueError, match="not an object"):
        compare(build_desired(), build_actual(body), None)


def test_body_nested_too_deeply_is_refused() -> None:
    """Nesting beyond what can be walked is an error that names the resource, not a crash."""
    body: dict[str, Any] = {}
    for _ in range(900):
        body = {"a": body}

    actual = build_actual({}, document=Document(value={**body, "b": 2}))

    with pytest.raises(ValueError, match="nested too deeply"):
        compare(build_desired(body={**body, "b": 1}), actual, None)


@pytest.mark.parametrize(
    ("arm_type", "body", "settled"),
    [
        (STORAGE_TYPE, {}, True),
        (STORAGE_TYPE, {"properties": {"provisioningState": "succeeded"}}, True),
        (STORAGE_TYPE, {"properties": {"provisioningState": "Updating"}}, False),
        (STORAGE_TYPE, {"properties": {"provisioningState": "Ready"}}, False),
        ("Microsoft.Sql/servers/outboundFirewallRules", {"properties": {"provisioningState": "Ready"}}, True),
    ],
)
def test_settled(arm_type: str, body: Any, settled: bool) -> None:
    """A resource is settled when its last operation succeeded or it has no such state."""
    assert is_settled(arm_type, body) is settled


def test_provisioning_state_as_azure_spells_it() -> None:
    """The state is returned in its own letter case; types without one give an empty text."""
    assert provisioning_state({"properties": {"ProvisioningState": "Failed"}}) == "Failed"
    assert provisioning_state({"properties": None}) == ""


SUBJECT = Subject(arm_type=STORAGE_TYPE, api_version=STORAGE_VERSION)


def test_results_say_what_was_hidden_and_why() -> None:
    """A receipt has values, rule and reason; a change has who moved, and the rule that would have hidden it."""
    desired = {"location": "westus2", "properties": {"accessTier": "Hot", "customDomain": {}}}
    actual = {"location": "West US 2", "properties": {"accessTier": "Cool"}}
    then = {**actual, "properties": {"accessTier": "Hot"}}

    diff = compare_bodies(desired, actual, SUBJECT, remembered=RememberedBodies(desired, then))

    (tier,) = diff.changes
    region = next(s for s in diff.suppressed if s.rule == "region")
    assert (region.before, region.after) == ("West US 2", "westus2")
    assert "West US 2" in region.why
    assert (tier.path.pointer, tier.origin, tier.baseline, tier.rule) == (
        "/properties/accessTier", ChangeOrigin.DRIFT, "Hot", "",
    )  # fmt: skip


def test_change_names_the_rule_that_would_have_hidden_it() -> None:
    """What Azure never returns counts once the user moves; the rule that hid it until then is named."""
    desired = {"properties": {"administratorLoginPassword": Secret("new")}}
    subject = Subject(arm_type="Microsoft.DBforPostgreSQL/flexibleServers", api_version="2022-12-01", secret_key=KEY)
    then = {"properties": {"administratorLoginPassword": {"$hash": Secret("old").hash_with(KEY)}}}

    (change,) = compare_bodies(
        desired, {"properties": {}}, subject, remembered=RememberedBodies(then, {"properties": {}})
    ).changes

    assert (change.rule, change.origin) == ("write-only", ChangeOrigin.USER)
