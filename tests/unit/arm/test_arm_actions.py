"""Calls for keys through the adapter: lengths, pages, operations, refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.errors import EngineError, PolicyDeniedError, UnavailableError
from schemas.behaviour_types import Call
from tests.arm_server import ROOT, STORAGE, ScriptedArm, refusal, reply
from tests.fakes import FakeClock

ACCOUNT = f"{ROOT}/resourceGroups/rg/providers/{STORAGE}/a"
PATH = f"{ACCOUNT}/listKeys"
HOST = "https://management.azure.com"


def call(arm: ScriptedArm, *, clock: FakeClock | None = None, **members: Any) -> Any:
    asked = Call(name="listKeys", method="POST", path="{id}/listKeys", api_version="2024-01-01", **members)
    return asyncio.run(arm.client(clock).call(asked, PATH))


def test_an_empty_post_says_its_length() -> None:
    """ARM refuses a POST without one; version and path are the call's."""
    arm = ScriptedArm({f"POST {PATH}": reply(200, {"keys": []})})

    assert call(arm) == {"keys": []}

    (request,) = arm.requests
    assert request.headers["content-length"] == "0"
    assert str(request.url) == f"{HOST}{PATH}?api-version=2024-01-01"


def test_pages_are_read_to_the_end() -> None:
    """Items of all pages come as one list."""
    first = reply(200, {"value": [1], "nextLink": f"{HOST}{PATH}/next?x=1"})
    arm = ScriptedArm({f"POST {PATH}": first, f"GET {PATH}/next": reply(200, {"value": [2]})})

    assert call(arm, paged=True)["value"] == [1, 2]


def test_a_link_to_another_host_is_not_followed() -> None:
    """Tokens and keys stay with ARM."""
    arm = ScriptedArm({f"POST {PATH}": reply(200, {"value": [1], "nextLink": "https://evil.test/next"})})

    with pytest.raises(EngineError):
        call(arm, paged=True)

    assert len(arm.requests) == 1


@pytest.mark.parametrize("has_record", [False, True], ids=["location", "record"])
def test_an_operation_is_followed_to_its_result(has_record: bool) -> None:
    """Where the answer takes time its result is what Location says in the end."""
    record = {"azure_asyncoperation": f"{HOST}{ROOT}/operations/1"} if has_record else {}
    accepted = reply(202, None, location=f"{HOST}{ROOT}/results/1", retry_after="7", **record)
    accepted.headers.update({"azure-asyncoperation": record["azure_asyncoperation"]} if has_record else {})
    results = [reply(202), reply(200, {"kubeconfig": "x"})]
    arm = ScriptedArm(
        {
            f"POST {PATH}": accepted,
            f"GET {ROOT}/operations/1": [reply(200, {"status": "InProgress"}), reply(200, {"status": "Succeeded"})],
            f"GET {ROOT}/results/1": results[1:] if has_record else results,
        }
    )

    assert call(arm, is_long_running=True) == {"kubeconfig": "x"}


def test_a_refusal_names_code_and_call() -> None:
    """An identity without the permission gets Azure's own words."""
    arm = ScriptedArm({f"POST {PATH}": refusal(403, "AuthorizationFailed", "may not")})

    with pytest.raises(PolicyDeniedError, match="AuthorizationFailed"):
        call(arm)


def test_a_busy_server_is_asked_again() -> None:
    """Lists of keys change nothing, so that a failed one is repeated."""
    arm = ScriptedArm({f"POST {PATH}": [refusal(503, "Busy"), reply(200, {"keys": [1]})]})

    assert call(arm) == {"keys": [1]}


def test_an_answer_without_values_is_an_error() -> None:
    """Nothing is no answer."""
    with pytest.raises(UnavailableError):
        call(ScriptedArm({f"POST {PATH}": reply(200)}))
