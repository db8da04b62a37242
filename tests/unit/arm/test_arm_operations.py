"""Long-running operations: what is asked next, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from engine.errors import InvalidSpecError
from providers.arm.answer import Answer
from providers.arm.lro import (
    MAX_WAIT,
    Failed,
    Poller,
    PollKind,
    Running,
    Succeeded,
    Verdict,
    advance,
    decode_poller,
    intend,
    no_answer,
    start,
)
from providers.arm.origin import Origin

HOST = "https://management.azure.com"
ORIGIN = Origin.parse(HOST)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = f"{HOST}/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/x?api-version=1"
OPERATION = f"{HOST}/subscriptions/s/providers/Microsoft.Sql/operations/1?api-version=1&t=1&c=signed"
LOCATION = f"{HOST}/subscriptions/s/providers/Microsoft.Sql/results/1?api-version=1"


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return Answer(status=status, headers={n.replace("_", "-"): v for n, v in headers.items()}, body=raw)


def begin(method: str, status: int, body: Any = None, url: str = URL, **headers: str) -> Verdict:
    return start(method, answer(status, body, **headers), url=url, origin=ORIGIN, now=NOW)


def state(word: str) -> dict[str, Any]:
    return {"id": "/x", "properties": {"provisioningState": word}}


def poller(kind: PollKind = PollKind.OPERATION, method: str = "PUT", **changes: Any) -> Poller:
    url = {PollKind.OPERATION: OPERATION, PollKind.LOCATION: LOCATION, PollKind.RESOURCE: URL, PollKind.REST: URL}[kind]
    return Poller(**{"method": method, "kind": kind, "url": url, "resource_url": URL, **changes})


def ask(asked: Poller, status: int, body: Any = None, **headers: str) -> Verdict:
    return advance(asked, answer(status, body, **headers), origin=ORIGIN, now=NOW)


BOTH = {"azure_asyncoperation": OPERATION, "location": LOCATION}


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        pytest.param(201, state("Creating"), BOTH, PollKind.OPERATION, id="operation-before-location"),
        pytest.param(200, state("Updating"), {"azure_asyncoperation": OPERATION}, PollKind.OPERATION, id="code-200"),
        pytest.param(202, None, {"operation_location": OPERATION}, PollKind.OPERATION, id="operation-location"),
        pytest.param(202, None, {"location": LOCATION}, PollKind.LOCATION, id="location"),
        pytest.param(201, state("RegisteringDns"), {}, PollKind.RESOURCE, id="unknown-state"),
        pytest.param(200, state("Created"), {}, PollKind.RESOURCE, id="created-is-not-final"),
        pytest.param(202, None, {}, PollKind.RESOURCE, id="accepted-without-header"),
        pytest.param(202, state("Succeeded"), {"location": LOCATION}, PollKind.LOCATION, id="accepted-shows-old-state"),
        pytest.param(
            201,
            state("Creating"),
            {"location": "https://westus.rp.kubernetesconfiguration.azure.com/operations/1"},
            PollKind.RESOURCE,
            id="location-on-a-foreign-host",
        ),
        pytest.param(
            201,
            state("Creating"),
            {"azure_asyncoperation": "http://management.azure.com/operations/1"},
            PollKind.RESOURCE,
            id="operation-over-plain-text",
        ),
        pytest.param(
            202,
            None,
            {"azure_asyncoperation": "https://management.azure.com@evil.example/1", "location": LOCATION},
            PollKind.LOCATION,
            id="operation-with-user-in-url",
        ),
    ],
)
def test_what_is_polled(status: int, body: Any, headers: dict[str, str], kind: PollKind) -> None:
    """Operation before Location before the resource itself, each only on ARM's own host; the code does not matter."""
    verdict = begin("PUT", status, body, **headers)

    assert isinstance(verdict, Running)
    assert verdict.poller.kind is kind
    assert verdict.poller.url.startswith(HOST + "/")


@pytest.mark.parametrize(
    ("method", "status", "body", "headers"),
    [
        pytest.param("PUT", 201, state("Succeeded"), {}, id="succeeded"),
        pytest.param("PUT", 201, state("succeeded"), {}, id="letter-case"),
        pytest.param("PUT", 200, {"id": "/x", "tags": {}}, {}, id="no-state"),
        pytest.param("PUT", 201, state("Succeeded"), {"azure_asyncoperation": OPERATION}, id="succeeded-with-header"),
        pytest.param("PUT", 201, {"id": "/x"}, {"location": "/subscriptions/s/x"}, id="relative-location"),
        pytest.param("PATCH", 200, {"id": "/x"}, {}, id="patch"),
        pytest.param("DELETE", 200, None, {}, id="deleted"),
        pytest.param("DELETE", 204, None, {}, id="deleted-silently"),
        pytest.param("DELETE", 200, state("Deleting"), {}, id="deleted-body"),
        pytest.param("POST", 200, {"keys": []}, {}, id="post"),
    ],
)
def test_what_is_done_at_once(method: str, status: int, body: Any, headers: dict[str, str]) -> None:
    """A final state in the answer, or no sign of further work, ends the operation without a poll."""
    verdict = begin(method, status, body, **headers)

    assert isinstance(verdict, Succeeded)


def test_ready_is_final_for_one_type_only() -> None:
    """``Ready`` ends a SQL outbound firewall rule and nothing else."""
    rule = URL.replace("/x?", "/x/outboundFirewallRules/a?")

    verdicts = [begin("PUT", 200, state("Ready"), url=url) for url in (rule, URL)]

    assert [type(v) for v in verdicts] == [Succeeded, Running]


def test_failed_at_once() -> None:
    """A state Failed without any header is a failure with the resource's own reason."""
    body = {"properties": {"provisioningState": "Failed", "provisioningDetails": "deployment unsuccessful"}}

    verdict = begin("PUT", 200, body)

    assert isinstance(verdict, Failed)
    assert verdict.fault.text == "Failed: deployment unsuccessful"


@pytest.mark.parametrize(
    ("asked", "status", "body", "expected"),
    [
        pytest.param(poller(), 200, {"status": "InProgress"}, Running, id="in-progress"),
        pytest.param(poller(), 200, {"status": "CreatingAgentPools: 0/1 nodes"}, Running, id="free-text"),
        pytest.param(poller(), 200, {"status": "Succeeded", "error": None}, Succeeded, id="null-error"),
        pytest.param(poller(), 202, {"status": "SUCCEEDED"}, Succeeded, id="letter-case"),
        pytest.param(poller(), 200, {"status": "Canceled"}, Failed, id="canceled"),
        pytest.param(poller(), 200, {"status": "Failed", "error": {"code": "Conflict"}}, Failed, id="failed"),
        pytest.param(poller(), 204, None, Succeeded, id="operation-without-body"),
        pytest.param(poller(), 202, None, Running, id="accepted-without-body"),
        pytest.param(poller(), 400, {"error": {"code": "BadRequest"}}, Failed, id="operation-refused"),
        pytest.param(poller(method="DELETE"), 404, None, Running, id="delete-record-gone"),
        pytest.param(poller(method="POST", resource_url=""), 404, None, Failed, id="post-record-gone"),
        pytest.param(poller(PollKind.LOCATION), 202, {"status": "Succeeded"}, Running, id="location-202"),
        pytest.param(poller(PollKind.LOCATION), 200, {"id": "/x"}, Succeeded, id="location-200"),
        pytest.param(poller(PollKind.LOCATION), 201, state("Succeeded"), Succeeded, id="location-201"),
        pytest.param(poller(PollKind.LOCATION), 200, state("Updating"), Running, id="location-not-settled"),
        pytest.param(poller(PollKind.LOCATION), 200, state("Failed"), Failed, id="location-failed"),
        pytest.param(poller(PollKind.LOCATION), 200, {"status": "Failed"}, Failed, id="location-operation-failed"),
        pytest.param(poller(PollKind.LOCATION, "DELETE"), 200, None, Succeeded, id="delete-200"),
        pytest.param(poller(PollKind.LOCATION, "DELETE"), 204, None, Succeeded, id="delete-204"),
        pytest.param(poller(PollKind.LOCATION, "DELETE"), 404, None, Running, id="delete-404"),
        pytest.param(poller(PollKind.RESOURCE), 200, state("Creating"), Running, id="resource-creating"),
        pytest.param(poller(PollKind.RESOURCE), 200, state("Succeeded"), Succeeded, id="resource-done"),
        pytest.param(poller(PollKind.RESOURCE), 200, state("Failed"), Failed, id="resource-failed"),
        pytest.param(poller(PollKind.RESOURCE), 404, None, Running, id="resource-not-visible-yet"),
        pytest.param(poller(PollKind.RESOURCE, unanswered=9), 404, None, Failed, id="resource-never-visible"),
        pytest.param(poller(PollKind.RESOURCE, "DELETE"), 200, state("Deleting"), Running, id="still-there"),
        pytest.param(poller(PollKind.RESOURCE, "DELETE"), 404, None, Succeeded, id="gone"),
    ],
)
def test_what_a_poll_means(asked: Poller, status: int, body: Any, expected: type) -> None:
    """Only Succeeded, Failed and Canceled end an operation; how a result is shown depends on what is polled."""
    verdict = ask(asked, status, body)

    assert type(verdict) is expected


@pytest.mark.parametrize(
    ("left_s", "status", "body", "expected"),
    [
        pytest.param(60, 404, None, timedelta(seconds=1), id="not-visible-yet"),
        pytest.param(0.5, 404, None, timedelta(seconds=0.5), id="looked-at-when-patience-ends"),
        pytest.param(0, 404, None, None, id="patience-is-over"),
        pytest.param(3600, 404, None, None, id="made-by-a-clock-that-is-wrong"),
        pytest.param(60, 200, state("Succeeded"), None, id="visible"),
    ],
)
def test_patience_with_what_is_not_visible(left_s: float, status: int, body: Any, expected: timedelta | None) -> None:
    """A write that nobody saw the answer of may have been taken: for a while, what is not to be seen is waited for."""
    intent = decode_poller(intend("PUT", URL, NOW + timedelta(seconds=left_s)).encode(), ORIGIN)

    verdict = ask(intent, status, body)

    assert (verdict.wait if isinstance(verdict, Running) else None) == expected


@pytest.mark.parametrize("status", [301, 408, 429, 500, 503])
@pytest.mark.parametrize("kind", list(PollKind))
def test_polls_without_an_answer(status: int, kind: PollKind) -> None:
    """Throttling, timeouts, redirects and server errors on a poll say nothing: the operation goes on."""
    verdict = ask(poller(kind), status, b"<html>busy</html>")

    assert isinstance(verdict, Running)
    assert verdict.poller.unanswered == 1


@pytest.mark.parametrize("body", [b"<html>", b'{"status": "Succ'], ids=["page", "cut-short"])
def test_garbage_is_no_answer(body: bytes) -> None:
    """A poll that answers 200 in another language, or half, says nothing."""
    verdict = ask(poller(), 200, body)

    assert isinstance(verdict, Running)
    assert verdict.poller.unanswered == 1


def test_lost_record_leads_to_the_resource() -> None:
    """When the operation's record is gone, the resource itself is asked how the write ended."""
    verdict = ask(poller(), 404, {"error": {"code": "NotFound"}})

    assert isinstance(verdict, Running)
    assert (verdict.poller.kind, verdict.poller.url) == (PollKind.RESOURCE, URL)


@pytest.mark.parametrize("code", [404, 410])
@pytest.mark.parametrize("kind", [PollKind.OPERATION, PollKind.LOCATION])
def test_a_delete_without_record_is_over_when_the_resource_is_at_rest(code: int, kind: PollKind) -> None:
    """A lost record says nothing of the delete: while the resource is Deleting it goes on, gone or at rest it ended."""
    verdict = ask(poller(kind, "DELETE"), code)

    assert isinstance(verdict, Running)
    assert verdict.poller.url == URL
    assert isinstance(ask(verdict.poller, 200, state("Deleting")), Running)
    assert isinstance(ask(verdict.poller, 404), Succeeded)
    assert isinstance(ask(verdict.poller, 200, state("Succeeded")), Succeeded)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, state("Creating"), Running, id="works"),
        pytest.param(200, state("Succeeded"), Succeeded, id="settled"),
        pytest.param(200, state("Failed"), Succeeded, id="failed-is-for-the-read-to-say"),
        pytest.param(200, {"id": "/x"}, Succeeded, id="no-state"),
        pytest.param(404, None, Succeeded, id="not-there"),
        pytest.param(405, None, Succeeded, id="no-get"),
        pytest.param(503, None, Running, id="no-answer"),
    ],
)
def test_an_unanswered_write_is_looked_after_until_the_resource_is_at_rest(
    status: int, body: Any, expected: type
) -> None:
    """What is journalled before a write is sent survives as text, and ends when nothing works on the resource."""
    intended = decode_poller(intend("PUT", URL).encode(), ORIGIN)

    verdict = ask(intended, status, body)

    assert not intended.answered
    assert type(verdict) is expected


def test_failure_carries_azures_words() -> None:
    """A failed operation has ARM's code and message, and the details where the useful code hides."""
    body = {
        "status": "Failed",
        "error": {
            "code": "RetryableError",
            "message": "A retryable error occurred.",
            "details": [{"code": "ReferencedResourceNotProvisioned", "message": "Wait for /a."}],
        },
    }

    verdict = ask(poller(), 200, body)

    assert isinstance(verdict, Failed)
    assert (verdict.fault.code, verdict.fault.message) == (
        "RetryableError",
        "A retryable error occurred.; ReferencedResourceNotProvisioned: Wait for /a.",
    )


def test_renewed_urls_are_followed_on_arms_host_only() -> None:
    """A newly signed operation URL replaces the old one; one on another host does not."""
    renewed = OPERATION.replace("signed", "signed-again")

    verdicts = [
        ask(poller(), 202, {"status": "Running"}, azure_asyncoperation=url)
        for url in (renewed, "https://evil.example/operations/1")
    ]

    assert [v.poller.url for v in verdicts if isinstance(v, Running)] == [renewed, OPERATION]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param({"retry_after": "17"}, timedelta(seconds=17), id="seconds"),
        pytest.param({"retry_after": "Thu, 01 Jan 2026 00:00:20 GMT"}, timedelta(seconds=20), id="date"),
        pytest.param({"retry_after": "Thu, 01 Jan 2015 00:00:20 GMT"}, timedelta(milliseconds=100), id="past"),
        pytest.param({"retry_after": "0"}, timedelta(milliseconds=100), id="zero"),
        pytest.param({"retry_after": "99999"}, MAX_WAIT, id="capped"),
        pytest.param({"retry_after": "soon"}, timedelta(seconds=1), id="nonsense"),
        pytest.param({"retry_after_ms": "250"}, timedelta(milliseconds=250), id="milliseconds"),
        pytest.param({}, timedelta(seconds=1), id="none"),
    ],
)
def test_how_long_to_wait(header: dict[str, str], expected: timedelta) -> None:
    """Retry-After is honoured within bounds; without one the wait is our own."""
    verdict = ask(poller(), 200, {"status": "Running"}, **header)

    assert isinstance(verdict, Running)
    assert verdict.wait == expected


def test_own_waits_grow_to_a_limit() -> None:
    """Without Retry-After waits grow from a second to half a minute."""
    asked, waits = poller(), []
    for _ in range(12):
        verdict = ask(asked, 200, {"status": "Running"})
        assert isinstance(verdict, Running)
        waits.append(verdict.wait.total_seconds())
        asked = verdict.poller

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, 30.0)


def test_token_round_trip() -> None:
    """The saved form of a poller brings it back exactly."""
    running = no_answer(poller(polls=3))

    restored = decode_poller(running.poller.encode(), ORIGIN)

    assert restored == running.poller


@pytest.mark.parametrize(
    "token",
    [
        "",
        "{",
        "[]",
        "{}",
        poller().encode().replace('"format":1', '"format":2'),
        poller(url="https://evil.example/1").encode(),
        poller(resource_url="https://evil.example/1").encode(),
        poller().encode().replace("operation", "nonsense", 1),
    ],
    ids=["empty", "cut", "list", "bare", "newer", "foreign", "foreign-resource", "kind"],
)
def test_bad_tokens_are_refused(token: str) -> None:
    """A token that is damaged or leads to another host is refused, and its signed URL is not repeated."""
    with pytest.raises(InvalidSpecError) as caught:
        decode_poller(token, ORIGIN)

    assert "signed" not in str(caught.value)
    assert "evil" not in str(caught.value)
