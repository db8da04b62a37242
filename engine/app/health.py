"""The pod's endpoints for kubelet, Prometheus and people: GET only, one answer per connection, with or without TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from engine.errors import InvalidSpecError

TEXT: Final = "text/plain; charset=utf-8"
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    body: str | bytes
    status: int = 200
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


Pages = Mapping[str, Callable[[Request], Page | Awaitable[Page]]]
Admit = Callable[[Request], Awaitable[Page | None]]
"""Returns why a request is not answered; None when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where pages are answered, and to whom.

    Attributes:
        address: As the option gives it; ``0`` or nothing for nowhere.
        context: Of TLS; None for plain HTTP.
        admit: None where everybody is answered.
        patience_s: How long one answer may take, to the last byte.
    """

    address: str
    pages: Pages
    context: ssl.SSLContext | None = None
    admit: Admit | None = None
    patience_s: float = _PATIENCE_S


def parse_address(option: str, text: str) -> tuple[str, int] | None:
    """Return host and port; None for off: ``0`` or nothing.

    Raises:
        InvalidSpecError: It is neither.
    """
    if text in ("", "0"):
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise InvalidSpecError(f"{option} is {text!r}", hint="an address as :8081 or 127.0.0.1:8081, or 0 for none")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  # a pod's probes come from its node


@contextlib.asynccontextmanager
async def serving(doors: Mapping[str, Door]) -> AsyncIterator[Mapping[str, int]]:
    """Answer meanwhile, each option at its door; yields the port per option: 0 as port lets the system choose.

    Raises:
        InvalidSpecError: An address is none, or is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        ports: dict[str, int] = {}
        for option, door in doors.items():
            address = parse_address(option, door.address)
            if address is not None:
                server = await _listen(option, address, door)
                ports[option] = server.sockets[0].getsockname()[1]
                stack.push_async_callback(_close, server)
        yield ports


async def _close(server: asyncio.Server) -> None:
    server.close()


async def _listen(option: str, address: tuple[str, int], door: Door) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(door.patience_s):
                request = _parse(await reader.readuntil(b"\r\n\r\n"))
                writer.write(_encode(await _choose(request, door), is_head=request.method == "HEAD"))
                await writer.drain()
        writer.close()

    try:
        patience = _PATIENCE_S if door.context is not None else None
        return await asyncio.start_server(answer, *address, ssl=door.context, ssl_handshake_timeout=patience)
    except OSError as exc:
        raise InvalidSpecError(f"{option}: nothing can listen on {address[0]}:{address[1]}", detail=str(exc)) from exc


def _parse(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    fields = (line.partition(":") for line in lines if line)
    return Request(
        method=method,
        path=rest.partition(" ")[0].partition("?")[0],
        headers={name.strip().lower(): value.strip() for name, _, value in fields},
    )


async def _choose(request: Request, door: Door) -> Page:
    if request.method not in ("GET", "HEAD"):
        return Page(body="GET only\n", status=405)
    refused = await door.admit(request) if door.admit is not None else None
    if refused is not None:
        return refused
    path = request.path
    page = door.pages.get(path) or door.pages.get("/" + path.split("/")[1] if "/" in path else "")
    if page is None:
        return Page(body="not found\n", status=404)
    answer = page(request)
    return answer if isinstance(answer, Page) else await answer


def _encode(page: Page, *, is_head: bool) -> bytes:
    body = page.body.encode() if isinstance(page.body, str) else page.body
    more = "".join(f"{name}: {value}\r\n" for name, value in page.headers.items())
    head = (
        f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}\r\nContent-Type: {page.content_type}\r\n"
        f"{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
