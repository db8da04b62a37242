"""Posts one body to a receiver and says in words what it answered, without addresses and secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx

from engine.alerts.delivery import RefusedError
from engine.errors import EngineError, InvalidSpecError, UnavailableError
from engine.reporting.values import printable

_AGAIN: Final = frozenset({401, 403, 404, 408, 409, 425, 429})
"""Refusals that somebody may cure at the receiver; all other 4xx are final."""
_READ: Final = 4_096
"""Bytes of an answer that are read."""
_SHOWN: Final = 200
_TELLING: Final = 6
"""Parts of an address this long or longer are masked."""
_LONGEST_WAIT: Final = 3 * 3600


async def post(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str], sink: str, secrets: Collection[str]
) -> None:
    """Send a body.

    Args:
        client: Whose connections are used.
        url: Where to.
        body: What.
        headers: With the type of the content.
        sink: Its name, for messages.
        secrets: Texts that no message repeats, should the receiver send them back.

    Raises:
        RefusedError: It will never be taken.
        InvalidSpecError: It cannot be sent as the settings say.
        UnavailableError: It was not taken this time.
    """
    try:
        async with client.stream("POST", url, content=body, headers=dict(headers)) as answer:
            if not 200 <= answer.status_code < 300:
                raise await _explain(answer, sink, {url, *secrets})
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise InvalidSpecError(f"the address or the token of sink {sink} cannot be used") from exc
    except httpx.HTTPError as exc:
        raise UnavailableError(f"sink {sink} did not answer ({type(exc).__name__})") from exc


async def _explain(answer: httpx.Response, sink: str, secrets: Collection[str]) -> EngineError:
    code, said = answer.status_code, _masked(await _read(answer), secrets)
    if 400 <= code < 500 and code not in _AGAIN:
        return RefusedError(f"sink {sink} refuses the message: HTTP {code}", detail=said)
    wait = answer.headers.get("Retry-After", "")
    after = timedelta(seconds=min(int(wait), _LONGEST_WAIT)) if wait.isdecimal() and len(wait) < 10 else None
    return UnavailableError(f"sink {sink} answered HTTP {code}", detail=said, retry_after=after)


async def _read(answer: httpx.Response) -> str:
    """Return the beginning of what a receiver says in words; nothing of a page."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "text/plain" and not kind.endswith("json"):
        return ""
    async for chunk in answer.aiter_bytes(_READ):
        return chunk[:_READ].decode("utf-8", "replace")
    return ""


def _masked(text: str, secrets: Collection[str]) -> str:
    parts = {part for secret in secrets for part in (secret, *_parts(secret))}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***") if part else text
    text = printable(" ".join(text.split()))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _parts(secret: str) -> list[str]:
    """Return what an address is made of, as far as it tells something."""
    if "://" not in secret:
        return []
    try:
        address = urlsplit(secret)
    except ValueError:
        return []
    found = [address.netloc, address.hostname or "", address.query, *address.path.split("/")]
    return [part for part in found if len(part) >= _TELLING]
