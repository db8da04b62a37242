"""Sends one message to one sink; a refusal that time does not cure is told apart from the others."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import httpx
import orjson

from engine.alerts import chat, messages
from engine.alerts.outbox import Message
from engine.alerts.settings import Reference, Sink
from engine.errors import EngineError, InvalidSpecError, UnavailableError
from engine.ports import Clock

PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
_TIMEOUT_S: Final = 15.0
_AGAIN: Final = frozenset({401, 403, 404, 408, 409, 425, 429})
"""Refusals that somebody may cure at the receiver; all other 4xx are final."""
_FINAL_SMTP: Final = 500

Reveal = Callable[[Reference], str]
"""Returns the text that a reference names."""


class RefusedError(EngineError):
    """The receiver understood the message and will never take it."""

    reason = "AlertRefused"


class Sender:
    """Sends to every type of sink. No error of its names an address, which may hold a token."""

    def __init__(self, clock: Clock, reveal: Reveal, *, cluster: str, lasts: timedelta, ca_file: str = "") -> None:
        """Open nothing yet.

        Args:
            clock: For times in messages.
            reveal: Reads secrets, each time they are needed.
            cluster: Named in messages.
            lasts: For how long Alertmanager keeps an alert that is not sent again.
            ca_file: Certificate authorities to trust; empty for the system's.
        """
        self._clock = clock
        self._reveal = reveal
        self._cluster = cluster
        self._lasts = lasts
        self._tls = ssl.create_default_context(cafile=ca_file or None)

    async def send(self, sink: Sink, message: Message) -> None:
        """Deliver a message.

        Raises:
            RefusedError: It will never be taken.
            EngineError: It was not taken this time.
        """
        secrets = {name: self._reveal(reference) for name, reference in sink.secrets.items()}
        if sink.type == "email":
            await asyncio.to_thread(self._mail, sink.members, secrets.get("password", ""), message)
            return
        url = secrets.get("url", PAGERDUTY)
        headers = {"Authorization": f"Bearer {secrets['token']}"} if "token" in secrets else {}
        async with httpx.AsyncClient(verify=self._tls, timeout=_TIMEOUT_S) as client:
            for body, more in self._bodies(sink, secrets, message):
                await self._post(client, url, body, {**headers, **more}, sink.name)

    def _bodies(
        self, sink: Sink, secrets: Mapping[str, str], message: Message
    ) -> list[tuple[bytes, Mapping[str, str]]]:
        """Return what is posted, each with its headers."""
        now, cluster = self._clock.now(), self._cluster
        plain = {"Content-Type": "application/json"}
        match sink.type:
            case "alertmanager":
                return [(_json(messages.alertmanager(message, cluster, now, self._lasts)), plain)]
            case "slack":
                return [(_json(chat.slack(message, cluster)), plain)]
            case "teams":
                return [(_json(chat.teams(message, cluster)), plain)]
            case "pagerduty":
                return [(_json(e), plain) for e in messages.pagerduty(message, cluster, secrets["routingKey"])]
            case "cloudevents":
                batch = {"Content-Type": "application/cloudevents-batch+json"}
                return [(_json(messages.cloudevents(message, cluster)), batch)]
            case _:
                body = _json(messages.webhook(message, cluster))
                signed = sign(secrets["key"].encode(), int(now.timestamp()), message.id, body)
                return [(body, {**plain, **signed})]

    async def _post(
        self, client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str], name: str
    ) -> None:
        try:
            answer = await client.post(url, content=body, headers=dict(headers))
        except httpx.InvalidURL as exc:
            raise InvalidSpecError(f"the address of sink {name} cannot be used") from exc
        except httpx.HTTPError as exc:
            raise UnavailableError(f"sink {name} did not answer ({type(exc).__name__})") from exc
        if 200 <= answer.status_code < 300:
            return
        if 400 <= answer.status_code < 500 and answer.status_code not in _AGAIN:
            raise RefusedError(f"sink {name} refuses the message: HTTP {answer.status_code}")
        raise UnavailableError(f"sink {name} answered HTTP {answer.status_code}")

    def _mail(self, members: Mapping[str, Any], password: str, message: Message) -> None:
        mail = EmailMessage()
        mail["Subject"] = _one_line(messages.title_of(message, self._cluster))
        mail["From"], mail["To"] = members["from"], ", ".join(members["to"])
        mail["Date"] = format_datetime(self._clock.now())
        mail["Message-ID"] = f"<{message.id}@trueup.invalid>"
        mail.set_content(messages.text_of(message))
        mode = members.get("tls", "starttls")
        host, port = members["host"], members.get("port", 465 if mode == "tls" else 587)
        try:
            with self._connect(host, port, mode) as server:
                if mode == "starttls":
                    server.starttls(context=self._tls)
                if password:
                    server.login(members.get("username", ""), password)
                server.send_message(mail)
        except smtplib.SMTPResponseException as exc:
            if exc.smtp_code >= _FINAL_SMTP and not isinstance(exc, smtplib.SMTPAuthenticationError):
                raise RefusedError(f"the mail server refuses the message: {exc.smtp_code}") from exc
            raise UnavailableError(f"the mail server answered {exc.smtp_code}") from exc
        except (smtplib.SMTPException, OSError) as exc:
            raise UnavailableError(f"the mail server did not take the message ({type(exc).__name__})") from exc

    def _connect(self, host: str, port: int, mode: str) -> smtplib.SMTP:
        if mode == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=self._tls)
        return smtplib.SMTP(host, port, timeout=_TIMEOUT_S)


def sign(key: bytes, at: int, message_id: str, body: bytes) -> dict[str, str]:
    """Return headers that prove who sent a body, and when: receivers refuse what is old, or an id seen before."""
    mac = hmac.new(key, f"{at}.{message_id}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Trueup-Timestamp": str(at), "X-Trueup-Id": message_id, "X-Trueup-Signature": f"sha256={mac}"}


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
