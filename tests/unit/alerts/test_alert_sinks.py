"""Delivery to real servers on this machine: what arrives, what is tried again, what is refused for good."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from datetime import timedelta
from typing import Any

import pytest

from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.alerts.settings import Reference, Sink, parse_settings
from engine.errors import EngineError, UnavailableError
from engine.runtime.clock import SystemClock
from providers.alerts.sinks import Sender, sign
from tests.conftest import ROOT
from tests.drift_cases import drifted
from tests.receivers import receiver
from tests.unit.alerts.test_alert_messages import message

pytestmark = pytest.mark.loopback


def sink_of(kind: str, url: str = "", **more: Any) -> Sink:
    """Return a sink whose secrets are named by what they are."""
    secrets = {"url": {"env": url}} if url else {}
    document = {"sinks": [{"name": "s", "type": kind, **secrets, **more}]}
    return parse_settings(document).sinks["s"]


def reveal(reference: Reference) -> str:
    return reference.env or reference.text


def send(sink: Sink, told: Message) -> None:
    sender = Sender(SystemClock(), reveal, cluster="c1", lasts=timedelta(hours=1))
    asyncio.run(sender.send(sink, told))


@pytest.mark.parametrize(
    ("kind", "more", "content"),
    [
        ("slack", {}, "application/json"),
        ("teams", {}, "application/json"),
        ("alertmanager", {"token": {"env": "t0ken"}}, "application/json"),
        ("cloudevents", {}, "application/cloudevents-batch+json"),
        ("pagerduty", {"routingKey": {"env": "routing"}}, "application/json"),
        ("webhook", {"key": {"env": "shared"}}, "application/json"),
    ],
    ids=lambda v: v if isinstance(v, str) and "/" not in v else "",
)
def test_every_http_sink_gets_json(kind: str, more: Any, content: str) -> None:
    """Each is posted what it takes, as the type of content that it takes."""
    with receiver() as there:
        send(sink_of(kind, there.url + "/in", **more), message(drifted()))

    ((path, headers, body),) = there.got
    assert (path, headers["content-type"]) == ("/in", content)
    assert "default/StorageAccount/app" in body.decode()
    assert headers.get("authorization") == ("Bearer t0ken" if kind == "alertmanager" else None)
    assert json.loads(body)


def check_of_the_page() -> Any:
    """Return the function that docs/alerts.md gives to receivers."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "alerts.md").read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(text, "alerts.md", "exec"), found)
    return found["check"]


def test_a_signed_webhook_is_checked_as_the_page_says() -> None:
    """The receiver of the page takes what was sent, once, and nothing that was altered, is old or of another key."""
    with receiver() as there:
        send(sink_of("webhook", there.url, key={"env": "shared"}), message(drifted()))
    ((_, headers, body),) = there.got
    at = int(headers["x-trueup-timestamp"])
    late, early = ({**headers, "x-trueup-timestamp": str(at + n)} for n in (-301, 301))
    check, keys = check_of_the_page(), [b"shared"]

    assert check(headers, body, keys, {}) == "new"
    assert check(headers, body, keys, {headers["x-trueup-id"]: at}) == "again"
    assert check(headers, body, keys, {headers["x-trueup-id"]: at - 700}) == "new"
    assert check(headers, body + b" ", keys, {}) is None
    assert check({**headers, "x-trueup-id": "m-2"}, body, keys, {}) is None
    assert check(headers, body, [b"other"], {}) is None
    assert [check(h, body, keys, {}) for h in (late, early, {}, {**headers, "x-trueup-timestamp": "-1"})] == [None] * 4


def test_an_old_message_with_a_right_signature_is_refused() -> None:
    """The signature is right, and the time is in it: what was recorded cannot be sent again later."""
    body, at = b"{}", int(time.time())
    old, fresh = ({k.lower(): v for k, v in sign([b"shared"], at - age, "m-1", body).items()} for age in (301, 290))

    assert [check_of_the_page()(h, body, [b"shared"], {}) for h in (old, fresh)] == [None, "new"]


def test_a_key_is_changed_without_a_gap() -> None:
    """While there are two keys, receivers that know either take a message."""
    with receiver() as there:
        send(sink_of("webhook", there.url, key={"env": "new"}, oldKey={"env": "old"}), message(drifted()))
    ((_, headers, body),) = there.got

    assert [check_of_the_page()(headers, body, [key], {}) for key in (b"old", b"new", b"odd")] == ["new", "new", None]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, UnavailableError),
        (429, UnavailableError),
        (403, UnavailableError),
        (400, RefusedError),
        (302, UnavailableError),
    ],
)
def test_a_refusal_says_whether_to_try_again(status: int, expected: type[EngineError]) -> None:
    """What time or somebody may cure is tried again; what will never be taken is not. The address is never named."""
    with receiver(status) as there, pytest.raises(expected) as caught:
        send(sink_of("slack", there.url + "/T0KEN"), message(drifted()))

    assert type(caught.value) is expected
    assert "T0KEN" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_the_words_of_a_receiver_are_told() -> None:
    """A short cause says what to mend; addresses, tokens and pages that come back do not."""
    with receiver(400) as there:
        there.headers["Content-Type"] = "text/plain; charset=utf-8"
        there.text = f"invalid_blocks at {there.url}/services/T0KENT0KEN for t0ken-77\x1b[2J"
        sink = sink_of("alertmanager", f"{there.url}/services/T0KENT0KEN", token={"env": "t0ken-77"})
        with pytest.raises(RefusedError) as told:
            send(sink, message(drifted()))
        there.headers["Content-Type"] = "text/html"
        with pytest.raises(RefusedError) as page:
            send(sink, message(drifted()))

    assert str(told.value) == "sink s refuses the message: HTTP 400: invalid_blocks at *** for ***\\u001b[2J"
    assert str(page.value) == "sink s refuses the message: HTTP 400"


@pytest.mark.parametrize(("said", "seconds"), [("30", 30), ("999999", 10_800), ("soon", None), ("", None)])
def test_a_receiver_says_when_to_try_again(said: str, seconds: int | None) -> None:
    """A number of seconds is heeded; anything else leaves the time to us."""
    with receiver(429) as there:
        there.headers["Retry-After"] = said
        with pytest.raises(UnavailableError) as caught:
            send(sink_of("slack", there.url), message(drifted()))

    assert caught.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_token_that_no_header_can_carry() -> None:
    """It is an error of the settings, and is not repeated."""
    with receiver() as there, pytest.raises(EngineError) as caught:
        send(sink_of("cloudevents", there.url, token={"env": "t0ken-ü"}), message(drifted()))

    assert "address or the token of sink s cannot be used" in str(caught.value)
    assert "t0ken" not in str(caught.value)


def test_nobody_there() -> None:
    """A sink that does not answer is tried again, and its address is not told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/T0KEN"

    with pytest.raises(UnavailableError, match="sink s did not answer") as caught:
        send(sink_of("teams", url), message(drifted()))

    assert "T0KEN" not in str(caught.value)
