"""The emulator on the network: aiohttp's server, one handler, faults on the way."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import uuid
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web

from engine.errors import InvalidSpecError
from engine.ports import Clock
from providers.emulator.answer import Answer, RefusedError
from providers.emulator.certificates import server_context
from providers.emulator.connection import EmulatorConnection, load_ports, save_ports
from providers.emulator.emulator import Emulator
from providers.emulator.gateway import Request
from providers.emulator.options import EmulatorOptions
from providers.emulator.script import Rule
from providers.emulator.traffic import Sent

_BODY_LIMIT = 4 * 1024 * 1024
_BULK_LIMIT = 1 << 30
_CHUNK = 1 << 20
_HTML = (
    b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h2>Our services aren't available "
    b"right now</h2><p>We're working to restore all services as soon as possible.</p></body></html>"
)
_ARM_ROOTS = frozenset({"subscriptions", "providers", "tenants"})
_GRAPH_ROOT = "v1.0"
_FIXED = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


class _CutError(Exception):
    """The connection was cut on purpose; there is nothing to answer."""


class Handler:
    """Turns aiohttp's requests into the emulator's and back."""

    def __init__(self, emulator: Emulator, clock: Clock) -> None:
        """Serve one emulator."""
        self._emulator = emulator
        self._clock = clock
        self._stopping = asyncio.Event()
        self._transports: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()

    def stop(self) -> None:
        """Let go of requests that hang on purpose."""
        self._stopping.set()

    async def cut(self) -> None:
        """Close what clients keep open, without waiting for their half of TLS's farewell."""
        for transport in list(self._transports):
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        await self._clock.sleep(timedelta(0))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whoever it is for."""
        if request.transport is not None:
            self._transports.add(request.transport)
        path = request.rel_url.raw_path
        root = path.strip("/").partition("/")[0].lower()
        if root == "_emulator":
            return await self._control(request)
        if root in _ARM_ROOTS or not root:
            return await self._arm(request, path)
        if root == _GRAPH_ROOT:
            return _response(self._emulator.graph(await _read(request, _BODY_LIMIT)))
        return _response(self._emulator.authority(await _read(request, _BODY_LIMIT)))

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _is_loopback(request.remote):
            refusal = RefusedError(403, "Forbidden", "The control API answers only to this machine.")
            return _response(refusal.answer())
        return _response(self._emulator.control(await _read(request, _BULK_LIMIT)))

    async def _arm(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        method, key = request.method, path.lower()
        traffic = self._emulator.traffic
        traffic.begin(method, key)
        status, body = 0, b""
        try:
            parsed = await _read(request, _BODY_LIMIT)
            body = parsed.body
            response = await self._arm_with_faults(request, path, parsed)
            status = response.status
        except _CutError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        finally:
            client = request.headers.get("x-ms-client-request-id", "")
            sent = Sent(client=client, query=request.rel_url.raw_query_string, body=body)
            traffic.end(method, path, key, status, sent)
        return response

    async def _arm_with_faults(self, request: web.BaseRequest, path: str, parsed: Request) -> web.StreamResponse:
        if parsed.body is _TOO_LARGE:
            refusal = RefusedError(413, "RequestContentTooLarge", "The request content size exceeds the limit of 4 MB.")
            return self._respond(request, refusal.answer())
        rule = self._emulator.script.take_fault(request.method, path)
        await self._wait(self._emulator.options.latency_ms + (rule.delay_ms if rule else 0))
        if rule is None or not rule.kind:
            return self._respond(request, self._emulator.arm(parsed))
        real = None if rule.before_effect and rule.kind != "truncate" else self._emulator.arm(parsed)
        return await self._fault(request, rule, real)

    async def _fault(self, request: web.BaseRequest, rule: Rule, real: Answer | None) -> web.StreamResponse:
        match rule.kind:
            case "drop":
                raise _CutError
            case "hang":
                await self._stopping.wait()
                raise _CutError
            case "html":
                return _response(Answer(503, _HTML, content_type="text/html; charset=utf-8"))
            case "truncate":
                return await _truncate(request, real or Answer(200, b'{"value":[]}'))
        return self._respond(request, _scripted(rule))

    async def _wait(self, milliseconds: int) -> None:
        if milliseconds > 0:
            await self._clock.sleep(timedelta(milliseconds=milliseconds))

    def _respond(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        response = _response(answer, head=request.method == "HEAD")
        headers = response.headers
        headers.update(_FIXED)
        identifier = str(uuid.uuid4())
        headers["x-ms-request-id"] = identifier
        headers["x-ms-correlation-request-id"] = request.headers.get("x-ms-correlation-request-id", identifier)
        headers["x-ms-routing-request-id"] = f"EMULATOR:{self._emulator.now():%Y%m%dT%H%M%SZ}:{identifier}"
        return response


@asynccontextmanager
async def running_emulator(options: EmulatorOptions, clock: Clock) -> AsyncIterator[EmulatorConnection]:
    """Serve an emulator on the running loop until the block is left.

    Raises:
        InvalidSpecError: The state folder is in use or damaged, or the address cannot be listened on.
    """
    emulator = Emulator(options, clock)
    handler = Handler(emulator, clock)
    async with AsyncExitStack() as stack:
        stack.callback(emulator.close)
        server = web.Server(handler.handle, access_log=None, handler_cancellation=True)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(handler.cut)
        stack.push_async_callback(runner.cleanup)
        stack.callback(handler.stop)
        tls = server_context(options.state)
        port = await _listen_again(runner, options, "arm", None if options.plain_http else tls)
        arm = f"{'http' if options.plain_http else 'https'}://{_host(options.host)}:{port}"
        authority = arm
        if options.plain_http:
            authority = f"https://{_host(options.host)}:{await _listen_again(runner, options, 'authority', tls)}"
        emulator.serve_at(arm)
        identity = emulator.identity
        yield EmulatorConnection(
            arm=arm,
            authority=authority,
            ca=str(emulator.ca.resolve()),
            tenant=identity.tenant,
            client=identity.client,
            secret=identity.secret,
            subscription=identity.subscription,
        )


async def _listen_again(
    runner: web.ServerRunner, options: EmulatorOptions, name: str, tls: ssl.SSLContext | None
) -> int:
    """Listen where this state folder was last served, as far as nobody else does by now; clients keep their address."""
    if options.port and name == "arm":
        return await _listen(runner, options.host, options.port, tls)
    ports = load_ports(options.state)
    try:
        port = await _listen(runner, options.host, ports.get(name, 0), tls)
    except InvalidSpecError:
        port = await _listen(runner, options.host, 0, tls)
    if port != ports.get(name):
        save_ports(options.state, {**ports, name: port})
    return port


async def _listen(runner: web.ServerRunner, host: str, port: int, tls: ssl.SSLContext | None) -> int:
    site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=512)
    try:
        await site.start()
    except OSError as exc:
        raise InvalidSpecError(
            "the emulator cannot listen", detail=f"{host}:{port}: {exc.strerror}", hint="give another --listen address"
        ) from exc
    sockets: Any = getattr(site._server, "sockets", ())  # noqa: SLF001  # aiohttp tells the chosen port nowhere else
    return int(sockets[0].getsockname()[1])


_TOO_LARGE = b"\x00too large"


async def _read(request: web.BaseRequest, limit: int) -> Request:
    body = b""
    if request.can_read_body:
        parts, size = [], 0
        async for chunk in request.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size <= limit:
                parts.append(chunk)
        body = b"".join(parts) if size <= limit else _TOO_LARGE
    return Request(
        request.method,
        request.rel_url.raw_path,
        {k.lower(): v for k, v in request.rel_url.query.items()},
        {k.lower(): v for k, v in request.headers.items()},
        body,
        f"{'https' if request.secure else 'http'}://{request.host}",
    )


def _response(answer: Answer, *, head: bool = False) -> web.Response:
    body = None if head or not answer.body else answer.body
    headers = dict(answer.headers)
    if answer.body:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=body, headers=headers)


def _scripted(rule: Rule) -> Answer:
    body = rule.answer.body
    if not isinstance(body, str | bytes):
        import orjson

        body = orjson.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    headers = {str(k): str(v) for k, v in rule.answer.headers.items()}
    kind = headers.pop("Content-Type", headers.pop("content-type", "application/json; charset=utf-8"))
    return Answer(rule.answer.status or 200, raw, headers, kind)


async def _truncate(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Promise the whole body, send half of it, cut the line."""
    body = answer.body or b'{"truncated":'
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    raise _CutError


def _is_loopback(remote: str | None) -> bool:
    return remote is not None and ipaddress.ip_address(remote.partition("%")[0]).is_loopback


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
