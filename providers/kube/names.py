"""Watches that tell which objects changed, of Secrets, ConfigMaps, namespaces and definitions: metadata, no contents.

Secrets and ConfigMaps are not even listed: what is read with the objects that refer to them needs no news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from providers.kube.client import JSON, KubeClient
from providers.kube.decode import decode, decode_texts
from providers.kube.stream import Event, ListMetadata, Stream, Trouble

SECRETS: Final = "/api/v1/secrets"
CONFIG_MAPS: Final = "/api/v1/configmaps"
NAMESPACES: Final = "/api/v1/namespaces"
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
METADATA_ONE: Final = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST: Final = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_EMPTY: Final = msgspec.Raw(b"{}")


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    name: str
    namespace: str = ""
    resource_version: str = ""
    annotations: msgspec.Raw = _EMPTY


class _Item(msgspec.Struct, gc=False):
    metadata: _Metadata


class _Page(msgspec.Struct):
    items: list[_Item] | None = None
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


_decode_page = msgspec.json.Decoder(_Page)
_decode_item = msgspec.json.Decoder(_Item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An object changed, came or went.

    Attributes:
        path: Of the list of the whole cluster that it is in.
        name: Empty when changes were missed: any may have changed.
        annotations: None when it is gone, or when only names are followed.
        version: The resource version it is at; empty when it is gone, or when any may have changed.
    """

    path: str
    namespace: str = ""
    name: str = ""
    annotations: Mapping[str, str] | None = None
    version: str = ""


def path_in(path: str, namespace: str) -> str:
    """Return the path of the same list in one namespace; of the whole cluster when that is empty."""
    return path.replace("/api/v1/", f"/api/v1/namespaces/{namespace}/") if namespace else path


def read_names(client: KubeClient, path: str) -> frozenset[str]:
    """Return the names of a list of the whole cluster, without reading contents. Blocking.

    Raises:
        EngineError: It may not or cannot be read.
    """
    names: set[str] = set()
    query = {"limit": "500"}
    while True:
        page = decode(_decode_page, client.get(path, query, accept=METADATA_LIST), path)
        names |= {item.metadata.name for item in page.items or ()}
        if not page.metadata.token:
            return frozenset(names)
        query["continue"] = page.metadata.token


class NameWatch:
    """Follows one list by names; with ``keeps_annotations`` the list itself is handed over too."""

    def __init__(
        self,
        client: KubeClient,
        path: str,
        handle: Callable[[Named], None],
        report: Callable[[Trouble], None],
        *,
        keeps_annotations: bool = False,
        namespace: str = "",
    ) -> None:
        """Nothing is read yet; ``handle`` and ``report`` are called in a thread.

        With a namespace only what is in it is followed; of the list of namespaces, only that one.
        """
        self._client = client
        self._list = path
        self._path = path if path == NAMESPACES else path_in(path, namespace)
        self._only = {"fieldSelector": f"metadata.name={namespace}"} if namespace and path == NAMESPACES else {}
        self._handle = handle
        self._keeps = keeps_annotations
        self.stream = Stream(client, self, accept=METADATA_ONE, report=report, query=self._only)

    @property
    def path(self) -> str:
        """Return the path that is asked."""
        return self._path

    @property
    def kind(self) -> str:
        """Return the path of the list of the whole cluster."""
        return self._list

    def read_list(self) -> str:
        """Hand over that anything may have changed, or every object with its annotations."""
        query = {**self._only, "limit": "500" if self._keeps else "1"}
        while True:
            page = decode(_decode_page, self._client.get(self._path, query, accept=METADATA_LIST), self._path)
            if not self._keeps or not page.metadata.token:
                break
            self._hand_over(page)
            query["continue"] = page.metadata.token
        self._hand_over(page)
        return page.metadata.resource_version

    def _hand_over(self, page: _Page) -> None:
        if self._keeps:
            for item in page.items or ():
                self._handle(self._named(item, is_there=True))
        else:
            self._handle(Named(path=self._list))

    def take(self, event: Event) -> str:
        """Hand over which object an event is about."""
        item = decode(_decode_item, event.object, self._path)
        self._handle(self._named(item, is_there=event.type != "DELETED"))
        return item.metadata.resource_version

    def _named(self, item: _Item, *, is_there: bool) -> Named:
        meta = item.metadata
        texts = decode_texts(meta.annotations) if self._keeps and is_there else None
        version = meta.resource_version if is_there else ""
        return Named(path=self._list, namespace=meta.namespace, name=meta.name, annotations=texts, version=version)
