"""Moves bytes: one request, one answer, over small HTTP/1.1 connections on one TLS context.

httpcore looks at every connection of a pool several times per request (encode/httpx#3215), so each worker has a
transport with a single connection; ``sniffio`` is a dependency because httpcore tries to import it on every lock.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import certifi
import httpx

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, UnavailableError
from engine.model.purpose import Purpose
from providers.arm.answer import Answer
from providers.arm.bucket import RequestKind
from providers.arm.errors import UnreachableError, UntrustedError
from providers.arm.gate import Ticket
from providers.arm.options import ArmOptions
from providers.arm.origin import Origin
from providers.arm.throttle import Throttle
from providers.arm.token import TokenSource

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
HTTPX_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
_KEEPALIVE_S: Final = 30.0
_PROMPT_S: Final = 2.0
"""A poll that is not answered by then goes on, but its connection does not count any more."""
_ARM_ITSELF: Final = "microsoft.resources"

MakeWire = Callable[[], httpx.AsyncBaseTransport]


@dataclass(slots=True)
class Traffic:
    """What went over the wire; for benchmarks and for the words at the end of a run.

    Attributes:
        requests: By method; every try counts.
        received_bytes: Of bodies, before decompression.
        bodies_parsed: Answers turned into objects whole; pages that were only split do not count.
        throttled: Answers 429.
    """

    requests: Counter[str] = field(default_factory=Counter)
    sent_bytes: int = 0
    received_bytes: int = 0
    bodies_parsed: int = 0
    throttled: int = 0


class Transport:
    """Sends requests to one origin with one principal's token."""

    def __init__(
        self, options: ArmOptions, *, tokens: TokenSource, throttle: Throttle, make_wire: MakeWire | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            options: Endpoint, time limits, certificate authorities.
            tokens: Who authorises.
            throttle: Who admits.
            make_wire: Makes a connection; the real one unless given.

        Raises:
            InvalidSpecError: The endpoint or the CA file cannot be used.
        """
        self.origin = Origin.parse(options.endpoint)
        self.traffic = Traffic()
        self._options = options
        self._tokens = tokens
        self._throttle = throttle
        self._make_wire = make_wire or wire_maker(options, self.origin)
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._timeouts = httpx.Timeout(options.read_s, connect=options.connect_s).as_dict()

    async def __aenter__(self) -> Self:
        """Return the transport."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        while self._idle:
            await self._idle.pop().aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[], None] | None = None,
    ) -> Answer:
        """Send one request and return its answer, whatever its code; a refused token is renewed once.

        Args:
            method: HTTP method.
            url: Absolute, on this origin, or a path.
            body: JSON, or nothing.
            headers: In addition to the usual ones.
            purpose: Who goes first while requests queue.
            announce: Called when the request's turn has come, before anything is sent.

        Raises:
            PolicyDeniedError: The URL leads to another host, or no token can be had.
            UnavailableError: There was no answer.
        """
        local = self.origin.require(url)
        answer = await self._admitted(method, local, body, headers, purpose=purpose, announce=announce)
        if answer.status == 401:
            self._tokens.reject()
            answer = await self._admitted(method, local, body, headers, purpose=purpose, announce=announce)
        return answer

    async def _admitted(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Sequence[tuple[str, str]],
        *,
        purpose: Purpose,
        announce: Callable[[], None] | None,
    ) -> Answer:
        await self._tokens.headers()  # who cannot sign in does not queue
        subscription, provider = _addressee(url, self.origin)
        ticket = await self._throttle.admit(subscription, RequestKind.of(method), provider=provider, purpose=purpose)
        try:
            # Not before: a token may expire while a request waits for its turn.
            authorization = await self._tokens.headers()
            if announce is not None:
                announce()
            with self._lent(ticket):
                answer = await self._sent(method, url, body, headers, authorization, limit_s=self._limit_s(purpose))
            self._throttle.learn(ticket, answer)
        finally:
            self._throttle.release(ticket)
        self.traffic.throttled += answer.status == 429
        return answer

    @contextmanager
    def _lent(self, ticket: Ticket) -> Iterator[None]:
        """Give back the ticket of a poll that hangs: polls and reads that come after it do not wait for it."""
        if ticket.purpose is not Purpose.POLL:
            yield
            return
        reminder = asyncio.get_running_loop().call_later(_PROMPT_S, self._throttle.release, ticket)
        try:
            yield
        finally:
            reminder.cancel()

    def _limit_s(self, purpose: Purpose) -> float:
        total_s = self._options.total_s
        return min(self._options.poll_s, total_s) if purpose is Purpose.POLL else total_s

    async def _sent(
        self,
        method: str,
        url: str,
        body: bytes,
        headers: Sequence[tuple[str, str]],
        authorization: Mapping[str, str],
        *,
        limit_s: float,
    ) -> Answer:
        self.traffic.requests[method] += 1
        self.traffic.sent_bytes += len(body)
        request = httpx.Request(
            method,
            url,
            headers={**self._headers(authorization, has_body=bool(body)), **{n.lower(): v for n, v in headers}},
            content=body,
            extensions={"timeout": self._timeouts},
        )
        if self._options.on_request is None:
            return await self._exchange(request, limit_s)
        began, status = time.monotonic(), 0
        try:
            answer = await self._exchange(request, limit_s)
            status = answer.status
        finally:
            self._options.on_request(method, url, status, time.monotonic() - began)
        return answer

    def _headers(self, authorization: Mapping[str, str], *, has_body: bool) -> dict[str, str]:
        return {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": self._options.user_agent,
            "x-ms-client-request-id": str(uuid.uuid4()),
            **authorization,
            **({"content-type": "application/json"} if has_body else {}),
        }

    async def _exchange(self, request: httpx.Request, limit_s: float) -> Answer:
        try:
            async with asyncio.timeout(limit_s), self._wire() as wire:
                response = await wire.handle_async_request(request)
                raw = await _read(response)
        except TimeoutError as exc:
            raise UnavailableError(
                f"{self.origin.host} took too long to answer {request.method}",
                detail=f"more than {limit_s:g} s",
            ) from exc
        except HTTPX_ERRORS as exc:
            raise error_from_httpx(exc, host=self.origin.host) from exc
        self.traffic.received_bytes += len(raw)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
        return Answer(status=response.status_code, headers=headers, body=_decompress(raw, headers))

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Lend a connection to one request; one that failed is not used again."""
        wire = self._idle.pop() if self._idle else self._make_wire()
        try:
            yield wire
        except BaseException:
            await wire.aclose()
            raise
        self._idle.append(wire)


def wire_maker(options: ArmOptions, origin: Origin) -> MakeWire:
    """Return what makes connections: all on one TLS context, one connection each.

    Raises:
        InvalidSpecError: The CA file cannot be read, or the proxy's address is none.
    """
    # Reading the machine's authorities takes 50 ms; over plain text nobody asks for them.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if origin.is_plain else build_tls_context(options.ca_file)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_S)
    try:
        proxy = httpx.Proxy(options.proxy) if options.proxy and not origin.is_loopback else None
    except (ValueError, httpx.InvalidURL) as exc:
        raise InvalidSpecError("The address of the proxy cannot be used", detail=str(exc)) from exc

    def make() -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=context, http2=False, limits=limits, trust_env=False, proxy=proxy)

    return make


def build_tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the given authorities, or the public ones.

    Raises:
        InvalidSpecError: The file is missing or holds no certificate.
    """
    path = Path(ca_file or certifi.where())
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as exc:
        raise InvalidSpecError(
            "The file of certificate authorities cannot be used",
            detail=f"{path}: {exc.strerror or exc}",
            hint="SSL_CERT_FILE and REQUESTS_CA_BUNDLE must name a PEM file",
        ) from exc


async def _read(response: httpx.Response) -> bytes:
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # asynchronous transports give nothing else
    parts: list[bytes] = []
    size = 0
    try:
        async for part in stream:
            parts.append(part)
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise UnavailableError("An answer was too large", detail=f"more than {MAX_BODY_BYTES} bytes")
    finally:
        await response.aclose()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompress(raw: bytes, headers: Mapping[str, str]) -> bytes:
    if not raw or headers.get("content-encoding", "").lower() != "gzip":
        return raw
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(raw, MAX_BODY_BYTES)
    except zlib.error as exc:
        raise UnavailableError("An answer could not be decompressed", detail=str(exc)) from exc
    if inflater.unconsumed_tail:
        raise UnavailableError("An answer was too large", detail=f"more than {MAX_BODY_BYTES} bytes")
    return body


def _addressee(url: str, origin: Origin) -> tuple[str, str]:
    """Return whose limits count: the subscription, and the namespace of the provider that answers; empty for ARM."""
    path = url[len(origin.text) :].partition("?")[0].lower()
    segments = path.split("/", 3)
    subscription = segments[2] if len(segments) > 2 and segments[1] == "subscriptions" else ""
    namespace = path.rpartition("/providers/")[2].partition("/")[0] if "/providers/" in path else ""
    return subscription, "" if namespace == _ARM_ITSELF else namespace


def error_from_httpx(exc: Exception, *, host: str) -> EngineError:
    """Return the engine error for any exception of httpx."""
    detail = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    if isinstance(exc, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        if "CERTIFICATE_VERIFY_FAILED" in detail:
            hint = "set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to the file of its certificate authority"
            return UntrustedError(f"The certificate of {host} is not trusted", detail=detail, hint=hint)
        return UnreachableError(f"{host} cannot be reached", detail=detail, hint="check the network and the endpoint")
    if isinstance(exc, (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return InvalidSpecError("A request cannot be written as a URL", detail=detail)
    if isinstance(exc, httpx.TooManyRedirects):
        return PolicyDeniedError(f"{host} redirects", detail=detail)
    return UnavailableError(f"{host} did not answer properly", detail=detail)
