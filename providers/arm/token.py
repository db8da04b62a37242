"""Tokens: fetched once, kept until shortly before they expire, asked for by one caller at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from engine.errors import EngineError, TransientError
from engine.ports import Clock

REFRESH_AHEAD_S: Final = 300.0
FAILURE_KEPT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Headers that authorise a request, and until when (seconds since 1970)."""

    headers: Mapping[str, str]
    expires_on: float

    def __repr__(self) -> str:
        """Never print the token."""
        return f"Token(expires_on={self.expires_on:.0f})"


class TokenSource(Protocol):
    """Who authorises requests."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers of one request."""
        ...

    def held(self) -> Mapping[str, str]:
        """Return the headers that were handed out last; empty before that."""
        ...

    def reject(self) -> None:
        """Forget what was handed out: the server did not accept it."""
        ...


class FixedToken:
    """A worthless token for plain-text endpoints: a real one must never travel unencrypted."""

    async def headers(self) -> Mapping[str, str]:
        """Return a header that only an emulator accepts."""
        return {"authorization": "Bearer plain-http"}

    def held(self) -> Mapping[str, str]:
        """Return nothing: it names nobody."""
        return {}

    def reject(self) -> None:
        """Do nothing: there is no other token."""


class TokenCell:
    """Keeps one token. A failure is kept too, for a moment, so that 10,000 reads do not ask 10,000 times."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Clock) -> None:
        """Hold nothing yet; ``fetch`` raises engine errors."""
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._failure: tuple[float, EngineError] | None = None

    async def headers(self) -> Mapping[str, str]:
        """Return the kept token's headers, fetching a new one when it nears its end.

        Raises:
            PolicyDeniedError: The credential is missing, wrong or expired.
            UnavailableError: The authority did not answer.
        """
        token = self._token
        if token is not None and token.expires_on - self._now() > REFRESH_AHEAD_S:
            return token.headers
        async with self._lock:
            return (await self._renew()).headers

    def held(self) -> Mapping[str, str]:
        """Return the kept token's headers, however old; empty where none is kept."""
        return self._token.headers if self._token is not None else {}

    def reject(self) -> None:
        """Forget the token."""
        self._token = None

    async def _renew(self) -> Token:
        token = self._token
        if token is not None and token.expires_on - self._now() > REFRESH_AHEAD_S:
            return token
        if self._failure is not None and self._failure[0] > self._clock.monotonic():
            return self._usable_or_raise(token, self._failure[1])
        try:
            self._token = token = await self._fetch()
        except EngineError as exc:
            self._failure = (self._clock.monotonic() + FAILURE_KEPT_S, exc)
            return self._usable_or_raise(token, exc)
        self._failure = None
        return token

    def _usable_or_raise(self, token: Token | None, error: EngineError) -> Token:
        """Go on with a token that has still some time when only the authority is away."""
        if token is not None and isinstance(error, TransientError) and token.expires_on - self._now() > 10:
            return token
        raise error.with_traceback(None)  # it is raised many times; its traceback must not grow

    def _now(self) -> float:
        return self._clock.now().timestamp()
