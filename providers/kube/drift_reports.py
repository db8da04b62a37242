"""DriftReports in a cluster: one per namespace."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import orjson

from engine.drift.document import GROUP, NAME, PLURAL, VERSION
from engine.model.document import encode_public
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode
from providers.kube.names import METADATA_LIST
from providers.kube.stream import Event, ListMetadata, Stream, Trouble
from providers.kube.versions import OWN_MANAGER

_APPLY: Final = "application/apply-patch+yaml"
_ROOT: Final = f"/apis/{GROUP}/{VERSION}"
_PAGE: Final = "500"


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str
    resource_version: str


class _Item(msgspec.Struct):
    metadata: _Metadata


class _Page(msgspec.Struct):
    items: list[_Item] | None = None
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)


_decode_page = msgspec.json.Decoder(_Page)


class KubeDriftReports:
    """Implements ``DriftReports``."""

    def __init__(self, client: KubeClient, *, namespaces: Sequence[str] = ()) -> None:
        """Take a client; ``namespaces`` are all of them when empty."""
        self._client = client
        self._lists = [f"{_ROOT}/namespaces/{n}/{PLURAL}" for n in namespaces] or [f"{_ROOT}/{PLURAL}"]

    async def read(self, namespace: str) -> Mapping[str, Any] | None:
        """Return the report of a namespace; None when there is none."""
        try:
            found = orjson.loads(await asyncio.to_thread(self._client.get, _path(namespace)))
        except NotFoundError:
            return None
        return found if isinstance(found, dict) else None

    async def write(self, namespace: str, report: Mapping[str, Any]) -> str:
        """Make the report be as given, by server-side apply: what is gone from it goes, labels of others stay."""
        query = {"fieldManager": OWN_MANAGER, "force": "true"}
        raw = encode_public(report)
        answer = await asyncio.to_thread(
            self._client.send, "PATCH", _path(namespace), raw, content_type=_APPLY, query=query
        )
        return str(orjson.loads(answer)["metadata"]["resourceVersion"])

    async def remove(self, namespace: str) -> None:
        """Delete the report of a namespace; no error when there is none."""
        with contextlib.suppress(NotFoundError):
            await asyncio.to_thread(self._client.send, "DELETE", _path(namespace), b"{}")

    async def versions(self) -> Mapping[str, str]:
        """Return the version of the report of every namespace that has one; contents are not read."""
        return await asyncio.to_thread(self._list_versions)

    def _list_versions(self) -> Mapping[str, str]:
        metas = (m for path in self._lists for m in self._metadata(path))
        return {m.namespace: m.resource_version for m in metas if m.name == NAME}

    def _metadata(self, path: str) -> Iterator[_Metadata]:
        query = {"limit": _PAGE}
        while True:
            page = decode(_decode_page, self._client.get(path, query, accept=METADATA_LIST), path)
            yield from (item.metadata for item in page.items or ())
            if not page.metadata.token:
                return
            query = {"limit": _PAGE, "continue": page.metadata.token}


def _path(namespace: str) -> str:
    return f"{_ROOT}/namespaces/{namespace}/{PLURAL}/{NAME}"


class ReportWatch:
    """Follows the reports of a namespace, or of all."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        handle: Callable[[str, Mapping[str, Any]], None],
        report: Callable[[Trouble], None],
    ) -> None:
        """Nothing is read yet; ``handle`` takes namespace and report in a thread, an empty report for one that went."""
        self._client = client
        self._path = f"{_ROOT}/namespaces/{namespace}/{PLURAL}" if namespace else f"{_ROOT}/{PLURAL}"
        self._handle = handle
        self.stream = Stream(client, self, report=report)

    @property
    def path(self) -> str:
        """Return the path of the list."""
        return self._path

    def read_list(self) -> str:
        """Hand every report over, and return the version to watch from."""
        query = {"limit": _PAGE}
        while True:
            page = orjson.loads(self._client.get(self._path, query))
            for item in page["items"]:
                self._take(item, is_there=True)
            token = page["metadata"].get("continue")
            if not token:
                return str(page["metadata"]["resourceVersion"])
            query = {"limit": _PAGE, "continue": token}

    def take(self, event: Event) -> str:
        """Hand a report over that changed."""
        item = orjson.loads(bytes(event.object))
        self._take(item, is_there=event.type != "DELETED")
        return str(item["metadata"]["resourceVersion"])

    def _take(self, item: Mapping[str, Any], *, is_there: bool) -> None:
        if item["metadata"]["name"] == NAME:
            self._handle(item["metadata"]["namespace"], item if is_there else {})
