"""The pod's page in a real browser: it works under the headers it is sent with."""

from __future__ import annotations

import argparse
import asyncio
import base64
from pathlib import Path
from typing import cast

import pytest

from engine.app.health import serving
from engine.app.pod_page import PAGE, PodPage
from engine.runtime.controller.board import Board
from engine.runtime.controller.objects import Objects
from tests.browser import CHROMIUM, MISSING, browser
from tests.fakes import FakeClock
from tests.page_cases import There, shop_plan

pytestmark = [pytest.mark.skipif(not CHROMIUM, reason=MISSING), pytest.mark.loopback]
TOKEN = "0123456789abcdef-token"


def test_browser_shows_the_pods_page(tmp_path: Path) -> None:
    """With the token as password the page is shown and searched; nothing else is asked for, nothing is refused."""
    (tmp_path / "token").write_text(TOKEN)
    args = argparse.Namespace(page_addr="127.0.0.1:0", page_token_file=str(tmp_path / "token"), page_cert_dir="")
    board, steps = Board(FakeClock()), shop_plan().steps
    board.note(steps)
    there = There([str(step.key) for step in steps])
    page = PodPage(board=board, objects=cast("Objects", there), is_ours=lambda _: True)

    def look(port: int) -> tuple[str, str, list[str], list[object]]:
        with browser(tmp_path) as shown:
            shown.look()
            given = base64.b64encode(f"me:{TOKEN}".encode()).decode()
            shown.send_headers(Authorization=f"Basic {given}")
            shown.open(f"http://127.0.0.1:{port}/")
            first = shown.run("document.getElementById('count').textContent")
            shown.press("/", *"vault")
            found = shown.run("document.getElementById('count').textContent")
            asked = [e["request"]["url"].partition(f":{port}")[2] for e in shown.seen("Network.requestWillBeSent")]
            return first, found, asked, [*shown.seen("Runtime.exceptionThrown"), *shown.seen("Log.entryAdded")]

    async def serve() -> tuple[str, str, list[str], list[object]]:
        async with serving({PAGE: page.door(args)}) as ports:
            return await asyncio.to_thread(look, ports[PAGE])

    first, found, asked, problems = asyncio.run(serve())

    assert (first, found) == ("11 of 13", "1 of 13")
    assert [a for a in asked if a] == ["/"]
    assert problems == []
