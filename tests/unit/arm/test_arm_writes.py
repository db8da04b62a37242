"""One write and its polls through the adapter."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidSpecError,
    InvariantError,
    NotReadyError,
    OwnershipConflictError,
    PolicyDeniedError,
    ThrottledError,
    TransientError,
    UnavailableError,
)
from engine.model.document import ABSENT, Secret
from engine.model.plan import Request
from engine.model.result import OperationProgress, OperationStatus
from providers.arm.lro import MAX_UNANSWERED
from tests.arm_server import ROOT, STORAGE, Reply, ScriptedArm, refusal, reply, storage_target

RESOURCE = storage_target("a").id
URL = f"https://management.azure.com{RESOURCE}?api-version=2023-01-01"
OPERATION = f"{ROOT}/providers/{STORAGE}/operations/1"


def write(arm: ScriptedArm, method: str = "PUT", body: Any = ABSENT, url: str = URL, **more: Any) -> OperationProgress:
    request = Request(method=method, url=url, body=body, **more)
    return asyncio.run(arm.client().begin(request, resource=RESOURCE))


def refused(answer: Reply, method: str = "PUT", body: Any = ABSENT) -> EngineError:
    with pytest.raises(EngineError) as caught:
        write(ScriptedArm({}, otherwise=answer), method, body)
    return caught.value


def test_body_and_headers_are_sent() -> None:
    """Secrets travel revealed, the request's headers go along, and every request has an id of its own."""
    arm = ScriptedArm({}, otherwise=reply(200, {"id": RESOURCE.text}))

    progress = write(arm, "PATCH", {"properties": {"key": Secret("hidden")}}, headers=(("If-Match", '"1"'),))

    (sent,) = arm.requests
    assert orjson.loads(sent.content) == {"properties": {"key": "hidden"}}
    assert sent.headers["if-match"] == '"1"'
    assert sent.headers["content-type"] == "application/json"
    assert len(sent.headers["x-ms-client-request-id"]) == 36
    assert progress.status is OperationStatus.SUCCEEDED


def test_content_type_of_the_request_wins() -> None:
    """A request that names its content type is sent with that one alone."""
    arm = ScriptedArm({}, otherwise=reply(200))

    write(arm, "PATCH", {}, headers=(("Content-Type", "application/merge-patch+json"),))

    assert arm.requests[0].headers.get_list("content-type") == ["application/merge-patch+json"]


def test_operation_is_followed_to_its_end() -> None:
    """A write that goes on gives a token; polling it gives the next token, then the end."""
    arm = ScriptedArm(
        {
            f"PUT {RESOURCE}": reply(201, {}, azure_asyncoperation=f"https://management.azure.com{OPERATION}?t=1"),
            f"GET {OPERATION}": [
                reply(200, {"status": "Running"}, retry_after="7"),
                reply(200, {"status": "Succeeded"}),
            ],
        }
    )
    client = arm.client()

    async def follow() -> list[OperationProgress]:
        steps = [await client.begin(Request(method="PUT", url=URL, body={}), resource=RESOURCE)]
        while steps[-1].status is OperationStatus.RUNNING:
            steps.append(await client.poll(steps[-1].token))
        return steps

    steps = asyncio.run(follow())

    assert [s.status for s in steps] == ["running", "running", "succeeded"]
    assert steps[1].wait == timedelta(seconds=7)


def test_failed_operation_is_a_result() -> None:
    """An operation that fails is no exception: the progress carries the error in ARM's words."""
    arm = ScriptedArm(
        {
            f"PUT {RESOURCE}": reply(202, None, location=f"https://management.azure.com{OPERATION}"),
            f"GET {OPERATION}": refusal(409, "Conflict", "somebody else writes"),
        }
    )
    client = arm.client()

    async def follow() -> OperationProgress:
        running = await client.begin(Request(method="PUT", url=URL, body={}), resource=RESOURCE)
        return await client.poll(running.token)

    progress = asyncio.run(follow())

    assert progress.status is OperationStatus.FAILED
    assert isinstance(progress.error, ConflictError)
    assert "somebody else writes" in str(progress.error)


def test_one_call_sends_one_request() -> None:
    """A write that is refused for now is not repeated here: the caller decides."""
    arm = ScriptedArm({}, otherwise=refusal(503, "ServiceUnavailable"))

    with pytest.raises(UnavailableError):
        write(arm)

    assert len(arm.requests) == 1


def test_refused_token_is_renewed_once() -> None:
    """401 makes the token be fetched anew and the request be sent once more, not a third time."""
    arm = ScriptedArm({}, otherwise=refusal(401, "ExpiredAuthenticationToken"))

    with pytest.raises(PolicyDeniedError):
        write(arm)

    assert len(arm.requests) == 2


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceGroupNotFound", "ParentResourceNotFound", "OddNotFound"])
def test_deleting_what_is_gone_succeeds(code: str) -> None:
    """404 on DELETE is success: the resource, its parent or its group is gone already."""
    progress = write(ScriptedArm({}, otherwise=refusal(404, code)), "DELETE")

    assert progress.status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("answer", "method", "expected"),
    [
        pytest.param(refusal(400, "BadRequest"), "PUT", TransientError, id="bad-request"),
        pytest.param(refusal(400, "ManagedEnvironmentNotProvisioned"), "PUT", NotReadyError, id="not-ready"),
        pytest.param(refusal(400, "MissingRequiredParameter"), "PUT", InvalidSpecError, id="fatal"),
        pytest.param(refusal(403, "AuthorizationFailed"), "PUT", PolicyDeniedError, id="forbidden"),
        pytest.param(refusal(403, "AnythingElse"), "PUT", PolicyDeniedError, id="forbidden-otherwise"),
        pytest.param(refusal(404, "ResourceGroupNotFound"), "PUT", NotReadyError, id="group-missing"),
        pytest.param(refusal(404, "SubscriptionNotFound"), "PUT", InvalidSpecError, id="subscription-missing"),
        pytest.param(refusal(404, "SubscriptionNotFound"), "DELETE", InvalidSpecError, id="delete-elsewhere"),
        pytest.param(httpx.Response(404, text="<html>nginx"), "DELETE", UnavailableError, id="delete-at-a-web-server"),
        pytest.param(refusal(405, "Odd"), "PUT", InvalidSpecError, id="method"),
        pytest.param(refusal(409, "AnotherOperationInProgress"), "PUT", ConflictError, id="busy"),
        pytest.param(refusal(409, "StorageAccountAlreadyTaken"), "PUT", OwnershipConflictError, id="taken"),
        pytest.param(refusal(409, "ScopeLocked"), "DELETE", PolicyDeniedError, id="locked"),
        pytest.param(refusal(412, "PreconditionFailed"), "PUT", ConflictError, id="etag"),
        pytest.param(refusal(429, "TooManyRequests"), "PUT", ThrottledError, id="throttled"),
        pytest.param(refusal(429, "RetryableError"), "PUT", NotReadyError, id="waits-for-another"),
        pytest.param(refusal(500, "InternalServerError"), "PUT", UnavailableError, id="server-error"),
        pytest.param(httpx.Response(302, headers={"location": "https://x"}), "PUT", UnavailableError, id="redirect"),
        pytest.param(httpx.Response(200, text="<html>Sign in"), "PUT", UnavailableError, id="web-page"),
        pytest.param(reply(201, b'{"id": "/subsc'), "PUT", UnavailableError, id="cut-short"),
        pytest.param(httpx.ReadTimeout("slow"), "PUT", UnavailableError, id="timeout"),
        pytest.param(httpx.ConnectError("refused"), "PUT", UnavailableError, id="no-connection"),
    ],
)
def test_what_a_refusal_means(answer: Reply, method: str, expected: type[EngineError]) -> None:
    """Classes say what to do: only a short list of codes is final, everything else may be tried again."""
    error = refused(answer, method)

    assert type(error) is expected or (expected is UnavailableError and isinstance(error, UnavailableError))
    assert RESOURCE.text in str(error) or "management.azure.com" in str(error)


def test_refusals_carry_when_to_try_again() -> None:
    """Retry-After of a throttled write reaches the caller, as does the HTTP code."""
    error = refused(refusal(429, "TooManyRequests", retry_after="14"))

    assert isinstance(error, ThrottledError)
    assert (error.retry_after, error.http_status) == (timedelta(seconds=14), 429)


def test_unexplained_refusals_wait_long() -> None:
    """A 400 that explains nothing asks for an hour's patience: hammering it helps nobody."""
    error = refused(refusal(400, "BadRequest"))

    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(hours=1)


def test_refusal_that_repeats_a_secret_is_blotted() -> None:
    """A secret of the request never comes back in the words of an error."""
    body = {"properties": {"password": Secret("Canary-4711"), "list": [Secret("Canary-4712")]}}

    error = refused(refusal(400, "BadPassword", "The password Canary-4711 or Canary-4712 is weak"), body=body)

    assert "Canary" not in str(error)
    assert "***" in str(error)


def test_unknown_values_are_never_sent() -> None:
    """A body with a value that is not known yet is refused before anything is sent."""
    arm = ScriptedArm({})

    with pytest.raises(InvariantError):
        write(arm, body={"properties": {"x": ABSENT}})

    assert arm.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://management.azure.com.evil.example/x",
        "https://management.azure.com@evil.example/x",
        "http://management.azure.com/x",
        "https://management.azure.com:444/x",
        "https://management.azure.com/subscriptions/s/../../x?api-version=1",
        "//evil.example/x",
        "https://[broken/x",
    ],
)
def test_other_hosts_get_nothing(url: str) -> None:
    """A request that leads to another host, or climbs, is refused before a token is sent."""
    arm = ScriptedArm({})

    with pytest.raises(PolicyDeniedError):
        write(arm, url=url)

    assert arm.requests == []


def test_odd_names_stay_in_the_path() -> None:
    """A name with characters of URL syntax is one path segment, not a query or a fragment."""
    odd = storage_target("a?b#c d/é").id
    arm = ScriptedArm({}, otherwise=reply(200))
    url = f"https://management.azure.com{odd}?api-version=1"

    asyncio.run(arm.client().begin(Request(method="DELETE", url=url, body=ABSENT), resource=odd))

    assert arm.requests[0].url.path.endswith("/a?b#c d/é")
    assert arm.requests[0].url.query == b"api-version=1"


def poll_after(answer: Reply, unanswered: int = 0) -> OperationProgress:
    arm = ScriptedArm(
        {
            f"PUT {RESOURCE}": reply(202, None, location=f"https://management.azure.com{OPERATION}"),
            f"GET {OPERATION}": answer,
        }
    )
    client = arm.client()

    async def follow() -> OperationProgress:
        progress = await client.begin(Request(method="PUT", url=URL, body={}), resource=RESOURCE)
        for _ in range(unanswered):
            progress = await client.poll(progress.token)
        return await client.poll(progress.token)

    return asyncio.run(follow())


def test_broken_connection_on_a_poll_is_no_answer() -> None:
    """A poll that nobody answers leaves the operation running."""
    progress = poll_after(httpx.ReadError("cut"))

    assert progress.status is OperationStatus.RUNNING


@pytest.mark.parametrize("answer", [httpx.ReadError("cut"), reply(503)], ids=["nobody", "busy"])
def test_patience_with_silent_polls_ends(answer: Reply) -> None:
    """After thirty silent polls in a row the caller is told; the token stays good for later."""
    with pytest.raises(UnavailableError):
        poll_after(answer, unanswered=MAX_UNANSWERED)


def test_forbidden_poll_does_not_end_the_operation() -> None:
    """An identity that may not poll gets an error; the operation is not called failed."""
    with pytest.raises(PolicyDeniedError):
        poll_after(refusal(403, "AuthorizationFailed"))
