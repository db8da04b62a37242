"""Faults on demand, request limits, and what the control API tells; over real connections where it matters."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.answer import RefusedError
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from providers.emulator.script import Script
from providers.emulator.server import running_emulator
from tests.emulator_driver import Arm
from tests.fakes import FakeClock

LIST = "/resourcegroups?api-version=2021-04-01"


class Wire:
    """A plain HTTP client with a token."""

    def __init__(self, connection: EmulatorConnection) -> None:
        self.connection = connection
        self._tls = ssl.create_default_context(cafile=connection.ca)
        self._token = ""

    def send(self, method: str, path: str, body: Any = None, *, timeout: float = 10) -> tuple[int, bytes]:
        url = self.connection.arm + path
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, raw, {"Authorization": f"Bearer {self.token()}"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self._tls) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read()

    def token(self) -> str:
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.connection.client,
                "client_secret": self.connection.secret,
                "scope": f"{self.connection.arm}/.default",
            }
            url = f"{self.connection.authority}/{self.connection.tenant}/oauth2/v2.0/token"
            data = urllib.parse.urlencode(form).encode()
            with urllib.request.urlopen(url, data, context=self._tls, timeout=10) as response:
                self._token = json.load(response)["access_token"]
        return self._token

    def list_groups(self, *, timeout: float = 10) -> tuple[int, bytes]:
        return self.send("GET", f"/subscriptions/{self.connection.subscription}{LIST}", timeout=timeout)

    def script(self, rule: dict[str, Any]) -> None:
        assert self.send("POST", "/_emulator/script", rule)[0] == 201


@pytest.fixture
def wire(served: EmulatorConnection) -> Iterator[Wire]:
    made = Wire(served)
    yield made
    made.send("DELETE", "/_emulator/script")
    made.send("DELETE", "/_emulator/requests")


@pytest.mark.loopback
def test_scripted_answer_comes_as_often_as_asked(wire: Wire) -> None:
    """A rule answers the next requests that match, then the real answer comes again."""
    answer = {"status": 409, "headers": {"Retry-After": "7"}, "body": {"error": {"code": "Nope", "message": "no"}}}
    wire.script({"match": {"method": "GET", "path_regex": "resourcegroups$"}, "times": 2, "answer": answer})

    replies = [wire.list_groups() for _ in range(3)]

    assert [status for status, _ in replies] == [409, 409, 200]
    assert json.loads(replies[0][1])["error"]["code"] == "Nope"


@pytest.mark.loopback
def test_dropped_connection(wire: Wire) -> None:
    """drop cuts the line without an answer."""
    wire.script({"answer": "drop"})

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, urllib.error.URLError)):
        wire.list_groups()

    assert wire.list_groups()[0] == 200


@pytest.mark.loopback
def test_truncated_answer(wire: Wire) -> None:
    """truncate promises a body and sends half of it."""
    wire.script({"answer": "truncate"})

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        wire.list_groups()


@pytest.mark.loopback
def test_hanging_request_does_not_stop_others(wire: Wire) -> None:
    """hang keeps one request open; others go on."""
    wire.script({"answer": "hang"})

    with pytest.raises((TimeoutError, urllib.error.URLError)):
        wire.list_groups(timeout=0.2)

    assert wire.list_groups()[0] == 200


@pytest.mark.loopback
def test_html_instead_of_json(wire: Wire) -> None:
    """html answers as Azure's front door does when all else fails."""
    wire.script({"answer": "html"})

    status, body = wire.list_groups()

    assert (status, body[:9]) == (503, b"<!DOCTYPE")


@pytest.mark.loopback
@pytest.mark.parametrize(("before_effect", "left"), [(True, 404), (False, 204)])
def test_lost_answer_with_or_without_effect(wire: Wire, *, before_effect: bool, left: int) -> None:
    """before_effect decides whether a write whose answer is lost has happened."""
    group = f"/subscriptions/{wire.connection.subscription}/resourceGroups/lost-{before_effect}"
    url = f"{group}?api-version=2021-04-01"
    wire.script({"match": {"method": "PUT"}, "answer": {"status": 500}, "before_effect": before_effect})

    status, _ = wire.send("PUT", url, {"location": "westus2"})

    assert status == 500
    assert wire.send("HEAD", url)[0] == left


@pytest.mark.loopback
def test_requests_are_counted(wire: Wire) -> None:
    """The control API counts requests to ARM by method, lists writes in order, and can be reset."""
    group = f"/subscriptions/{wire.connection.subscription}/resourceGroups/counted"
    wire.send("DELETE", "/_emulator/requests")

    wire.send("PUT", f"{group}?api-version=2021-04-01", {"location": "westus2"})
    wire.list_groups()
    counted = json.loads(wire.send("GET", "/_emulator/requests")[1])
    wire.send("DELETE", "/_emulator/requests")

    assert counted["counts"] == {"GET": 1, "PUT": 1}
    assert counted["writes"] == [{"method": "PUT", "path": group, "status": 201, "client": ""}]
    assert counted["overlaps"] == {}
    assert json.loads(wire.send("GET", "/_emulator/requests")[1])["counts"] == {}


@pytest.mark.loopback
def test_overlapping_writes_are_seen(state: Path) -> None:
    """Two writes of one resource in flight at the same time are counted; writes of two resources are not."""

    async def write(connection: EmulatorConnection, name: str, both: asyncio.Barrier) -> None:
        port = int(connection.arm.rpartition(":")[2])
        await both.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/subscriptions/{connection.subscription}/resourceGroups/{name}?api-version=2021-04-01"
        writer.write(f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Length: 22\r\n".encode())
        writer.write(b'Connection: close\r\n\r\n{"location":"westus2"}')
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def scenario() -> dict[str, Any]:
        options = EmulatorOptions(state=state, plain_http=True, latency_ms=50)
        async with running_emulator(options, SystemClock()) as connection:
            both = asyncio.Barrier(3)
            async with asyncio.TaskGroup() as tasks:
                for name in ("same", "same", "other"):
                    tasks.create_task(write(connection, name, both))
            port = int(connection.arm.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /_emulator/requests HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            document: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
            return document

    overlaps = asyncio.run(scenario())["overlaps"]

    assert [(path.rpartition("/")[2], n) for path, n in overlaps.items()] == [("same", 1)]


@pytest.mark.loopback
def test_too_large_body_is_refused(wire: Wire) -> None:
    """A body over 4 MB is 413, and the connection's next request is fine."""
    group = f"/subscriptions/{wire.connection.subscription}/resourceGroups/large?api-version=2021-04-01"

    status, body = wire.send("PUT", group, {"location": "x" * (5 << 20)})

    assert (status, json.loads(body)["error"]["code"]) == (413, "RequestContentTooLarge")


@pytest.mark.loopback
def test_plain_http_keeps_the_authority_on_https(state: Path) -> None:
    """With plain HTTP any bearer token is good, no token is not, and tokens still come over HTTPS."""
    with emulator_thread(EmulatorOptions(state=state, plain_http=True), SystemClock()) as connection:
        assert connection.arm.startswith("http://")
        assert connection.authority.startswith("https://")
        url = f"{connection.arm}/subscriptions/{connection.subscription}{LIST}"
        request = urllib.request.Request(url, headers={"Authorization": "Bearer anything"})
        with urllib.request.urlopen(request, timeout=10) as response:
            status = response.status
        with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(url, timeout=10):
            pass
        caught.value.close()

    assert (status, caught.value.code) == (200, 401)


def test_empty_bucket_is_429_with_the_time_to_wait(state: Path) -> None:
    """Reads beyond ARM's bucket of 250 are refused until it refills at 25 a second."""
    clock = FakeClock()
    arm = Arm(EmulatorOptions(state=state, limits_scale=1.0), clock)
    path = f"{arm.subscription}/resourcegroups"
    good = [arm.get(path) for _ in range(250)]

    refused = arm.get(path)
    clock.advance(1)
    later = [arm.get(path).status for _ in range(26)]

    arm.close()
    assert {r.status for r in good} == {200}
    assert good[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert (refused.status, refused.code) == (429, "SubscriptionRequestsThrottled")
    assert refused.headers["Retry-After"] == "1"
    assert later == [200] * 25 + [429]


def test_reads_do_not_use_up_writes(state: Path) -> None:
    """Reads, writes and deletes have buckets of their own."""
    arm = Arm(EmulatorOptions(state=state, limits_scale=0.01), FakeClock())
    path = f"{arm.subscription}/resourcegroups"
    reads = [arm.get(path).status for _ in range(4)]

    write = arm.put(f"{path}/rg", {"location": "westus2"})

    arm.close()
    assert reads == [200, 200, 429, 429]
    assert write.status == 201


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        ({"match": {"path_regex": "("}}, "$.match.path_regex"),
        ({"match": "PUT"}, "$.match"),
        ({"match": {"method": 5}}, "$.match.method"),
        ({"match": {"path": "x"}}, "`path`"),
        ({"answer": "explode"}, "$.answer"),
        ({"answer": 500}, "$.answer"),
        ({"answer": {"status": "503"}}, "$.answer.status"),
        ({"answer": {"status": 99}}, "$.answer.status"),
        ({"answer": {"status": 503, "headers": ["a"]}}, "$.answer.headers"),
        ({"answer": {"status": 503, "headers": {"a": "b\r\nc: d"}}}, "$.answer.headers"),
        ({"matches": {}}, "`matches`"),
        ({"times": "2"}, "$.times"),
        ({"times": -1}, "$.times"),
        ({"skip": None}, "$.skip"),
        ({"delay_ms": "slow"}, "$.delay_ms"),
        ({"before_effect": "no"}, "$.before_effect"),
        ({"polls": 1.5}, "$.polls"),
        ({"operation_fails": "yes"}, "$.operation_fails"),
    ],
    ids=str,
)
def test_rule_that_is_none_is_refused(rule: dict[str, Any], member: str) -> None:
    """A script that would silently do nothing, or fail later, is refused, and the member is named."""
    with pytest.raises(RefusedError, match="InvalidScript") as caught:
        Script(1).add(rule)

    assert member in caught.value.message


@pytest.mark.loopback
def test_bad_rule_is_a_400_and_takes_the_whole_list_with_it(wire: Wire) -> None:
    """Over the network a bad rule is refused like any bad request; of its list none applies."""
    status, body = wire.send("POST", "/_emulator/script", [{"answer": "drop"}, {"times": "2"}])
    _, left = wire.send("GET", "/_emulator/script")

    assert (status, json.loads(body)["error"]["code"]) == (400, "InvalidScript")
    assert "$.times" in json.loads(body)["error"]["message"]
    assert json.loads(left) == {"value": []}


def test_bulk_stores_bodies_as_they_are(arm: Arm) -> None:
    """Bulk keeps a body byte for byte, makes its group, and names the line that is wrong."""
    group = f"{arm.subscription}/resourceGroups/bulk"
    body = {"id": f"{group}/providers/Microsoft.Network/routeTables/t", "name": "t", "odd": [1, {"x": None}]}
    line = json.dumps({"id": body["id"], "api": "2024-03-01", "body": body}).encode()

    loaded = arm.control("POST", "bulk", line)

    assert loaded == {"loaded": 1}
    assert arm.get(str(body["id"]), api="2024-03-01").body == body
    assert arm.get(group).status == 200
    with pytest.raises(AssertionError, match="line 2"):
        arm.control("POST", "bulk", line + b"\n{}")
