"""An API server of one list, whose watches do what a test says, one after the other."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/apis/storage.azure.com/v1/storageaccounts"
_PATIENCE_S = 20


def event(kind: str, name: str, version: int) -> bytes:
    """Return a line of a watch."""
    metadata = {"name": name, "namespace": "web", "resourceVersion": str(version)}
    return json.dumps({"type": kind, "object": {"metadata": metadata}}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    """Return the line by which a server says how far the watch is."""
    return event("BOOKMARK", "", version)


def failure(code: int) -> bytes:
    """Return the line by which a server ends a watch with an error."""
    status = {"kind": "Status", "status": "Failure", "code": code, "message": "too old resource version"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


@dataclass(frozen=True)
class Watch:
    """What one watch does: an HTTP status, lines, and how it ends.

    Attributes:
        end: ``close`` as servers end watches, ``cut`` in the middle of an answer, ``silence`` for a dead connection.
    """

    lines: tuple[bytes, ...] = ()
    end: str = "close"
    status: int = 200


@dataclass
class WatchServer:
    """What is asked, and what is answered; once nothing is left to answer, watches are silent.

    Attributes:
        version: Of the list.
        asked: The version that each watch started from, and ``list`` for each list.
        queries: Of each watch.
    """

    version: int = 10
    watches: queue.SimpleQueue[Watch] = field(default_factory=queue.SimpleQueue)
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)
    """The last of the watches that a test wanted has begun, and another one after it."""

    def plan(self, *watches: Watch) -> None:
        """Say what the next watches do."""
        for watch in watches:
            self.watches.put(watch)

    def next_watch(self) -> Watch:
        """Return what the next one does."""
        try:
            return self.watches.get_nowait()
        except queue.Empty:
            self.idle.set()
            return Watch(end="silence")

    def wait_idle(self) -> None:
        """Return once everything planned was done."""
        assert self.idle.wait(_PATIENCE_S), self.asked

    @contextmanager
    def running(self) -> Iterator[WatchServer]:
        """Serve meanwhile."""
        handler = type("Handler", (_Handler,), {"watched": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads, server.block_on_close = True, False
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            server.shutdown()
            server.server_close()
            thread.join(_PATIENCE_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    watched: WatchServer

    def do_GET(self) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if query.get("watch") != "true":
            self.watched.asked.append("list")
            self._send(200, {"items": [], "metadata": {"resourceVersion": str(self.watched.version)}})
            return
        self.watched.asked.append(query["resourceVersion"])
        self.watched.queries.append(query)
        watch = self.watched.next_watch()
        if watch.status != 200:
            self._send(watch.status, {"kind": "Status", "message": "no"})
        else:
            self._watch(watch)

    def _watch(self, watch: Watch) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in watch.lines:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        if watch.end == "close":
            self.wfile.write(b"0\r\n\r\n")
        elif watch.end == "cut":
            self.wfile.write(b"ff\r\nhalf a li")
            self.close_connection = True
        else:
            self.watched.over.wait(_PATIENCE_S)
            self.close_connection = True

    def _send(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Stay silent."""
