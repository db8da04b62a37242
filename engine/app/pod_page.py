"""The pod's page for people: what the last passes decided, read-only, to whoever has the token."""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import gzip
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.app.certificates import certificate_of
from engine.app.health import Door, Page, Pages, Request
from engine.errors import InvalidSpecError
from engine.model.plan import Plan
from engine.reporting.phrases import plural

if TYPE_CHECKING:
    from engine.reporting.page import Page as Report
    from engine.runtime.controller.board import Board
    from engine.runtime.controller.objects import Objects

PAGE: Final = "--page-addr"
_LEAST_TOKEN: Final = 16
_PATIENCE_S: Final = 60.0
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_UNKNOWN: Final = Page(
    body="a token is needed\n", status=401, headers={"WWW-Authenticate": 'Basic realm="trueup", charset="UTF-8"'}
)
_UNSET: Final = Page(body="the file of the token cannot be used\n", status=503)


class TokenFile:
    """Lets in who has the token in a file; a file that is replaced holds from the next request on."""

    def __init__(self, file: Path) -> None:
        """Read it once.

        Raises:
            InvalidSpecError: It cannot be read, or its token can be guessed.
        """
        self._file = file
        try:
            token = self._token()
        except OSError as exc:
            raise InvalidSpecError(f"--page-token-file {file} cannot be read", detail=str(exc.strerror)) from exc
        if len(token) < _LEAST_TOKEN:
            raise InvalidSpecError(
                f"the token in {file} is too short", hint=f"{_LEAST_TOKEN} characters at least: openssl rand -hex 32"
            )

    def _token(self) -> bytes:
        return self._file.read_bytes().strip()

    async def admit(self, request: Request) -> Page | None:
        """Return why a request is not answered; None when it is."""
        try:
            token = self._token()
        except OSError:
            return _UNSET
        if len(token) < _LEAST_TOKEN:
            return _UNSET
        given = _given(request.headers.get("authorization", ""))
        same = hmac.compare_digest(*(hashlib.sha256(text).digest() for text in (given, token)))
        return None if same else _UNKNOWN


def _given(header: str) -> bytes:
    """Return the token of a program, or the password of a browser whatever the name beside it; empty for neither."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip().encode("latin-1")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


@dataclass(slots=True, kw_only=True)
class PodPage:
    """Makes the page when somebody asks and something was noted since."""

    board: Board
    objects: Objects
    is_ours: Callable[[str], bool]
    _made: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def door(self, args: argparse.Namespace) -> Door:
        """Return where the page is answered.

        Raises:
            InvalidSpecError: An address without a token, or files that cannot be used.
        """
        if args.page_addr in ("", "0"):
            return Door(address="", pages={})
        if not args.page_token_file:
            raise InvalidSpecError(
                "--page-addr without --page-token-file", hint="the page shows all resources: it needs a token"
            )
        context = certificate_of("--page-cert-dir", Path(args.page_cert_dir)) if args.page_cert_dir else None
        gate = TokenFile(Path(args.page_token_file))
        return Door(
            address=args.page_addr, pages=self._pages(), context=context, admit=gate.admit, patience_s=_PATIENCE_S
        )

    def _pages(self) -> Pages:
        return {"/": lambda request: self._answer(request, "plan"), "/drift": lambda r: self._answer(r, "drift")}

    async def _answer(self, request: Request, what: str) -> Page:
        async with self._lock:
            made = self._made.get(what)
            if made is None or made[0] != self.board.version:
                version, plan = self.board.version, self.board.plan(self.objects, self.is_ours)
                unseen = sum(self.is_ours(o.identity[0]) for o in self.objects.all()) - len(plan.steps)
                raw = await asyncio.to_thread(self._render, what, plan, unseen)
                made = self._made[what] = (version, raw)
        takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
        body = made[1] if takes_gzip else await asyncio.to_thread(gzip.decompress, made[1])
        headers = {**_HEADERS, **({"Content-Encoding": "gzip"} if takes_gzip else {})}
        return Page(body=body, content_type="text/html; charset=utf-8", headers=headers)

    def _render(self, what: str, plan: Plan, unseen: int) -> bytes:
        """Return a page, compressed: of many resources it is a tenth then."""
        from engine.app.page_parts import load_page_parts
        from engine.reporting.html import render_page
        from engine.reporting.page import drift_page, plan_page
        from engine.reporting.style import TextOptions

        style = TextOptions(now=self.board.at)
        page: Report = drift_page(plan, style) if what == "drift" else plan_page(plan, style)
        more = [f"{plural(unseen, 'object')} not looked at yet, or without a credential that can be used."]
        page = replace(page, notes=[*page.notes, *(more if unseen > 0 else [])])
        return gzip.compress(render_page(page, load_page_parts()).encode(), 6, mtime=0)
