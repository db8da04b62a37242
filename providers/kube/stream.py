"""A list and the watch that goes on from it, in a thread of its own, until it is told to stop.

A watch that ends goes on where it was; one that fell too far behind lists again. A failure is told once, waits grow
and are never the same for two streams: a server that comes back is not met by all of them at once.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from engine.errors import EngineError, UnavailableError
from providers.kube.client import JSON, GoneError, KubeClient, NotFoundError
from providers.kube.decode import decode

WATCH_S: Final = 300
SILENCE_S: Final = 180.0
"""Bookmarks come about once a minute: a connection that is silent for longer leads nowhere."""
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 10.0
_SHORT_S: Final = 1.0
"""Watches that end sooner, one after the other, are refusals by something on the way."""


class ListMetadata(msgspec.Struct, rename="camel"):
    """Where a list stands."""

    resource_version: str = ""
    token: str = msgspec.field(name="continue", default="")


class Event(msgspec.Struct):
    """One line of a watch."""

    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct, rename="camel"):
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


class _Failure(msgspec.Struct):
    code: int = 0
    message: str = ""


_decode_event = msgspec.json.Decoder(Event)
_decode_bookmark = msgspec.json.Decoder(_Bookmark)
_decode_failure = msgspec.json.Decoder(_Failure)


class Watched(Protocol):
    """What is listed and watched; called in the stream's thread."""

    @property
    def path(self) -> str:
        """Return the path of the list."""
        ...

    def read_list(self) -> str:
        """List, hand over what is there, and return the version to watch from."""
        ...

    def take(self, event: Event) -> str:
        """Take an event that is about an object; return its version."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something cannot be read, or can be again (``error`` is None).

    Attributes:
        doing: What is done with the path: ``watching`` it, or ``reading`` it once.
    """

    path: str
    error: EngineError | None
    doing: str = "watching"


class Stream:
    """Lists and watches one path."""

    def __init__(
        self,
        client: KubeClient,
        watched: Watched,
        *,
        accept: str = JSON,
        report: Callable[[Trouble], None],
        query: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            client: The cluster.
            watched: What is listed and watched.
            accept: In which form.
            report: Called in the thread, once when it fails and once when it works again.
            query: What the watch says beside where it goes on; the list must say the same.
        """
        self._query = dict(query or {})
        self._client = client
        self._watched = watched
        self._accept = accept
        self._report = report
        self._stopped = threading.Event()
        self._version = ""
        self.tried = threading.Event()
        """The first list was taken, or failed."""
        self.error: EngineError | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin in a thread of its own."""
        threading.Thread(target=self._run, name=f"watch {self._watched.path}", daemon=True).start()

    def stop(self) -> None:
        """End soon; the thread is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self._go_on()
            except GoneError:
                self._version = ""
            except EngineError as exc:
                self._fail(exc)
            lasted_s = time.monotonic() - began
            failures = failures + 1 if lasted_s < (_LONGEST_WAIT_S if self.error is not None else _SHORT_S) else 0
            if self.error is not None or not self._version or failures > 1:
                longest = min(_FIRST_WAIT_S * 2 ** min(failures, 10), _LONGEST_WAIT_S)
                self._stopped.wait(longest * random.uniform(0.5, 1.0))  # noqa: S311  # it spreads waits

    def _go_on(self) -> None:
        if not self._version:
            self._version = self._watched.read_list()
            self.tried.set()
        self._watch()

    def _fail(self, error: EngineError) -> None:
        if isinstance(error, NotFoundError):
            self._version = ""
        is_news = self.error is None
        self.error = error
        self.tried.set()
        if is_news and not self._stopped.is_set():
            self._report(Trouble(path=self._watched.path, error=error))

    def _works(self) -> None:
        if self.error is not None:
            self.error = None
            self._report(Trouble(path=self._watched.path, error=None))

    def _watch(self) -> None:
        place = {"resourceVersion": self._version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S)}
        query = {**self._query, **place}
        lines = self._client.watch(self._watched.path, query, silence_s=SILENCE_S, accept=self._accept)
        with contextlib.closing(lines):
            for line in lines:
                self._works()
                if self._stopped.is_set():
                    break
                if line:
                    self._version = self._take(decode(_decode_event, line, "a watch")) or self._version

    def _take(self, event: Event) -> str:
        if event.type == "ERROR":
            failure = decode(_decode_failure, event.object, self._watched.path)
            if failure.code == 410:
                raise GoneError("The watch fell too far behind", detail=failure.message)
            raise UnavailableError("The watch ended with an error", detail=failure.message)
        if event.type == "BOOKMARK":
            return decode(_decode_bookmark, event.object, self._watched.path).metadata.resource_version
        return self._watched.take(event)
