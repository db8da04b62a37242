"""The pod's endpoints for the kubelet and for Prometheus: plain HTTP, GET only, one answer per connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.errors import InvalidSpecError

TEXT: Final = "text/plain; charset=utf-8"
_PATIENCE_S: Final = 5.0
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    body: str
    status: int = 200
    content_type: str = TEXT


Pages = Mapping[str, Callable[[], Page]]


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
async def serving(addresses: Mapping[str, str], pages_of: Mapping[str, Pages]) -> AsyncIterator[Mapping[str, int]]:
    """Answer meanwhile; yields the port per option: 0 as port lets the system choose.

    Args:
        addresses: Option -> address.
        pages_of: Option -> pages by path.

    Raises:
        InvalidSpecError: An address is none, or is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        ports: dict[str, int] = {}
        for option, text in addresses.items():
            address = parse_address(option, text)
            if address is not None:
                server = await _listen(option, address, pages_of[option])
                ports[option] = server.sockets[0].getsockname()[1]
                stack.push_async_callback(_close, server)
        yield ports


async def _close(server: asyncio.Server) -> None:
    server.close()


async def _listen(option: str, address: tuple[str, int], pages: Pages) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_encode(_choose(head, pages), is_head=head.startswith(b"HEAD ")))
                await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(answer, *address)
    except OSError as exc:
        raise InvalidSpecError(f"{option}: nothing can listen on {address[0]}:{address[1]}", detail=str(exc)) from exc


def _choose(head: bytes, pages: Pages) -> Page:
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if method not in ("GET", "HEAD"):
        return Page(body="GET only\n", status=405)
    page = pages.get(path) or pages.get("/" + path.split("/")[1] if "/" in path else "")
    return page() if page is not None else Page(body="not found\n", status=404)


def _encode(page: Page, *, is_head: bool) -> bytes:
    body = page.body.encode()
    head = (
        f"HTTP/1.1 {page.status} {_REASONS[page.status]}\r\nContent-Type: {page.content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
