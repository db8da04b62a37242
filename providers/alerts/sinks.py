"""Sends one message to one sink; a refusal that time does not cure is told apart from the others."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import httpx
import orjson

from engine.alerts import chat, messages
from engine.alerts.delivery import RefusedError
from engine.alerts.outbox import Message
from engine.alerts.settings import EVENTS, Reference, Sink
from engine.ports import Clock
from providers.alerts.mail import send_mail, write_mail
from providers.alerts.posting import post

PAGERDUTY: Final = "https://events.pagerduty.com/v2/enqueue"
_TIMEOUT_S: Final = 15.0

Reveal = Callable[[Reference], str]
"""Returns the text that a reference names."""
MakeEvents = Callable[[Message], Awaitable[None]]
"""Tells a message as Kubernetes events."""


class Sender:
    """Sends to every type of sink. No error of its names an address, which may hold a token."""

    def __init__(
        self,
        clock: Clock,
        reveal: Reveal,
        *,
        cluster: str,
        lasts: timedelta,
        ca_file: str = "",
        make_events: MakeEvents | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            clock: For times in messages.
            reveal: Reads secrets, each time they are needed.
            cluster: Named in messages.
            lasts: For how long Alertmanager keeps an alert that is not sent again.
            ca_file: Certificate authorities to trust; empty for the system's.
            make_events: Makes Kubernetes events; None where there is no cluster.
        """
        self._make_events = make_events
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
        if sink.type == EVENTS:
            if self._make_events is None:
                raise RefusedError(f"sink {sink.name} makes Kubernetes events, which only a pod does")
            await self._make_events(message)
            return
        secrets = {name: self._reveal(reference) for name, reference in sink.secrets.items()}
        if sink.type == "email":
            mail = write_mail(message, sink.members, self._cluster, self._clock.now())
            password = secrets.get("password", "")
            await asyncio.to_thread(send_mail, mail, sink.members, password, self._tls, _TIMEOUT_S)
            return
        url = secrets.get("url", PAGERDUTY)
        headers = {"Authorization": f"Bearer {secrets['token']}"} if "token" in secrets else {}
        async with httpx.AsyncClient(verify=self._tls, timeout=_TIMEOUT_S) as client:
            for body, more in self._bodies(sink, secrets, message):
                await post(client, url, body, {**headers, **more}, sink.name, secrets.values())

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
                keys = [secrets[name].encode() for name in ("key", "oldKey") if name in secrets]
                signed = sign(keys, int(now.timestamp()), message.id, body)
                return [(body, {**plain, **signed})]


def sign(keys: Sequence[bytes], at: int, message_id: str, body: bytes) -> dict[str, str]:
    """Return headers that prove who sent a body, and when; with two keys a receiver may know either."""
    signed = f"{at}.{message_id}.".encode() + body
    proofs = [f"sha256={hmac.new(key, signed, hashlib.sha256).hexdigest()}" for key in keys]
    return {"X-Trueup-Timestamp": str(at), "X-Trueup-Id": message_id, "X-Trueup-Signature": ",".join(proofs)}


def _json(value: Any) -> bytes:
    return orjson.dumps(value)
