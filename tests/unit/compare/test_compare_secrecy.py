"""Secrets of the two bodies never reach a diff, a baseline or a request that can be printed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.baseline import make_baseline
from engine.compare.compare import compare, secrecy_of
from engine.compare.secrets import Secrecy
from engine.model.change import ChangeOrigin
from engine.model.document import ABSENT, REDACTED, Body, Secret, encode_wire
from engine.model.ids import ApiVersion
from engine.model.state import ActualState, DesiredState
from schemas.nodes import ANY
from tests.builders import build_actual, build_desired
from tests.compare_cases import SECRET, TEXT, list_of, shape, union

CANARY = "canary-of-azure-0815"
OTHER = "canary-of-azure-1642"
KEY = b"key of the folder"
SERVER, SERVER_API = "Microsoft.DBforPostgreSQL/flexibleServers", ApiVersion("2022-12-01")
SITE, SITE_API = "Microsoft.Web/sites", ApiVersion("2022-03-01")


def wanted(body: Body, arm_type: str = SERVER, api: ApiVersion = SERVER_API) -> DesiredState:
    return build_desired(body=body, arm_type=arm_type, api_version=api)


def held(body: Body) -> ActualState:
    return build_actual(body)


def strings(string: str) -> Body:
    return {"properties": {"siteConfig": {"connectionStrings": [{"name": "db", "connectionString": string}]}}}


@pytest.mark.parametrize(
    ("desired", "actual"),
    [
        ({"properties": {"version": "14"}}, {"properties": {"version": f"echo of {CANARY}"}}),
        ({"properties": {"version": "14"}, "tags": {}}, {"properties": {"version": "14"}, "tags": {"x": CANARY}}),
    ],
    ids=["in a longer text", "in an extra tag"],
)
def test_an_echo_of_a_secret_is_redacted_wherever_it_stands(desired: Body, actual: Body) -> None:
    """Azure's echo of a secret that was sent is left out of every change, whatever member holds it."""
    desired["properties"]["administratorLoginPassword"] = Secret(CANARY)

    (change,) = [c for c in compare(wanted(desired), held(actual), None).changes if c.before is not ABSENT]

    assert (change.before, change.sensitive) == (REDACTED, True)


def test_what_azure_returns_at_a_secret_place_is_redacted() -> None:
    """A value at a place that is secret by type, by fact or by name is left out, also when only Azure has it."""
    diff = compare(wanted(strings(CANARY), SITE, SITE_API), held(strings(OTHER)), None)

    assert CANARY not in repr(diff)
    assert OTHER not in repr(diff)
    assert [c.path.text for c in diff.changes] == [
        "properties.siteConfig.connectionStrings[name=db].connectionString",
    ]


def test_a_baseline_holds_hashes_of_secrets_alone() -> None:
    """What is remembered holds no secret, neither the one sent nor what Azure returned at the place or elsewhere."""
    desired = wanted({"properties": {"administratorLoginPassword": Secret(CANARY), "version": "14"}})
    actual = held({"properties": {"administratorLoginPassword": OTHER, "note": f"is {CANARY}", "version": "14"}})

    baseline = make_baseline(desired, actual, secret_key=KEY)

    stored = baseline.desired.raw + baseline.actual.raw
    assert CANARY.encode() not in stored
    assert OTHER.encode() not in stored
    assert b'"version":"14"' in baseline.actual.raw


def test_drift_of_a_secret_that_azure_returns_is_seen_by_hash() -> None:
    """A connection string that Azure changed is drift of the server's side; no value of either moment is shown."""
    desired = wanted(strings(CANARY), SITE, SITE_API)
    baseline = make_baseline(desired, held(strings(CANARY)), secret_key=KEY)

    (change,) = compare(desired, held(strings(OTHER)), baseline, secret_key=KEY).changes

    assert change.origin is ChangeOrigin.DRIFT
    assert (change.before, change.after, change.baseline) == (REDACTED, REDACTED, REDACTED)
    assert not compare(desired, held(strings(CANARY)), baseline, secret_key=KEY).changes


def test_a_wrapped_secret_equals_what_azure_returns() -> None:
    """A secret whose value comes back is compared by value; one that does not come back is excused."""
    body = {"properties": {"siteConfig": {"connectionStrings": [{"name": "db", "connectionString": Secret(CANARY)}]}}}
    desired = wanted(body, SITE, SITE_API)

    assert not compare(desired, held(strings(CANARY)), None).changes
    assert compare(desired, held(strings(OTHER)), None).changes
    assert not compare(desired, held(strings("")), None).changes


def test_a_place_is_followed_from_the_root_where_no_shape_is_at_hand() -> None:
    """A value without a shape of its own is judged by the whole body's, through lists and variants."""
    secret_variant = union("kind", shape({"kind": TEXT}), Blob=shape({"opaque": SECRET}))
    secrecy = Secrecy(shape({"items": list_of(secret_variant), "vault": shape({"x": TEXT}, sensitive=True)}))

    assert secrecy.conceal(CANARY, ANY, at=("items", 0, "opaque")) is REDACTED
    assert secrecy.conceal({"x": CANARY}, ANY, at=("vault",)) == {"x": REDACTED}
    assert secrecy.conceal(CANARY, ANY, at=("items", 0, "kind")) == CANARY


def test_live_values_in_a_request_are_wrapped() -> None:
    """What a PUT carries over from Azure is sent as it is and printed without its secrets."""
    live: dict[str, Any] = strings(OTHER)

    wrapped = secrecy_of(SITE, SITE_API, {}).wrap(live)

    assert encode_wire(wrapped) == encode_wire(live)
    assert OTHER not in repr(wrapped)
