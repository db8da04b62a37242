"""Mail to a real SMTP server: encrypted and logged in as the settings say, or not sent at all."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509

from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.alerts.settings import Reference, Sink, parse_settings
from engine.errors import EngineError, UnavailableError
from engine.runtime.clock import SystemClock
from providers.alerts.sinks import Sender
from tests.apiserver.certificates import Authority
from tests.drift_cases import drifted
from tests.unit.alerts.test_alert_messages import message

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),  # it does not know of TLS around it
]

LOGIN: dict[str, Any] = {"username": "trueup", "password": {"env": "canary-77"}}


@dataclass
class Mailbox:
    """What a server got, in plain text and encrypted."""

    port: int = 0
    clear: bytes = b""
    hidden: bytes = b""
    mails: list[Envelope] = field(default_factory=list)
    unknown: tuple[str, ...] = ()
    answer: str = "250 taken"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, to: str, _options: Any) -> str:
        """Refuse receivers that are unknown here."""
        if to in self.unknown:
            return "550 no such receiver"
        envelope.rcpt_tos.append(to)
        return "250 fine"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail."""
        self.mails.append(envelope)
        return self.answer


class Listening(SMTP):
    """A server that notes every byte, and whether it came encrypted."""

    def __init__(self, box: Mailbox, *, is_tls: bool, **options: Any) -> None:
        super().__init__(box, hostname="localhost", **options)
        self._box, self._is_tls = box, is_tls

    def data_received(self, data: bytes) -> None:
        if self._is_tls or self._tls_protocol is not None:
            self._box.hidden += data
        else:
            self._box.clear += data
        super().data_received(data)


def admit(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    """Let in who has the password."""
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"trueup", b"canary-77")
    return AuthResult(success=is_right, handled=False)


@contextmanager
def mailbox(tls: ssl.SSLContext | None = None, *, implicit: bool = False, login: bool = False) -> Iterator[Mailbox]:
    """Serve meanwhile: with STARTTLS, with TLS from the beginning, or with neither."""
    box, loop = Mailbox(), asyncio.new_event_loop()
    options: dict[str, Any] = {"loop": loop}
    if login:
        options |= {"authenticator": admit, "auth_required": True, "auth_require_tls": not implicit and tls is not None}
    if tls is not None and not implicit:
        options |= {"tls_context": tls, "require_starttls": True}
    making = loop.create_server(
        lambda: Listening(box, is_tls=implicit, **options), "127.0.0.1", 0, ssl=tls if implicit else None
    )
    server = loop.run_until_complete(making)
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("smtp"))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    """Return what a server on this machine needs."""
    return server_side(authority.issue("server", "mail"))


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def sink(port: int, mode: str, *, host: str = "127.0.0.1", **more: Any) -> Sink:
    mail = {"name": "m", "type": "email", "host": host, "port": port, "tls": mode, "from": "trueup@c1.example"}
    return parse_settings({"sinks": [{**mail, "to": ["ops@c1.example", "dev@c1.example"], **more}]}).sinks["m"]


def send(to: Sink, ca: Path | None, told: Message | None = None) -> None:
    def reveal(reference: Reference) -> str:
        return reference.env

    sender = Sender(SystemClock(), reveal, cluster="c1", lasts=timedelta(hours=1), ca_file=str(ca or ""))
    asyncio.run(sender.send(to, told or message(drifted())))


def test_a_mail_over_starttls(authority: Authority, tls: ssl.SSLContext) -> None:
    """Before STARTTLS a server hears a greeting and nothing else; login and mail are encrypted."""
    with mailbox(tls, login=True) as box:
        send(sink(box.port, "starttls", **LOGIN), authority.path)

    (mail,) = box.mails
    content = mail.original_content or b""
    assert (mail.mail_from, mail.rcpt_tos) == ("trueup@c1.example", ["ops@c1.example", "dev@c1.example"])
    assert b"Message-ID: <m-1@trueup.invalid>" in content
    assert b"Subject: [c1] default/StorageAccount/app was changed" in content
    assert b"AUTH" in box.hidden
    assert [line.split()[0].upper() for line in box.clear.splitlines()] == [b"EHLO", b"STARTTLS"]


def test_a_mail_over_tls(authority: Authority, tls: ssl.SSLContext) -> None:
    """A server that begins with TLS hears nothing in plain text."""
    with mailbox(tls, implicit=True, login=True) as box:
        send(sink(box.port, "tls", **LOGIN), authority.path)

    assert (len(box.mails), box.clear) == (1, b"")


def test_a_mail_in_plain_text_where_that_was_asked_for() -> None:
    """Without TLS and without a login the mail is as it is."""
    with mailbox() as box:
        send(sink(box.port, "none"), None)

    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("mode", "is_tls", "implicit", "ca", "login", "said"),
    [
        ("starttls", False, False, True, "canary-77", "offers no STARTTLS: nothing was sent"),
        ("starttls", True, False, False, "canary-77", "certificate is not trusted (unable to get local issuer certif"),
        ("tls", True, True, False, "canary-77", "certificate is not trusted (unable to get local issuer certificate)"),
        ("tls", False, False, True, "canary-77", "TLS with the mail server failed (WRONG_VERSION_NUMBER)"),
        ("starttls", True, False, True, "canary-78", "the mail server refuses the login (535)"),
    ],
    ids=["no STARTTLS", "unknown authority", "unknown authority, TLS", "no TLS", "wrong password"],
)
def test_what_keeps_a_mail_is_told(
    authority: Authority, tls: ssl.SSLContext, mode: str, is_tls: bool, implicit: bool, ca: bool, login: str, said: str
) -> None:
    """The cause is told, tried again later, and neither password nor mail was sent in plain text."""
    with mailbox(tls if is_tls else None, implicit=implicit, login=is_tls) as box:
        mail = sink(box.port, mode, **{**LOGIN, "password": {"env": login}})
        with pytest.raises(EngineError) as caught:
            send(mail, authority.path if ca else None)

    assert type(caught.value) is UnavailableError
    assert said in str(caught.value)
    assert box.mails == []
    assert not any(word in box.clear for word in (b"AUTH", b"MAIL", b"canary", b"StorageAccount"))
    assert "canary" not in str(caught.value)


def test_a_certificate_for_another_host(tmp_path: Path) -> None:
    """A certificate must be for the host that the settings name."""
    authority = Authority(tmp_path)
    other = server_side(authority.issue("other", "mail", hosts=[x509.DNSName("mail.example")]))
    with mailbox(other) as box, pytest.raises(UnavailableError, match=r"not trusted \(IP address mismatch"):
        send(sink(box.port, "starttls"), authority.path)

    assert box.mails == []


@pytest.mark.parametrize("count", [1, 2])
def test_receivers_that_are_refused_are_told(count: int) -> None:
    """The others get the mail; that somebody did not is not lost."""
    with mailbox() as box:
        box.unknown = ("ops@c1.example", "dev@c1.example")[:count]
        with pytest.raises(RefusedError, match=rf"refuses {count} of 2 receivers \(550\)"):
            send(sink(box.port, "none"), None)

    assert len(box.mails) == 2 - count


@pytest.mark.parametrize(("answer", "expected"), [("554 no", RefusedError), ("451 later", UnavailableError)])
def test_a_mail_that_is_refused(answer: str, expected: type[EngineError]) -> None:
    """A refusal for good is told apart from one for now."""
    with mailbox() as box:
        box.answer = answer
        with pytest.raises(expected, match=answer[:3]) as caught:
            send(sink(box.port, "none"), None)

    assert type(caught.value) is expected
