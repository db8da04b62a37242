"""A list and the watch that goes on from it, over HTTP: what ends a watch, and how it goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import kubeconfig
from engine.errors import UnavailableError
from providers.kube import stream as module
from providers.kube.client import KubeClient
from providers.kube.connect import Connection, connect
from providers.kube.names import NameWatch
from providers.kube.stream import Stream, Trouble
from tests.contract.watch_server import PATH, Watch, WatchServer, bookmark, event, failure

pytestmark = pytest.mark.loopback


class Pauses(threading.Event):
    """Says that it was told to stop once it was; waits are noted and take no time."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return self.is_set()


class Follower:
    """One stream, and what it tells."""

    def __init__(self, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        self.troubles: list[Trouble] = []
        self.pauses = Pauses()
        told = NameWatch(client, PATH, lambda named: self.names.append(named.name or "*"), self.troubles.append)
        self.stream: Stream = told.stream
        monkeypatch.setattr(self.stream, "_stopped", self.pauses)


@pytest.fixture
def server() -> Iterator[WatchServer]:
    with WatchServer().running() as running:
        yield running


@pytest.fixture
def follow(server: WatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Follower]]:
    """Return what follows the list until the watches that are planned were done."""
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(server.url)))
    client = connect(Connection(kubeconfig=str(path)))
    opened: list[Follower] = []

    def begin(*watches: Watch) -> Follower:
        server.plan(*watches)
        opened.append(Follower(client, monkeypatch))
        opened[-1].stream.start()
        server.wait_idle()
        return opened[-1]

    yield begin
    for one in opened:
        one.stream.stop()
    server.over.set()
    for thread in [t for t in threading.enumerate() if t.name == f"watch {PATH}"]:
        thread.join(20)
    client.close()


def test_a_watch_that_ends_goes_on_where_it_was(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """Events and bookmarks move the place; nothing is listed again, and nothing is an error."""
    told = follow(Watch((event("ADDED", "a", 11),)), Watch((bookmark(40),)), Watch((event("MODIFIED", "a", 41),)))

    assert server.asked == ["list", "10", "11", "40", "41"]
    assert told.names == ["*", "a", "a"]
    assert told.troubles == []


def test_a_watch_asks_for_bookmarks_and_for_an_end(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """The server ends each watch within minutes and says now and then how far it is."""
    follow()

    query = server.queries[0]
    assert (query["allowWatchBookmarks"], query["timeoutSeconds"]) == ("true", str(module.WATCH_S))
    assert module.SILENCE_S < module.WATCH_S


@pytest.mark.parametrize("gone", [Watch(status=410), Watch((failure(410),))], ids=["as an answer", "as an event"])
def test_who_fell_too_far_behind_lists_again(gone: Watch, server: WatchServer, follow: Callable[..., Follower]) -> None:
    """410 means another list and a watch from there; it is no error."""
    told = follow(Watch((event("ADDED", "a", 11),)), gone)

    assert server.asked == ["list", "10", "11", "list", "10"]
    assert told.names == ["*", "a", "*"]
    assert told.troubles == []


def test_a_connection_that_is_cut_goes_on_where_it_was(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """Half a line is no event; the failure is told once, and that it works again."""
    told = follow(Watch((event("ADDED", "a", 11),), end="cut"), Watch((event("ADDED", "b", 12),)))

    assert server.asked == ["list", "10", "11", "12"]
    assert told.names == ["*", "a", "b"]
    assert [type(t.error) for t in told.troubles] == [UnavailableError, type(None)]


def test_a_connection_that_is_silent_is_left(
    server: WatchServer, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch on which not even bookmarks come leads nowhere: another one takes its place."""
    monkeypatch.setattr(module, "SILENCE_S", 0.2)

    told = follow(Watch((event("ADDED", "a", 11),), end="silence"))

    assert server.asked[:3] == ["list", "10", "11"]
    assert isinstance(told.troubles[0].error, UnavailableError)


@pytest.mark.parametrize("line", [b"<html>\n", b'{"type":"ADDED","object":7}\n', failure(500)])
def test_a_line_that_is_no_event_is_a_failure(
    line: bytes, server: WatchServer, follow: Callable[..., Follower]
) -> None:
    """What cannot be read ends the watch, not the following."""
    told = follow(Watch((line,)), Watch((event("ADDED", "b", 12),)))

    assert server.asked == ["list", "10", "10", "12"]
    assert told.names == ["*", "b"]
    assert isinstance(told.troubles[0].error, UnavailableError)


def test_waits_grow_and_have_an_end(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """While the server fails each wait is longer, up to ten seconds; one failure is told, not twelve."""
    told = follow(*[Watch(status=503)] * 12)

    waits = told.pauses.waited
    assert len(waits) == 12
    assert all(0.25 * 2**n * 0.5 <= wait <= 0.25 * 2**n for n, wait in enumerate(waits[:5], 1))
    assert all(5 <= wait <= 10 for wait in waits[6:])
    assert sum(trouble.error is not None for trouble in told.troubles) == 1


def test_no_two_streams_wait_alike(follow: Callable[..., Follower]) -> None:
    """A server that comes back is not met by all watches at once."""
    told = follow(*[Watch(status=503)] * 30)

    assert len({round(wait, 3) for wait in told.pauses.waited[6:]}) > 15


def test_watches_that_end_at_once_are_no_loop(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """Something on the way that ends every watch as it begins is asked less and less often."""
    told = follow(*[Watch()] * 8)

    assert server.asked == ["list", *["10"] * 9]
    assert told.pauses.waited[-1] > 4 * told.pauses.waited[0]
    assert told.troubles == []


def test_a_kind_that_went_and_came_back_is_listed(server: WatchServer, follow: Callable[..., Follower]) -> None:
    """After a 404 the place in the old list means nothing."""
    told = follow(Watch((event("ADDED", "a", 11),)), Watch(status=404))

    assert server.asked == ["list", "10", "11", "list", "10"]
    assert told.names == ["*", "a", "*"]
