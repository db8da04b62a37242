"""The real connection against servers that behave badly, on this machine."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from engine.errors import InvalidSpecError, PolicyDeniedError, UnavailableError
from engine.model.hold import HoldKind
from engine.model.ids import ArmId
from engine.model.state import Presence
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.arm.origin import Origin
from providers.arm.throttle import Throttle
from providers.arm.token import FixedToken
from providers.arm.transport import Transport, build_tls_context, wire_maker
from tests.arm_server import ROOT, ScriptedArm, page, refusal, reply, storage_target
from tests.fakes import FakeClock

LOCK = "/providers/Microsoft.Authorization/locks"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BODY = b'{"id": "/x"}'


def plain(raw: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)

    return serve


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """Serve on a free port and yield the endpoint; leave no connection behind."""
    handlers: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*handlers)


async def talk(serve: Serve, **options: float) -> object:
    """Send one GET to a server made of one function; return the answer or the error."""
    async with serving(serve) as endpoint:
        settings = ArmOptions(endpoint=endpoint, **options)  # type: ignore[arg-type]
        async with Transport(settings, tokens=FixedToken(), throttle=Throttle(FakeClock())) as transport:
            try:
                return await transport.send("GET", "/subscriptions/s?api-version=1")
            except Exception as exc:  # what kind is what the tests ask
                return exc


def answer_of(raw: bytes) -> object:
    return asyncio.run(talk(plain(raw)))


@pytest.mark.loopback
def test_compressed_answers_are_opened() -> None:
    """A gzip body arrives as its contents; the counters see what travelled."""
    packed = gzip.compress(BODY)
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed

    answer = answer_of(raw)

    assert getattr(answer, "body", None) == BODY


@pytest.mark.loopback
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH_9.0\r\n", id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", id="cut-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", id="cut-chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", id="not-gzip"),
    ],
)
def test_broken_answers_are_unavailable(raw: bytes) -> None:
    """Whatever breaks off or is no HTTP becomes the engine's own error."""
    outcome = answer_of(raw)

    assert isinstance(outcome, UnavailableError)


@pytest.mark.loopback
def test_silence_ends() -> None:
    """A server that accepts and says nothing is given up after the time allowed."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    outcome = asyncio.run(talk(silent, read_s=0.05))

    assert isinstance(outcome, UnavailableError)


@pytest.mark.loopback
def test_dripping_server_ends() -> None:
    """A server that keeps every read alive but never finishes is cut off by the whole request's limit."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0)

    outcome = asyncio.run(talk(drip, read_s=5, total_s=0.1))

    assert isinstance(outcome, UnavailableError)
    assert "too long" in str(outcome)


@pytest.mark.loopback
def test_closed_port_is_unreachable() -> None:
    """A refused connection names the host and what to check, for every resource."""

    async def read() -> Presence:
        async with serving(plain(b"")) as endpoint:
            pass
        async with AzureResourceManager(ArmOptions(endpoint=endpoint), FakeClock()) as azure:
            state = await azure.fetch(storage_target("a"))
        assert "cannot be reached" in state.cause
        return state.presence

    presence = asyncio.run(read())

    assert presence is Presence.UNREADABLE


@pytest.mark.loopback
def test_connections_are_kept() -> None:
    """Requests one after the other share one connection."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while not reader.at_eof():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)

    async def send_three() -> int:
        async with serving(serve) as endpoint:
            options = ArmOptions(endpoint=endpoint)
            async with Transport(options, tokens=FixedToken(), throttle=Throttle(FakeClock())) as transport:
                for _ in range(3):
                    await transport.send("GET", "/subscriptions/s")
        return transport.traffic.received_bytes

    received = asyncio.run(send_three())

    assert connections == 1
    assert received == 3 * len(BODY)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "management.azure.com",
        "ftp://x",
        "https://",
        "https://x/path",
        "https://u@x",
        "https://x:port",
        "https://[x",
    ],
)
def test_unusable_endpoints(endpoint: str) -> None:
    """An endpoint is scheme and host and nothing else; the error names the variable."""
    with pytest.raises(InvalidSpecError, match="AZURE_RESOURCE_MANAGER_ENDPOINT"):
        Origin.parse(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("https://Management.Azure.com/", "https://management.azure.com"),
        ("https://management.azure.com:443", "https://management.azure.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_endpoints_have_one_spelling(endpoint: str, text: str) -> None:
    """Letter case, default ports and a closing slash do not make another host."""
    origin = Origin.parse(endpoint)

    assert origin.text == text
    assert origin.localize(f"{endpoint.rstrip('/')}/a?b=c") == f"{text}/a?b=c"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "nonsense"])
def test_unusable_ca_files(tmp_path: Path, content: str | None) -> None:
    """A CA file that is missing or holds no certificate is named with its variables."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(InvalidSpecError, match="SSL_CERT_FILE") as caught:
        build_tls_context(str(file))

    assert str(file) in str(caught.value)


def test_unusable_proxy() -> None:
    """A proxy's address that is none is refused at once."""
    options = ArmOptions(proxy="nonsense://x y")

    with pytest.raises(InvalidSpecError, match="proxy"):
        wire_maker(options, Origin.parse(options.endpoint))


def test_real_tokens_never_travel_in_plain_text() -> None:
    """At an http endpoint with Microsoft's authority a worthless token is sent, whatever the credential."""
    arm = ScriptedArm({}, otherwise=reply(200, {}))
    credential = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "Canary-4711"}
    options = ArmOptions(endpoint="http://127.0.0.1:1", credential=credential)
    client = AzureResourceManager(options, FakeClock(), make_wire=lambda: httpx.MockTransport(arm.handle))

    asyncio.run(client.fetch(storage_target("a")))

    assert arm.requests[0].headers["authorization"] == "Bearer plain-http"


def test_children_are_listed_over_pages() -> None:
    """All pages count; a page that cannot be read makes the whole list unknown, not shorter."""
    group = storage_target("a").id.parent
    assert group is not None
    path = f"GET {group}/resources"
    link = f"https://management.azure.com{group}/resources?api-version=2021-04-01&$skiptoken=1"
    whole = ScriptedArm({path: [page(["/a", "/b"], link), page(["/c"])]})
    torn = ScriptedArm({path: [page(["/a"], link), refusal(403, "AuthorizationFailed")]})
    foreign = ScriptedArm({path: page(["/a"], "https://evil.example/next")})
    gone = ScriptedArm({path: refusal(404, "ResourceGroupNotFound")})

    children = [asyncio.run(arm.client().list_children(group)) for arm in (whole, torn, foreign, gone)]

    assert [c and [i.text for i in c] for c in children] == [["/a", "/b", "/c"], None, None, ()]


@pytest.mark.parametrize(
    ("answer", "locks", "cause"),
    [
        (reply(200, {"value": [{"id": f"{ROOT}{LOCK}/a", "properties": {"level": "ReadOnly"}}]}), [("a", True)], ""),
        (
            reply(200, {"value": [{"id": f"{ROOT}{LOCK}/a", "properties": {"level": "CanNotDelete"}}]}),
            [("a", False)],
            "",
        ),
        (refusal(403, "AuthorizationFailed"), [], "AuthorizationFailed"),
        (reply(200, {"value": [{"id": f"{ROOT}/odd", "properties": {}}]}), [], "an item is not as documented"),
        (reply(200, {"no": "list"}), [], "the list broke off"),
    ],
    ids=["read-only", "delete", "refused", "odd item", "no list"],
)
def test_locks_are_read_or_said_to_be_unread(answer: httpx.Response, locks: list[tuple[str, bool]], cause: str) -> None:
    """A list that is refused, or not as documented, is never taken for "no locks"."""
    arm = ScriptedArm({f"GET {ROOT}{LOCK}": answer})

    found = asyncio.run(arm.client().list_holds(ArmId(ROOT), HoldKind.LOCK))

    assert [(lock.id.rpartition("/")[2], lock.is_read_only) for lock in found.locks] == locks
    assert [cause in u.cause for u in found.unread] == ([True] if cause else [])


def test_roles_are_looked_up_once() -> None:
    """A role is asked for once per scope; its name is quoted, and only an exact name counts."""
    path = f"GET {ROOT}/providers/Microsoft.Authorization/roleDefinitions"
    roles = [
        {"id": "/wrong", "properties": {"roleName": "Reader of Joe's things"}},
        {"id": "/right", "properties": {"roleName": "Joe's Reader"}},
    ]
    arm = ScriptedArm({path: reply(200, {"value": roles})})
    client = arm.client()

    async def look_twice() -> list[str | None]:
        return [await client.find_role_definition(ROOT, "joe's reader") for _ in range(2)]

    found = asyncio.run(look_twice())

    assert found == ["/right", "/right"]
    assert len(arm.requests) == 1
    assert arm.requests[0].url.params["$filter"] == "roleName eq 'joe''s reader'"


def test_unreadable_roles_are_an_error() -> None:
    """Not being allowed to read roles is no proof that there is none."""
    arm = ScriptedArm({}, otherwise=refusal(403, "AuthorizationFailed"))

    with pytest.raises(PolicyDeniedError):
        asyncio.run(arm.client().find_role_definition(ROOT, "Reader"))
