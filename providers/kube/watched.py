"""Lists and watches every kind the cluster serves; what changes is handed over, one object at a time.

A thread per kind blocks on its watch. A watch that ends goes on where it was; one that fell too far behind lists again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any, Final

import msgspec
import orjson

from engine.cluster.claim import OwnerReference
from engine.cluster.condition import other_conditions, read_condition
from engine.cluster.objects import ClusterObject
from engine.cluster.status import CONDITIONS, print_status
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError, UnavailableError
from engine.model.ids import ResourceKey
from providers.kube.client import GoneError, KubeClient, NotFoundError
from providers.kube.decode import Listed, Metadata, build_resource, decode, decode_texts
from providers.kube.discovery import ServedKind
from providers.kube.versions import applied_version

PAGE_SIZE: Final = 500
WATCH_S: Final = 300
SILENCE_S: Final = 330.0
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_EMPTY: Final = msgspec.Raw(b"{}")
_NONE: Final = msgspec.Raw(b"")


class Reference(msgspec.Struct, rename="camel", gc=False):
    """One owner reference."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""


class WatchedMetadata(Metadata, gc=False):
    """Metadata with what a controller writes."""

    finalizers: list[str] = msgspec.field(default_factory=list)
    owner_references: list[Reference] = msgspec.field(default_factory=list)


class WatchedItem(msgspec.Struct, rename="camel", gc=False):
    """One object of a list or an event."""

    metadata: WatchedMetadata
    spec: msgspec.Raw = _EMPTY
    status: msgspec.Raw = _NONE


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(name="continue", default="")


class _Page(msgspec.Struct):
    items: list[WatchedItem]
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct, rename="camel"):
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)


class _Failure(msgspec.Struct):
    code: int = 0
    message: str = ""


_decode_page = msgspec.json.Decoder(_Page)
_decode_event = msgspec.json.Decoder(_Event)
_decode_item = msgspec.json.Decoder(WatchedItem)
_decode_bookmark = msgspec.json.Decoder(_Bookmark)
_decode_failure = msgspec.json.Decoder(_Failure)


def decode_object(body: bytes) -> WatchedItem:
    """Decode one object read by itself."""
    return decode(_decode_item, body, "one object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object is now so, or gone (``now`` is None)."""

    identity: ObjectIdentity
    now: ClusterObject | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every object of one kind: what is not among them is gone."""

    group: str
    kind: str
    objects: tuple[ClusterObject, ...]


def _parse(status: msgspec.Raw) -> Any:
    """Return a status; None where there is none, or none that can be read: it will be written anew."""
    try:
        return orjson.loads(bytes(status)) if status else None
    except orjson.JSONDecodeError:
        return None


Handler = Callable[[Change | Listing], None]


class Watcher:
    """Watches one kind until it is told to stop. ``handle`` is called in its thread."""

    def __init__(
        self,
        client: KubeClient,
        kind: ServedKind,
        handle: Handler,
        *,
        namespaces: Iterable[str] = (),
        annotations_of: Callable[[str], Mapping[str, str]],
    ) -> None:
        """Nothing is read yet.

        Args:
            client: The cluster.
            kind: What to watch.
            handle: Called with the first list, each change, and each list after a gap.
            namespaces: Only these; all when empty.
            annotations_of: Returns a namespace's annotations.
        """
        self._client = client
        self._kind = kind
        self._handle = handle
        self._namespaces = frozenset(namespaces)
        self._annotations_of = annotations_of
        self._stopped = threading.Event()
        self._version = kind.newest
        self.listed = threading.Event()
        self.error: EngineError | None = None

    def start(self) -> None:
        """Begin in a thread of its own."""
        name = f"watch-{self._kind.plural}.{self._kind.group}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """End soon; the thread is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        wait = _FIRST_WAIT_S
        version = ""
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                version = self._watch(version or self._list())
                self.error = None
            except (GoneError, NotFoundError):
                version = ""
            except EngineError as exc:
                self.error = exc
            if time.monotonic() - began > _LONGEST_WAIT_S:
                wait = _FIRST_WAIT_S
            if self.error is not None or not version:
                self._stopped.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT_S)

    def _list(self) -> str:
        path, query = self._kind.path(self._version), {"limit": str(PAGE_SIZE)}
        objects: list[ClusterObject] = []
        while True:
            page = decode(_decode_page, self._client.get(path, query), path)
            objects += [self._build(item) for item in page.items if self._is_wanted(item)]
            if not page.metadata.token:
                break
            query["continue"] = page.metadata.token
        self._handle(Listing(group=self._kind.group, kind=self._kind.kind, objects=tuple(objects)))
        self.listed.set()
        return page.metadata.resource_version

    def _watch(self, version: str) -> str:
        query = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_S)}
        lines = self._client.watch(self._kind.path(self._version), query, silence_s=SILENCE_S)
        with contextlib.closing(lines):
            for line in lines:
                if self._stopped.is_set():
                    break
                if line:
                    version = self._take(decode(_decode_event, line, "a watch")) or version
        return version

    def _take(self, event: _Event) -> str:
        if event.type == "ERROR":
            failure = _decode_failure.decode(event.object)
            if failure.code == 410:
                raise GoneError("The watch fell too far behind", detail=failure.message)
            raise UnavailableError("The watch ended with an error", detail=failure.message)
        if event.type == "BOOKMARK":
            return _decode_bookmark.decode(event.object).metadata.resource_version
        item = _decode_item.decode(event.object)
        if self._is_wanted(item):
            found = self._build(item)
            self._handle(Change(identity=found.identity, now=None if event.type == "DELETED" else found))
        return item.metadata.resource_version

    def _is_wanted(self, item: WatchedItem) -> bool:
        return not self._namespaces or item.metadata.namespace in self._namespaces

    def _build(self, item: WatchedItem) -> ClusterObject:
        meta, kind = item.metadata, self._kind
        applied = applied_version(meta.managers, kind.group)
        key = ResourceKey(
            namespace=intern(meta.namespace),
            group=kind.group,
            kind=kind.kind,
            name=meta.name,
            version=applied if applied in kind.versions else self._version,
        )
        status = _parse(item.status)
        conditions = status.get(CONDITIONS) if isinstance(status, dict) else None
        resource = build_resource(
            Listed(metadata=meta, spec=item.spec, status=item.status),
            key,
            namespace_annotations=self._annotations_of(meta.namespace),
            labels=decode_texts(meta.labels),
            keep_status=False,
        )
        return ClusterObject(
            resource=resource,
            finalizers=tuple(meta.finalizers),
            owners=tuple(
                OwnerReference(api_version=r.api_version, kind=r.kind, name=r.name, uid=r.uid)
                for r in meta.owner_references
            ),
            ready=read_condition(conditions),
            status_print=print_status(status),
            others=other_conditions(conditions),
        )
