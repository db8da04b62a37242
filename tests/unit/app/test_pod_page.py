"""The pod's page over HTTP: who is let in, what is answered, how it is kept."""

from __future__ import annotations

import argparse
import asyncio
import base64
import gzip
import http.client
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from engine.app.health import serving
from engine.app.pod_page import PAGE, PodPage
from engine.errors import InvalidSpecError
from engine.model.plan import Action
from engine.model.result import Outcome
from engine.runtime.controller.board import Board
from engine.runtime.controller.objects import Objects
from tests.builders import build_change, build_result, build_step
from tests.fakes import FakeClock
from tests.page_cases import There

TOKEN = "0123456789abcdef-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def arguments(folder: Path, **more: str) -> argparse.Namespace:
    file = folder / "token"
    file.write_text(f"{TOKEN}\n")
    given = {"page_addr": "127.0.0.1:0", "page_token_file": str(file), "page_cert_dir": ""}
    return argparse.Namespace(**(given | more))


def make_page(*names: str) -> PodPage:
    """Return a page over objects of these names."""
    return PodPage(board=Board(FakeClock()), objects=cast("Objects", There(list(names))), is_ours=lambda _: True)


def ask_all(page: PodPage, args: argparse.Namespace, *asks: Callable[[int], object]) -> list[object]:
    """Serve the page, and return what each of these gets."""

    async def serve() -> list[object]:
        async with serving({PAGE: page.door(args)}) as ports:
            return [await asyncio.to_thread(ask, ports[PAGE]) for ask in asks]

    return asyncio.run(serve())


def get(path: str = "/", headers: Mapping[str, str] = BEARER, method: str = "GET") -> Callable[[int], object]:
    """Return a request that gives status, headers and body."""

    def ask(port: int) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        found = (answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return found

    return ask


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


@pytest.mark.loopback
def test_who_has_the_token_is_answered(tmp_path: Path) -> None:
    """Programs send the token, browsers as the password of any name; nobody else learns anything."""
    page = make_page("web/ResourceGroup/app")
    page.board.note([build_step(Action.CREATE, "web/ResourceGroup/app")])
    refused = [{}, {"Authorization": "Bearer wrong"}, basic("wrong"), {"Authorization": "Basic ???"}, basic(TOKEN[:-1])]
    asks = [get(headers=BEARER), get(headers=basic(TOKEN)), *(get(headers=h) for h in refused), get(method="POST")]

    answers = cast("list[tuple[int, dict[str, str], bytes]]", ask_all(page, arguments(tmp_path), *asks))

    assert [status for status, _, _ in answers] == [200, 200, *[401] * 5, 405]
    assert b"web/ResourceGroup/app" in answers[1][2]
    assert all(b"ResourceGroup" not in body for _, _, body in answers[2:])
    assert answers[2][1]["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.loopback
def test_page_is_never_kept_or_framed(tmp_path: Path) -> None:
    """The answer forbids caches, frames and guesses about its type, and comes compressed to who takes that."""
    page = make_page()
    asks = [get(), get(headers={**BEARER, "Accept-Encoding": "gzip"}), get("/nowhere"), get(method="HEAD")]

    plain, packed, missing, head = cast(
        "list[tuple[int, dict[str, str], bytes]]", ask_all(page, arguments(tmp_path), *asks)
    )

    assert plain[1]["Cache-Control"] == "no-store"
    assert plain[1]["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert plain[1]["Content-Type"] == "text/html; charset=utf-8"
    assert packed[1]["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]
    assert (missing[0], head[0], head[2]) == (404, 200, b"")


@pytest.mark.loopback
def test_token_that_is_replaced_holds_from_then_on(tmp_path: Path) -> None:
    """The file is read for each request; one that became empty or unreadable lets nobody in."""
    args, page = arguments(tmp_path), make_page()
    file = Path(args.page_token_file)

    def replaced(text: str | None, headers: Mapping[str, str]) -> Callable[[int], object]:
        def ask(port: int) -> object:
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
            return get(headers=headers)(port)

        return ask

    new = "another-token-0123456789"
    asks = [replaced(new, BEARER), replaced(new, {"Authorization": f"Bearer {new}"}), replaced("", BEARER)]
    answers = ask_all(page, args, *asks, replaced("", {"Authorization": "Bearer "}), replaced(None, BEARER))

    assert [cast("tuple[int]", a)[0] for a in answers] == [401, 200, 503, 503, 503]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"page_token_file": ""}, "without --page-token-file"),
        ({"page_token_file": "/nowhere/token"}, "cannot be read"),
        ({"page_addr": "8080"}, "--page-addr is '8080'"),
    ],
)
def test_wrong_options_are_said_at_start(tmp_path: Path, change: dict[str, str], words: str) -> None:
    """No token file, one that is not there, an address that is none: the pod does not start."""
    with pytest.raises(InvalidSpecError, match=re.escape(words)):
        ask_all(make_page(), arguments(tmp_path, **change))


def test_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """A token of fewer than 16 characters is an error that says how to make one."""
    args = arguments(tmp_path)
    Path(args.page_token_file).write_text("short")

    with pytest.raises(InvalidSpecError, match="openssl rand -hex 32"):
        make_page().door(args)


def test_page_is_off_unless_asked_for(tmp_path: Path) -> None:
    """Without an address nothing is answered anywhere, and no token is needed."""
    args = arguments(tmp_path, page_addr="0", page_token_file="")

    assert ask_all(make_page(), args) == []
    assert make_page().door(args).pages == {}


@pytest.mark.loopback
def test_page_follows_what_passes_decide(tmp_path: Path) -> None:
    """What was written is in sync, what failed says why, what is gone is left out, what was not seen is counted."""
    page = make_page("web/StorageAccount/done", "web/StorageAccount/failed", "web/StorageAccount/new")
    steps = [
        build_step(Action.UPDATE, f"web/StorageAccount/{name}", changes=(build_change(),))
        for name in ("done", "failed", "gone")
    ]
    page.board.note(steps)
    page.board.ended(build_result(steps[0]))
    page.board.ended(build_result(steps[1], outcome=Outcome.FAILED, cause="Azure said NameTaken"))

    answers = cast("list[tuple[int, dict[str, str], bytes]]", ask_all(page, arguments(tmp_path), get(), get("/drift")))
    plan, drift = (body.decode() for _, _, body in answers)

    assert "Plan: 0 to create, 1 to update" in plan
    assert "Azure said NameTaken" in plan
    assert "StorageAccount/gone" not in plan
    assert "1 object not looked at yet" in plan
    assert "Trueup drift" in drift


def test_board_orders_steps_of_different_passes() -> None:
    """What others need stands before them; where they need each other, names decide."""
    board, clock = Board(FakeClock()), There(["a/X/1", "a/X/2"])
    one, two = (build_step(Action.CREATE, f"a/X/{n}") for n in (1, 2))
    board.note([replace(one, depends_on=(two.key,)), two])
    ordered = board.plan(cast("Objects", clock), lambda _: True)
    board.note([replace(two, depends_on=(one.key,))])
    tangled = board.plan(cast("Objects", clock), lambda _: True)

    assert [s.key.name for s in ordered.steps] == ["2", "1"]
    assert [s.key.name for s in tangled.steps] == ["1", "2"]
    assert board.plan(cast("Objects", clock), lambda namespace: namespace != "a").steps == ()
