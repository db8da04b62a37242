"""A way to the API server that can be cut, or led nowhere, under one client."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

_LOOK_S = 0.05
_PIECE = 65536


@dataclass(eq=False)
class _Pair:
    """A connection of the client and the one that goes on from it."""

    client: socket.socket
    server: socket.socket

    def close(self) -> None:
        for one in (self.client, self.server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@dataclass(eq=False)
class Proxy:
    """Passes bytes on between a port of its own and the server's, in one thread.

    Attributes:
        is_held: Connections stay open, new ones too, and nothing passes: a network that swallows everything.
    """

    target: int
    is_held: bool = False
    accepted: int = 0
    _listener: socket.socket = field(default_factory=socket.socket)
    _pairs: list[_Pair] = field(default_factory=list)
    _cuts: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self._listener.getsockname()[1])

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """Pass on meanwhile."""
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        thread = threading.Thread(target=self._run, name="proxy")
        thread.start()
        try:
            yield self
        finally:
            self._done.set()
            thread.join(10)
            self._listener.close()

    def cut(self) -> None:
        """End all connections soon, in the middle of whatever they carry."""
        self._cuts += 1

    def _run(self) -> None:
        cuts = 0
        while not self._done.is_set():
            if cuts != self._cuts:
                cuts = self._cuts
                self._close_all()
            watched = [self._listener]
            if not self.is_held:
                watched += [s for pair in self._pairs for s in (pair.client, pair.server)]
            readable, _, _ = select.select(watched, [], [], _LOOK_S)
            if self._listener in readable:
                self._accept()
            for pair in list(self._pairs):
                self._pass_on(pair, readable)
        self._close_all()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.accepted += 1
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        self._pairs.append(_Pair(client, server))

    def _pass_on(self, pair: _Pair, readable: list[socket.socket]) -> None:
        for source, sink in ((pair.client, pair.server), (pair.server, pair.client)):
            if source not in readable:
                continue
            try:
                piece = source.recv(_PIECE)
                if piece:
                    sink.sendall(piece)
                    continue
            except OSError:
                pass
            pair.close()
            self._pairs.remove(pair)
            return

    def _close_all(self) -> None:
        while self._pairs:
            self._pairs.pop().close()
