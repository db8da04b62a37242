"""The public plan JSON, written and read."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.errors import InvalidSpecError
from engine.model.document import ABSENT, REDACTED, UNKNOWN, Secret, encode_wire
from engine.model.path import ByKey, FieldPath
from engine.model.plan import Action
from engine.reporting.wire import PLAN_FORMAT, decode_plan, encode_plan
from tests.builders import build_change, build_diff, build_path, build_plan, build_request, build_step, build_suppressed
from tests.report_cases import CANARY, PLANS


def encoded(*steps: Any, **fields: Any) -> dict[str, Any]:
    """Return a plan of the steps as decoded JSON."""
    plan: dict[str, Any] = orjson.loads(encode_plan(build_plan(steps, **fields)))
    return plan


def first_change(**fields: Any) -> dict[str, Any]:
    """Return the only change of a plan as decoded JSON."""
    change: dict[str, Any] = encoded(build_step(Action.UPDATE, changes=(build_change(**fields),)))["steps"][0][
        "changes"
    ][0]
    return change


def test_format_comes_first() -> None:
    """A reader that sees only the first bytes knows what it reads."""
    assert encode_plan(build_plan(), indent=False).startswith(b'{"format":"trueup.plan/1",')


def test_absent_is_a_missing_key_and_null_is_null() -> None:
    """No value and JSON null are told apart."""
    added = first_change(before=ABSENT, after="x")
    nulled = first_change(before=None, after="x")

    assert "before" not in added
    assert nulled["before"] is None
    assert "baseline" not in nulled


def test_paths_are_pointers_with_a_readable_form() -> None:
    """Programs get a JSON Pointer, people a text, and both come from one path."""
    path = FieldPath(("properties", "subnets", ByKey(1, "name", "web"), "a/b"))

    change = first_change(path=path, spec_path=build_path("/spec/subnets/1"))

    assert change["path"] == "/properties/subnets/1/a~1b"
    assert change["text"] == "properties.subnets[name=web]['a/b']"
    assert change["specPath"] == "/spec/subnets/1"


def test_unknown_values_are_named_by_pointer() -> None:
    """Null stands for an unknown value, and a pointer into the change says so."""
    change = first_change(after={"id": UNKNOWN, "name": "a"})

    assert change["after"] == {"id": None, "name": "a"}
    assert change["unknown"] == ["/after/id"]


def test_sensitive_values_are_masked_whatever_they_are() -> None:
    """A change marked sensitive shows no value, even one that is no Secret."""
    change = first_change(before=CANARY, after={"key": CANARY}, baseline=CANARY, sensitive=True)

    assert (change["before"], change["after"], change["baseline"]) == ("***", "***", "***")
    assert change["masked"] == ["/before", "/after", "/baseline"]


def test_request_of_several_and_of_none() -> None:
    """``request`` is the first or null; ``requests`` appears when there are several."""
    replace, noop = encoded(build_step(Action.REPLACE), build_step(key="default/StorageAccount/b"))["steps"]

    assert [r["method"] for r in replace["requests"]] == ["DELETE", "PUT"]
    assert replace["request"] == replace["requests"][0]
    assert "body" not in replace["request"]
    assert noop["request"] is None
    assert "requests" not in noop


def test_masked_bodies_cannot_be_sent() -> None:
    """A body read from a saved plan holds REDACTED where a secret was, and sending that is an error."""
    body = {"properties": {"password": Secret(CANARY), "literal": "***"}}
    plan = build_plan([build_step(Action.UPDATE, requests=(build_request(body=body),))])

    read = decode_plan(encode_plan(plan)).steps[0].requests[0].body

    assert read == {"properties": {"password": REDACTED, "literal": "***"}}
    with pytest.raises(ValueError):
        encode_wire(read)


@pytest.mark.parametrize("name", PLANS)
def test_reading_and_writing_again_changes_nothing(name: str) -> None:
    """What was read from a saved plan is written as the same bytes."""
    once = encode_plan(PLANS[name]())

    assert encode_plan(decode_plan(once)) == once


def test_receipts_keep_rule_and_reason_only() -> None:
    """A hidden difference is named with its rule; its values are for ``explain``."""
    item = build_suppressed(before="westeurope", after="West Europe")
    step = build_step(diff=build_diff(suppressed=(item,)))

    assert encoded(step)["steps"][0]["suppressed"] == [
        {"path": "/location", "text": "location", "rule": "region", "why": item.why}
    ]


def test_unknown_keys_are_ignored() -> None:
    """A plan with keys of a later release is read as if they were not there."""
    plan = build_plan([build_step(Action.CREATE)])
    value = orjson.loads(encode_plan(plan))
    value["later"] = value["steps"][0]["later"] = value["steps"][0]["object"]["later"] = {"a": 1}

    assert decode_plan(orjson.dumps(value)) == plan


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "format is missing"),
        (b'{"format":"trueup.plan/2"}', "a newer trueup wrote it"),
        (b'{"format":"trueup.drift/1"}', "not 'trueup.plan/1'"),
        (b'{"format":"trueup.plan/1"}', "/: the key 'id' is missing"),
        (b'{"format":"trueup.plan/1","id":"a","complete":1}', "/complete: true or false belongs here"),
        (b'{"format":"trueup.plan/1","id":"a","complete":true,"steps":{}}', "/steps: a list belongs here"),
        (b'{"format":"trueup.plan/1","id":"a","complete":true,"steps":[7]}', "/steps/0: an object belongs here"),
    ],
    ids=["empty", "list", "newer", "other", "no-id", "type", "steps", "step"],
)
def test_unusable_plans_say_where_and_what(raw: bytes, words: str) -> None:
    """A plan that cannot be read gives one error with the place and what to do."""
    with pytest.raises(InvalidSpecError) as caught:
        decode_plan(raw)

    assert words in str(caught.value)
    assert "trueup plan --out" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("action",), "explode", "'explode' is none of noop, create"),
        (("api",), 7, "a text belongs here"),
        (("id",), 7, "an ARM id or null belongs here"),
        (("preconditions", "generation"), True, "a whole number belongs here"),
        (("request", "masked"), ["/body/none"], "leads nowhere"),
        (("request", "masked"), ["body"], "leads nowhere"),
        (("changes", 0, "path"), "no-slash", "a JSON Pointer starts with '/'"),
        (("changes", 0, "segments"), [None], "an object belongs here"),
    ],
)
def test_broken_steps_say_where(place: tuple[str | int, ...], value: Any, words: str) -> None:
    """A member of the wrong type is named by its pointer."""
    document = encoded(build_step(Action.UPDATE, changes=(build_change(),)))
    holder: Any = document["steps"][0]
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value

    with pytest.raises(InvalidSpecError) as caught:
        decode_plan(orjson.dumps(document))

    assert words in str(caught.value)
    assert "/steps/0" in str(caught.value)


def test_text_that_is_not_unicode_does_not_stop_the_report() -> None:
    """A lone surrogate in a value is replaced: one bad string must not hide a whole plan."""
    change = first_change(before="\ud800", after="fine")

    assert change["before"] == "?"


def test_summary_counts() -> None:
    """The summary counts steps per action and requests per method."""
    plan = encoded(build_step(Action.REPLACE), build_step(Action.BLOCKED, requests=(build_request(),)), build_step())

    assert plan["format"] == PLAN_FORMAT
    assert plan["summary"]["actions"]["replace"] == 1
    assert plan["summary"]["methods"] == {"PATCH": 0, "PUT": 1, "DELETE": 1}
    assert plan["summary"]["writes"] == 2
    assert plan["summary"]["unchanged"] == 1
    assert plan["appliable"] is True
