"""Lists and watches every kind the cluster serves; what changes is handed over, one object at a time.

A thread per kind blocks on its watch.
"""

from __future__ import annotations

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
from engine.model.ids import ResourceKey
from providers.kube.client import KubeClient
from providers.kube.decode import Listed, Metadata, build_resource, decode, decode_texts
from providers.kube.discovery import ServedKind
from providers.kube.stream import Event, ListMetadata, Stream, Trouble
from providers.kube.versions import spoken_version, told_by_aso

PAGE_SIZE: Final = 500
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


class _Page(msgspec.Struct):
    items: list[WatchedItem]
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


_decode_page = msgspec.json.Decoder(_Page)
_decode_item = msgspec.json.Decoder(WatchedItem)


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
    """Every object of one kind: what is not among them is gone.

    Attributes:
        namespace: Only its objects are meant; empty for all.
    """

    group: str
    kind: str
    objects: tuple[ClusterObject, ...]
    namespace: str = ""


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
        scope: str = "",
        annotations_of: Callable[[str], Mapping[str, str]],
        report: Callable[[Trouble], None],
    ) -> None:
        """Nothing is read yet.

        Args:
            client: The cluster.
            kind: What to watch.
            handle: Called with the first list, each change, and each list after a gap.
            namespaces: Only these; all when empty.
            scope: The namespace that is asked; empty where the whole cluster is.
            annotations_of: Returns a namespace's annotations.
            report: Called when it fails, and when it works again.
        """
        self._client = client
        self._handle = handle
        self._namespaces = frozenset(namespaces)
        self._scope = scope
        self._annotations_of = annotations_of
        self._version = kind.newest
        self.kind = kind
        self.stream = Stream(client, self, report=report)

    @property
    def path(self) -> str:
        """Return the path of the list."""
        return self.kind.path(self._version, self._scope)

    def read_list(self) -> str:
        """List page by page and hand over what is there."""
        path, query = self.path, {"limit": str(PAGE_SIZE)}
        objects: list[ClusterObject] = []
        while True:
            page = decode(_decode_page, self._client.get(path, query), path)
            objects += [self._build(item) for item in page.items if self._is_wanted(item)]
            if not page.metadata.token:
                break
            query["continue"] = page.metadata.token
        if not self.stream.is_stopped:
            listing = Listing(group=self.kind.group, kind=self.kind.kind, objects=tuple(objects), namespace=self._scope)
            self._handle(listing)
        return page.metadata.resource_version

    def read(self, namespace: str, name: str) -> ClusterObject:
        """Return an object as it is now.

        Raises:
            NotFoundError: There is none.
            EngineError: The cluster does not answer.
        """
        path = f"{self.kind.path(self._version, namespace)}/{name}"
        return self._build(decode(_decode_item, self._client.get(path), path))

    def take(self, event: Event) -> str:
        """Hand over how an object is now."""
        item = decode(_decode_item, event.object, self.path)
        if self._is_wanted(item):
            found = self._build(item)
            self._handle(Change(identity=found.identity, now=None if event.type == "DELETED" else found))
        return item.metadata.resource_version

    def _is_wanted(self, item: WatchedItem) -> bool:
        return not self._namespaces or item.metadata.namespace in self._namespaces

    def _build(self, item: WatchedItem) -> ClusterObject:
        meta, kind = item.metadata, self.kind
        managers = meta.managers
        applied = spoken_version(managers, kind.group, bytes(item.spec))
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
            told_by_aso=told_by_aso(managers),
            version=int(meta.resource_version) if meta.resource_version.isdecimal() else 0,
        ).with_promises_kept()
