"""Which request mends a difference, what it holds, and under which condition it is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.compare.compare import compare
from engine.errors import EngineError, InvalidSpecError
from engine.model.change import Suppressed
from engine.model.ids import ApiVersion
from engine.model.path import FieldPath
from engine.model.plan import Request, Step
from engine.model.refusal import Refusal
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan
from engine.planning.refusal import refusal_of
from engine.planning.request import plan_delete
from engine.planning.tags import TAGS_API, takes_tags_api
from tests.builders import ENDPOINT, build_actual, build_baseline, build_desired, build_id

Body = dict[str, Any]

ACCOUNT = "Microsoft.Storage/storageAccounts"
VERSION = ApiVersion("2023-01-01")
GROUP: Body = {"properties": {"TTL": 2, "displayName": "other"}}
ALERT: Body = {
    "location": "global",
    "properties": {
        "severity": 3,
        "criteria": {"odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", "allOf": []},
    },
}


def plan(
    desired: Body,
    actual: Body | None,
    *,
    arm_type: str = ACCOUNT,
    api_version: str = VERSION,
    etag: str = "",
    refusals: tuple[Refusal, ...] = (),
    suppressed: tuple[Suppressed, ...] = (),
) -> Step:
    """Plan one resource that Azure holds as told; None: it holds none."""
    state = build_desired(arm_type=arm_type, api_version=ApiVersion(api_version), body=desired)
    if actual is None:
        finding = Finding(desired=state, actual=build_actual(id=state.id))
    else:
        held = build_actual(actual, id=state.id, etag=etag)
        memory = build_baseline(actual, actual, id=state.id, api_version=ApiVersion(api_version))
        diff = compare(state, held, memory)
        diff = replace(diff, suppressed=(*diff.suppressed, *suppressed))
        finding = Finding(desired=state, actual=held, diff=diff, baseline=memory)
    return build_plan(PlanInput(findings=(finding,), endpoint=ENDPOINT, refusals=refusals)).steps[0]


def sent(step: Step) -> tuple[str, Any]:
    (request,) = step.requests
    return request.method, request.body


def account(*, tags: Body | None = None, **properties: Any) -> Body:
    held = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
    return held | ({"tags": tags} if tags is not None else {})


def refusal(member: str = "", *, version: str = VERSION) -> Refusal:
    return Refusal(arm_type=ACCOUNT.lower(), api_version=ApiVersion(version), member=member, why="405 no")


def test_a_member_that_tells_the_kind_of_an_object_goes_along() -> None:
    """Without it a service reads an object of the basic kind, which does not have the changed member."""
    wanted = {**ALERT, "properties": {**ALERT["properties"], "criteria": {**ALERT["properties"]["criteria"]}}}
    wanted["properties"]["criteria"]["allOf"] = [{"name": "cpu", "metricName": "m", "criterionType": "X"}]

    step = plan(wanted, ALERT, arm_type="Microsoft.Insights/metricAlerts", api_version="2018-03-01")

    assert sent(step) == ("PATCH", {"properties": {"criteria": wanted["properties"]["criteria"]}})


def test_the_kind_goes_along_only_where_the_patch_knows_it() -> None:
    """A model of PATCH that lacks the member would refuse it."""
    before = {"location": "westeurope", "properties": {"createMode": "Default", "sslEnforcement": "Enabled"}}
    after = {"location": "westeurope", "properties": {"createMode": "Default", "sslEnforcement": "Disabled"}}

    step = plan(after, before, arm_type="Microsoft.DBforMariaDB/servers", api_version="2018-06-01")

    assert sent(step) == ("PATCH", {"properties": {"sslEnforcement": "Disabled"}})


def test_tags_beside_a_member_go_whole() -> None:
    """Services replace all tags by those of a PATCH: what stays, and what a rule leaves to others, is sent as well."""
    theirs = Suppressed(path=FieldPath(("tags", "owner")), rule="ignore", why="told so", held="them")
    held = account(tags={"app": "shop", "env": "dev", "owner": "them"}, allowSharedKeyAccess=True)

    step = plan(account(tags={"app": "shop", "env": "prod"}, allowSharedKeyAccess=False), held, suppressed=(theirs,))

    assert sent(step)[1]["tags"] | {"owner": "them"} == {"app": "shop", "env": "prod", "owner": "them"}
    assert sent(step)[1]["properties"] == {"allowSharedKeyAccess": False}


def test_tags_of_what_arm_does_not_know_are_a_member() -> None:
    """ARM keeps tags of resources with a location; a record of a vault's key has tags of its own."""
    assert takes_tags_api(ACCOUNT, VERSION)
    assert takes_tags_api("Microsoft.Resources/resourceGroups", "2020-06-01")
    assert not takes_tags_api("Microsoft.KeyVault/vaults/keys", "2023-07-01")


@pytest.mark.parametrize(
    ("refusals", "method"),
    [
        pytest.param((), "PATCH", id="nothing refused"),
        pytest.param((refusal(),), "PUT", id="the method"),
        pytest.param((refusal("properties.allowSharedKeyAccess"),), "PUT", id="the member"),
        pytest.param((refusal("properties"),), "PUT", id="what is around it"),
        pytest.param((refusal("properties.accessTier"),), "PATCH", id="another member"),
        pytest.param((refusal(version="2021-04-01"),), "PATCH", id="another version"),
    ],
)
def test_what_was_refused_is_not_planned_again(refusals: tuple[Refusal, ...], method: str) -> None:
    """A refusal holds for the type at its version, for the member it names, and is told where it made a difference."""
    step = plan(account(allowSharedKeyAccess=False), account(allowSharedKeyAccess=True), refusals=refusals)

    assert sent(step)[0] == method
    assert any("405 no" in note for note in step.notes) is (method == "PUT")


def test_a_refused_tags_api_is_remembered_for_every_version() -> None:
    """The tags API knows no versions of the type."""
    known = (refusal(TAGS_API, version="2021-04-01"),)

    step = plan(account(tags={"a": "2"}), account(tags={"a": "1"}), refusals=known)

    assert sent(step) == ("PATCH", {"tags": {"a": "2"}})
    assert any("tags API" in note for note in step.notes)


@pytest.mark.parametrize(
    ("status", "detail", "member"),
    [
        (405, "MethodNotAllowed: no", ""),
        (415, "no words", ""),
        (400, "PatchNotSupported: Use PUT.", ""),
        (400, "BadRequest: PATCH is not supported for this resource.", ""),
        (400, "BadRequest: The resource type does not support patch operations.", ""),
        (400, "LocationRequired: The location property is required for this definition.", ""),
        (400, "InvalidRequestContent: Required property 'name' not found in JSON. Path 'sku'.", ""),
        (400, "InvalidRequestContent: Could not find member 'tier' on object of type 'Update'.", "properties.tier"),
        (400, "BadRequest: Unknown property 'properties/tier'.", "properties.tier"),
        (400, "InvalidRequestContent: Could not find member 'other' on object of type 'Update'.", None),
        (400, "InvalidParameterValue: The value of 'tier' is not valid.", None),
        (400, "PropertyChangeNotAllowed: Changing property 'tier' is not allowed.", None),
        (409, "Conflict: PATCH is not supported while it is updating.", None),
        (403, "AuthorizationFailed: no", None),
        (404, "ResourceNotFound: no", None),
        (500, "InternalServerError: PATCH not supported", None),
    ],
)
def test_only_words_about_the_patch_are_a_refusal_of_it(status: int, detail: str, member: str | None) -> None:
    """Method, form, and members the PATCH does not know; a value that is wrong is wrong in a PUT as well."""
    error: EngineError = InvalidSpecError("refused", detail=detail)
    error.http_status = status
    patch = Request(method="PATCH", url="https://x/app", body={"properties": {"tier": "Hot"}})

    found = refusal_of(patch, error, ACCOUNT, VERSION)

    assert (found.member if found is not None else None) == member
    assert refusal_of(replace(patch, method="PUT"), error, ACCOUNT, VERSION) is None


@pytest.mark.parametrize(
    ("arm_type", "version", "actual", "etag", "headers"),
    [
        ("Microsoft.Network/dnsZones", "2018-05-01", None, "", (("If-None-Match", "*"),)),
        ("Microsoft.Network/dnsZones", "1999-01-01", None, "", ()),
        (ACCOUNT, VERSION, None, "", ()),
        ("Microsoft.Network/dnsZones/TXT", "2018-05-01", {"properties": {"TTL": 1}}, "e1", (("If-Match", "e1"),)),
        ("Microsoft.Network/dnsZones/TXT", "2018-05-01", {"properties": {"TTL": 1}}, "", ()),
        (ACCOUNT, VERSION, account(accessTier="Hot"), "e1", ()),
        ("Microsoft.ApiManagement/service/groups", "2024-05-01", GROUP, "", (("If-Match", "*"),)),
    ],
)
def test_preconditions_go_where_the_type_takes_them(
    arm_type: str, version: str, actual: Body | None, etag: str, headers: tuple[tuple[str, str], ...]
) -> None:
    """A create wants nothing there, an update what was read; a type that insists gets * where Azure named no etag."""
    body = account(accessTier="Cool") if arm_type == ACCOUNT else {"properties": {"TTL": 2, "displayName": "x"}}

    step = plan(body, actual, arm_type=arm_type, api_version=version, etag=etag)

    assert step.requests[0].headers == headers


def test_a_delete_has_the_etag_that_its_type_insists_on() -> None:
    """API Management refuses a DELETE without If-Match."""
    group = build_id("x", arm_type="Microsoft.ApiManagement/service/groups")

    assert plan_delete(ENDPOINT, group, ApiVersion("2022-08-01")).headers == (("If-Match", "*"),)
    assert plan_delete(ENDPOINT, build_id(), VERSION).headers == ()


def test_a_delete_is_of_what_was_read() -> None:
    """Where the type takes If-Match the DELETE carries the etag; a type that does not gets none."""
    zone = build_id("example.com", arm_type="Microsoft.Network/dnsZones")
    held = build_actual({}, id=zone, etag="e1")

    assert plan_delete(ENDPOINT, zone, ApiVersion("2018-05-01"), actual=held).headers == (("If-Match", "e1"),)
    assert plan_delete(ENDPOINT, zone, ApiVersion("2018-05-01")).headers == ()
    assert plan_delete(ENDPOINT, build_id(), VERSION, actual=held).headers == ()
