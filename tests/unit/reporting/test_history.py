"""Lines of the audit log put together to writes, whatever is missing or odd among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import InvalidSpecError
from engine.model.audit import Author, Fate, Principal
from engine.model.document import UNKNOWN, Secret
from engine.model.ids import PlanId
from engine.model.plan import Action
from engine.model.result import RequestIds
from engine.reporting.audit import answer_record, followed_record, hash_body, intent_record, outcome_record
from engine.reporting.history import History, collect_history
from engine.reporting.style import TextOptions
from engine.reporting.text_history import render_history
from tests.builders import build_id, build_request, build_step

START = datetime(2026, 1, 1, tzinfo=UTC)
IDS = RequestIds(client="w1", correlation="c1", request="r1")


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def intent(write: str = "w1", *, second: int = 0, **step: Any) -> dict[str, Any]:
    by = Author(principal=Principal(app_id="app-1"), user="ada", host="desk")
    made = build_step(Action.CREATE, **({"id": build_id("acct")} | step))
    return intent_record(
        write, at(second), plan=PlanId("p1"), by=by, step=made, request=build_request(), secret_key=b"k"
    )


def outcome(write: str = "w1", *, second: int = 3, fate: Fate = Fate.SUCCEEDED) -> dict[str, Any]:
    return outcome_record(write, at(second), fate=fate, http_status=200, ids=IDS, error=None)


def collect(*lines: dict[str, Any] | None, limit: int = 0) -> History:
    return collect_history(lines, chosen=lambda _key, _id: True, since=None, limit=limit)


@pytest.mark.parametrize(
    ("lines", "fate", "followed"),
    [
        ([], Fate.UNKNOWN, False),
        ([answer_record("w1", at(1), http_status=202, ids=IDS)], Fate.UNFINISHED, False),
        ([outcome()], Fate.SUCCEEDED, False),
        (
            [outcome(fate=Fate.UNFINISHED), followed_record(build_id("ACCT"), at(9), fate=Fate.FAILED, error=None)],
            Fate.FAILED,
            True,
        ),
        ([outcome(), followed_record(build_id("acct"), at(9), fate=Fate.FAILED, error=None)], Fate.SUCCEEDED, False),
        ([followed_record(build_id("other"), at(9), fate=Fate.SUCCEEDED, error=None)], Fate.UNKNOWN, False),
    ],
)
def test_later_lines_decide(lines: list[dict[str, Any]], fate: Fate, followed: bool) -> None:
    """An intent alone proves nothing; a followed operation ends only a write of that resource that is still open."""
    (write,) = collect(intent(), *lines).writes

    assert (write.fate, write.followed) == (fate, followed)


@pytest.mark.parametrize(
    "line",
    [
        None,
        {},
        {"format": "trueup.audit/2", "event": "intent"},
        {**intent("w2"), "object": "x"},
        {**intent("w2"), "at": "soon"},
        {**intent("w2"), "action": "burn"},
        {**outcome(), "outcome": "splendid"},
        {**outcome(), "event": "rumour"},
    ],
)
def test_lines_that_cannot_be_read_are_counted(line: dict[str, Any] | None) -> None:
    """A damaged or foreign line is counted and changes nothing."""
    history = collect(intent(), line)

    assert (history.damaged, [w.fate for w in history.writes]) == (1, [Fate.UNKNOWN])


def test_the_newest_are_kept() -> None:
    """A limit drops the oldest writes, and lines that end one of those are no damage."""
    lines = [intent(f"w{n}", second=n) for n in range(4)]

    history = collect(*lines, outcome("w0"), limit=2)

    assert [w.intent["write"] for w in history.writes] == ["w2", "w3"]
    assert (history.older, history.damaged) == (2, 0)


def test_damage_inside_a_line_does_not_stop_the_text() -> None:
    """Parts of the wrong type are left out of the text."""
    broken = {**intent(), "by": 1, "request": None, "changes": [3, {"text": "a", "before": 1}], "plan": 7}

    text = render_history(collect(broken), TextOptions())

    assert "a: 1 → (none)" in text
    assert "unknown: it may have been carried out" in text


def test_a_terminal_obeys_nothing_in_the_log() -> None:
    """Control characters of names, values and Azure's words are printed as escapes."""
    evil = {**intent(), "plan": "\x1b[2J", "changes": [{"text": "a\x1b", "before": "\x1b[31m", "after": "b"}]}
    ended = outcome_record(
        "w1", at(2), fate=Fate.REFUSED, http_status=400, ids=IDS, error=InvalidSpecError("bad \x1b]0;")
    )

    assert "\x1b" not in render_history(collect(evil, ended), TextOptions(verbose=True))


def test_bodies_that_cannot_be_sent_have_no_hash() -> None:
    """What is not known yet is never sent; a secret makes the hash a keyed one."""
    secret = build_request(body={"a": Secret("x")})

    assert hash_body(build_request(body={"a": UNKNOWN}), b"k") == ""
    assert hash_body(secret, b"k") != hash_body(secret, b"other")
    assert hash_body(secret, b"k").startswith("hmac-sha256:")


@pytest.mark.parametrize(("code", "kept"), [("InvalidParameter", "InvalidParameter"), ("a b", ""), ("x" * 200, "")])
def test_words_of_azure_are_not_kept(code: str, kept: str) -> None:
    """The log has Azure's code and our sentence; details, which may quote a secret, are left out."""
    error = InvalidSpecError("Azure refused it", detail="the password hunter2 is too short", hint="hunter2")
    error.code = code

    record = outcome_record("w1", at(2), fate=Fate.REFUSED, http_status=400, ids=IDS, error=error)

    assert (record["code"], record["cause"]) == (kept, "Azure refused it")
    assert "hunter2" not in str(record)
