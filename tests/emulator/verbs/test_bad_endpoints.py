"""An endpoint that is not Azure, or a broken one: told as such in bounded time, and nothing is sent or remembered."""

from __future__ import annotations

import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from providers.emulator.connection import EmulatorConnection
from tests.verbs_desk import Azure, Desk, Run, account, group

pytestmark = pytest.mark.loopback

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
VERBS = (("plan",), ("drift",), ("apply", "--yes"), ("explain", "rg"))
Answer = tuple[int, dict[str, str], bytes]
Respond = Callable[[str], Answer]


class Endpoint(ThreadingHTTPServer):
    """A server that answers as it is told and keeps what it was asked."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that leave are expected."""


class Handler(BaseHTTPRequestHandler):
    """Answers reads; a write is refused by the base class and seen in ``asked`` of no test."""

    server: Endpoint

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append(f"{self.command} {self.path}")
        status, headers, body = self.server.respond(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def endpoint(respond: Respond, context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """Serve in a thread."""
    server = Endpoint(respond)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def desk_at(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Return a desk that takes an address for Azure."""
    names = dict.fromkeys(EmulatorConnection.__dataclass_fields__, "")
    connection = EmulatorConnection(**names | {"arm": address, "subscription": SUBSCRIPTION})
    desk = Desk(tmp_path, Azure(connection), monkeypatch, capsys, name="rg")
    desk.write(group("rg"), account("one", "rg"), account("two", "rg"), group("rg2"))
    return desk


def check_told(desk: Desk, *words: str) -> list[Run]:
    """Fail unless every verb says what is wrong, without a traceback, at some length, and remembers nothing."""
    runs = [desk.run(*verb) for verb in VERBS]
    for run in runs:
        said = run.out + run.err
        assert run.code in (1, 3), said
        assert "Traceback" not in said
        assert all(word in said for word in words), said
        assert len(said) < 6_000
    assert not desk.state.exists()
    return runs


BIG = b'{"value": [' + b",".join([b'{"id": "/x", "properties": {"a": "' + b"x" * 1_000 + b'"}}'] * 50_000) + b"]}"
MARKED = {"x-ms-request-id": "1"}
ANSWERS: dict[str, tuple[Answer, tuple[str, ...]]] = {
    "web page": ((200, {"Content-Type": "text/html"}, b"<html><title>Sign in</title></html>"), ("web page", "Sign in")),
    "page with an error": ((403, {}, b"<!doctype html><title>Proxy says no</title>"), ("403", "Proxy says no")),
    "cut json": ((200, MARKED, b'{"value": [{"id": "/subscriptions/'), ("cut short",)),
    "nothing": ((200, {}, b""), ("empty",)),
    "nothing with 204": ((204, {}, b""), ("204",)),
    "a number": ((200, MARKED, b"7"), ("no JSON object",)),
    "redirect": ((302, {"Location": "https://login.example/authorize"}, b""), ("302", "login.example")),
    "error without words": ((500, {}, b""), ("500",)),
    "other api": ((404, {}, b'{"message": "no such route"}'), ("404", "no such route")),
    "levels": ((200, MARKED, b'{"value":' + b"[" * 10_000 + b"]" * 10_000 + b"}"), ("nested too deeply",)),
    "binary": ((200, MARKED, bytes(range(256))), ("not JSON",)),
}


@pytest.mark.parametrize("case", ANSWERS, ids=ANSWERS)
def test_what_is_not_azure_is_told(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every verb says what answered in Azure's place; nothing is taken for absent, nothing is written."""
    answer, words = ANSWERS[case]
    with endpoint(lambda _: answer) as server:
        desk = desk_at(f"http://127.0.0.1:{server.server_port}", tmp_path, monkeypatch, capsys)

        check_told(desk, *words)

    assert len(server.asked) < 200


def test_an_endless_list_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list whose pages go on for ever is left; each resource is then read by itself."""

    def respond(path: str) -> Answer:
        page = len(server.asked)
        link = f"http://127.0.0.1:{server.server_port}{path.partition('?')[0]}?page={page}"
        body = b'{"value": [], "nextLink": "%s"}' % link.encode()
        return (200, MARKED, body)

    with endpoint(respond) as server:
        desk = desk_at(f"http://127.0.0.1:{server.server_port}", tmp_path, monkeypatch, capsys)

        desk.run("plan")

    assert len(server.asked) < 40


def test_fifty_megabytes_are_read_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page of fifty megabytes of other people's resources costs a few times its size, not its parsed form."""
    missing = (404, MARKED, b'{"error": {"code": "ResourceNotFound", "message": "no"}}')
    with endpoint(
        lambda path: (200, MARKED, BIG) if path.count("/") < 7 and "storageAccounts?" in path else missing
    ) as server:
        desk = desk_at(f"http://127.0.0.1:{server.server_port}", tmp_path, monkeypatch, capsys)
        tracemalloc.start()
        try:
            planned = desk.plan()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert planned.actions["one"] == "create"
    assert peak < 6 * len(BIG)


def test_nobody_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused connection names the host and what to check."""
    with endpoint(lambda _: (200, {}, b"")) as server:
        address = f"http://127.0.0.1:{server.server_port}"

    check_told(desk_at(address, tmp_path, monkeypatch, capsys), "127.0.0.1", "cannot be reached")


def test_a_certificate_nobody_vouches_for_is_told(
    certified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate of an unknown authority is named as such, with the variables to set."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified / "server.pem")
    with endpoint(lambda _: (200, {}, b""), context) as server:
        address = f"https://127.0.0.1:{server.server_port}"
        desk = desk_at(address, tmp_path, monkeypatch, capsys)
        desk.environment |= {
            "AZURE_AUTHORITY_HOST": address,
            "AZURE_TENANT_ID": SUBSCRIPTION,
            "AZURE_CLIENT_ID": SUBSCRIPTION,
            "AZURE_CLIENT_SECRET": "x",
        }

        check_told(desk, "certificate verify failed", "SSL_CERT_FILE")

    assert server.asked == []
