"""Every recorded write and its polls, replayed through the state machine."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.errors import EngineError, Remedy, TransientError
from providers.arm.answer import Answer
from providers.arm.errors import decode_fault, error_from_fault, is_gone
from providers.arm.lro import Failed, Poller, PollKind, Running, Succeeded, Verdict, advance, decode_poller, start
from providers.arm.origin import Origin

pytestmark = pytest.mark.shared

ORIGIN = Origin.parse("https://management.azure.com")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {
    "Azure-AsyncOperation": PollKind.OPERATION,
    "Operation-Location": PollKind.OPERATION,
    "Location": PollKind.LOCATION,
    "body": PollKind.RESOURCE,
}


def rows(shared: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(shared / "corpus" / "lro.jsonl.xz", "rt") as lines:
        yield from map(json.loads, lines)


def write_answer(row: dict[str, Any]) -> Answer:
    """Rebuild the answer to the write: headers by name, the state where the recording had it."""
    headers = {"x-ms-request-id": "r"}
    foreign = [host for host in row["hosts"] if host and host != "management.azure.com"]
    for name in row["headers"]:
        host = foreign[0] if foreign and name == "location" else "management.azure.com"
        path = row["id"] if name == "location" and row["location_is_self"] else f"/operations/{name}"
        headers[name] = path if row["outcome"] == "relative-url" else f"https://{host}{path}"
    if row["retryAfter"]:
        headers["retry-after"] = row["retryAfter"]
    body: dict[str, Any] = {"id": row["id"]}
    if row["state"]:
        body["properties"] = {"provisioningState": row["state"]}
    return Answer(status=row["code"], headers=headers, body=orjson.dumps(body) if row["has_body"] else b"")


def poll_answer(row: dict[str, Any], place: int) -> Answer:
    poll = row["polls"][place]
    headers = {"x-ms-request-id": "r", **({"retry-after": poll["retryAfter"]} if poll["retryAfter"] else {})}
    body: Any = row["last_poll"] if place == len(row["polls"]) - 1 else None
    if not isinstance(body, dict):
        body = dict.fromkeys(poll["keys"] or (), "x")
        body.pop("properties", None)
        body.pop("error", None)
        body["status"] = poll["status"]
        if poll["provisioningState"]:
            body["properties"] = {"provisioningState": poll["provisioningState"]}
    empty = poll["empty"] or poll["keys"] is None
    return Answer(status=poll["code"], headers=headers, body=b"" if empty else orjson.dumps(body))


def replay(row: dict[str, Any]) -> tuple[Verdict, list[Poller]]:
    url = f"https://management.azure.com{row['id']}?api-version={row['api']}"
    verdict = start(row["method"], write_answer(row), url=url, origin=ORIGIN, now=NOW)
    asked = []
    for place in range(len(row["polls"])):
        if not isinstance(verdict, Running):
            break
        asked.append(verdict.poller)
        verdict = advance(verdict.poller, poll_answer(row, place), origin=ORIGIN, now=NOW)
    return verdict, asked


def word(verdict: Verdict) -> str:
    return {Succeeded: "ok", Failed: "failed", Running: "running"}[type(verdict)]


def expected(row: dict[str, Any]) -> str:
    """Return the verdict a row calls for.

    1. What nobody watched to its end goes on; so does an operation whose poll answered 5xx.
    2. A relative Location names the created resource: done.
    3. A DELETE that answers 202 and shows the resource as it was is not finished, whatever the state in it says.
    """
    if row["outcome"] == "unobserved":
        return "running"
    if row["outcome"] == "relative-url":
        return "ok"
    return "running" if row["method"] == "DELETE" and row["code"] == 202 and not row["polls"] else row["outcome"]


def test_verdicts_agree_with_what_happened(shared: Path) -> None:
    """Each recorded operation ends as Azure ended it, after the same number of polls, asked at the same place."""
    started = [row for row in rows(shared) if row["outcome"] != "http-error"]

    odd = []
    for row in started:
        verdict, asked = replay(row)
        places = {poller.kind for poller in asked}
        if word(verdict) != expected(row) or len(asked) != len(row["polls"]) or places - {KINDS.get(row["kind"])}:
            odd.append((row["method"], row["code"], row["kind"], row["outcome"], word(verdict), len(asked)))

    assert odd == []
    assert len(started) > 2000


def recorded_otherwise(row: dict[str, Any]) -> str:
    """Return why a row was recorded otherwise than it is judged here; empty where both agree."""
    if any(poll["code"] >= 500 for poll in row["polls"]):
        return "5xx-poll"
    if row["outcome"] in ("relative-url", "unobserved"):
        return str(row["outcome"])
    if row["outcome"] != "http-error" and expected(row) != row["outcome"]:
        return "202-with-the-old-resource"
    return ""


def test_rows_recorded_otherwise_are_few_and_known(shared: Path) -> None:
    """Every class of rows whose recorded end is not the judged one is listed with its count."""
    classes = Counter(recorded_otherwise(row) for row in rows(shared))

    del classes[""]
    assert classes == {
        "202-with-the-old-resource": 1,  # a DELETE that shows the resource as it was is not finished
        "5xx-poll": 3,  # the client took it for the end and wrote again; here it is no answer
        "relative-url": 54,  # names what was created; the client refused it and wrote again
        "unobserved": 4,  # nobody watched to the end; here it goes on
    }


def test_foreign_hosts_are_never_asked(shared: Path) -> None:
    """Some answers name another host in Location beside the operation's URL on ARM: only the latter is polled."""
    foreign = [row for row in rows(shared) if any(h and h != "management.azure.com" for h in row["hosts"])]

    verdicts = [replay(row | {"polls": []})[0] for row in foreign]

    assert foreign
    assert all(isinstance(v, Running) and v.poller.url.startswith("https://management.azure.com/") for v in verdicts)


def test_operations_resume_from_their_token(shared: Path) -> None:
    """Whatever goes on can be saved as text and comes back as it was."""
    pollers = [v.poller for row in rows(shared) if isinstance(v := replay(row | {"polls": []})[0], Running)]

    restored = [decode_poller(p.encode(), ORIGIN) for p in pollers]

    assert restored == pollers
    assert len(pollers) > 1000


def test_what_worked_later_was_not_called_final(shared: Path) -> None:
    """A write that failed and later succeeded is an error that waiting may cure; one had its body mended."""
    worked: set[tuple[str, str, str]] = set()
    final = []
    failures = 0
    for row in reversed(list(rows(shared))):
        key = (row["recording"], row["id"], row["method"])
        if row["outcome"] in ("ok", "relative-url") or (row["method"] == "DELETE" and row["code"] == 404):
            worked.add(key)
        elif row["outcome"] in ("http-error", "failed") and key in worked:
            failures += 1
            error = recorded_error(row)
            if not isinstance(error, TransientError):
                final.append(error.detail.partition(":")[0])

    assert set(final) <= {"InvalidValuesForRequestParameters"}
    assert failures > 150


def test_the_verdict_on_each_class_of_refused_writes(shared: Path) -> None:
    """Of 268 refused or failed PUTs that worked later, all but one with a mended body are to be sent again."""
    verdicts: Counter[tuple[str, bool]] = Counter()
    worked: set[tuple[str, str]] = set()
    for row in reversed([r for r in rows(shared) if r["method"] == "PUT"]):
        key = (row["recording"], row["id"])
        if row["outcome"] in ("ok", "relative-url"):
            worked.add(key)
        elif row["outcome"] in ("http-error", "failed"):
            error = recorded_error(row)
            assert error.hint
            assert error.code in str(error)
            verdicts[error.remedy, key in worked] += 1

    assert verdicts == {
        (Remedy.RETRY, True): 182,
        (Remedy.WAIT, True): 85,
        (Remedy.ASK, True): 1,  # InvalidValuesForRequestParameters: its body was mended
        (Remedy.RETRY, False): 3,  # bad input that nothing but its text tells from what time cures
    }


def recorded_error(row: dict[str, Any]) -> EngineError:
    if row["outcome"] == "failed":
        verdict, _ = replay(row)
        assert isinstance(verdict, Failed)
        return error_from_fault(verdict.fault, what="PUT it")
    body = row["error_body"]
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return error_from_fault(decode_fault(Answer(status=row["error_code"], body=raw), NOW), what="PUT it")


def test_every_refusal_explains_itself(shared: Path) -> None:
    """Each recorded refusal and failure yields a code and words, in whatever shape it came."""
    silent = []
    for row in rows(shared):
        if row["outcome"] == "http-error" and row["method"] != "HEAD" and row["error_body"]:
            body = row["error_body"]
            raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
            fault = decode_fault(Answer(status=row["error_code"], body=raw), NOW)
            if not fault.message or (isinstance(body, dict) and not fault.code):
                silent.append((row["error_code"], row["error_shape"], raw[:300]))

    assert silent == []


def test_refused_deletes_of_what_is_gone(shared: Path) -> None:
    """All recorded 404 on DELETE mean that the resource is gone, with or without its parent."""
    missing = [row for row in rows(shared) if row["method"] == "DELETE" and row["code"] == 404]

    answers = [Answer(status=404, body=orjson.dumps(row["error_body"])) for row in missing]

    assert missing
    assert all(is_gone(answer, decode_fault(answer, NOW)) for answer in answers)
