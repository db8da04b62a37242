"""Delivery to real servers on this machine: what arrives, what is tried again, what is refused for good."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from engine.alerts.outbox import Message
from engine.alerts.settings import Reference, Sink, parse_settings
from engine.errors import EngineError, UnavailableError
from engine.runtime.clock import SystemClock
from providers.alerts.sinks import RefusedError, Sender
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


def test_a_signed_webhook_can_be_checked() -> None:
    """The signature is over time, id and body, so that neither an old copy nor another body passes."""
    with receiver() as there:
        send(sink_of("webhook", there.url, key={"env": "shared"}), message(drifted()))

    ((_, headers, body),) = there.got
    stamped = f"{headers['x-trueup-timestamp']}.{headers['x-trueup-id']}.".encode() + body
    assert headers["x-trueup-id"] == "m-1"
    assert headers["x-trueup-signature"] == f"sha256={hmac.new(b'shared', stamped, hashlib.sha256).hexdigest()}"


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


def test_nobody_there() -> None:
    """A sink that does not answer is tried again, and its address is not told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/T0KEN"

    with pytest.raises(UnavailableError, match="sink s did not answer") as caught:
        send(sink_of("teams", url), message(drifted()))

    assert "T0KEN" not in str(caught.value)


@dataclass
class Mailbox:
    """An SMTP server that takes one message a connection, or refuses it."""

    answer: bytes = b"250 taken"
    port: int = 0
    lines: list[str] = field(default_factory=list)


@contextmanager
def mailbox(answer: bytes = b"250 taken") -> Iterator[Mailbox]:
    found = Mailbox(answer=answer)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            is_data = False
            for raw in self.rfile:
                line = raw.rstrip(b"\r\n")
                found.lines.append(line.decode())
                if is_data and line != b".":
                    continue
                if line[:4].upper() == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    break
                if line[:4].upper() == b"DATA":
                    is_data = True
                    self.wfile.write(b"354 go on\r\n")
                else:
                    self.wfile.write((found.answer if is_data else b"250 fine") + b"\r\n")
                    is_data = False

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def mail_sink(port: int) -> Sink:
    return sink_of(
        "email", host="127.0.0.1", port=port, tls="none", **{"from": "trueup@c1.example", "to": ["ops@c1.example"]}
    )


def test_a_mail_arrives() -> None:
    """The subject is what the message is about, and the id is the same for every try."""
    with mailbox() as there:
        send(mail_sink(there.port), message(drifted()))

    assert "Message-ID: <m-1@trueup.invalid>" in there.lines
    assert any(line.startswith("Subject: [c1] default/StorageAccount/app was changed") for line in there.lines)
    assert "To: ops@c1.example" in there.lines


def test_a_mail_that_is_refused() -> None:
    """A refusal for good is told apart from one for now."""
    with mailbox(b"554 no") as there, pytest.raises(RefusedError):
        send(mail_sink(there.port), message(drifted()))
    with mailbox(b"451 later") as there, pytest.raises(UnavailableError):
        send(mail_sink(there.port), message(drifted()))
