"""What listing a kind takes: one page of the answer at a time, and what is kept of its objects."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any, cast

from providers.kube.client import KubeClient
from providers.kube.discovery import ServedKind
from providers.kube.watched import PAGE_SIZE, Change, Listing, Watcher

PAGES = 8
STATUS_BYTES = 6_000
KIND = ServedKind(
    group="storage.azure.com", kind="StorageAccount", plural="storageaccounts", versions=("v1api20230101",)
)


class Pages:
    """A server with many pages of objects whose status is long."""

    def __init__(self) -> None:
        self._pages = [json.dumps(build_page(at)).encode() for at in range(PAGES)]

    def get(self, _path: str, query: Mapping[str, str]) -> bytes:
        return bytes(memoryview(self._pages[int(query.get("continue") or 0)]))


def build_page(at: int) -> dict[str, Any]:
    metadata = {"resourceVersion": "7", "continue": str(at + 1) if at + 1 < PAGES else ""}
    return {"metadata": metadata, "items": [build(at, n) for n in range(PAGE_SIZE)]}


def build(page: int, number: int) -> dict[str, Any]:
    name = f"account{page}x{number}"
    return {
        "metadata": {"name": name, "namespace": "web", "uid": name, "generation": 1, "resourceVersion": "5"},
        "spec": {"location": "westeurope", "kind": "StorageV2", "owner": {"name": "rg"}},
        "status": {"id": name, "text": "x" * STATUS_BYTES},
    }


def test_a_kind_is_listed_without_holding_its_pages() -> None:
    """The peak is far below the size of the list: a page is dropped once its objects were taken from it."""
    taken: list[Change | Listing] = []
    client = cast("KubeClient", Pages())
    watcher = Watcher(client, KIND, taken.append, annotations_of=lambda _namespace: {}, report=lambda _trouble: None)
    whole = PAGES * PAGE_SIZE * STATUS_BYTES
    watcher.read_list()
    taken.clear()

    tracemalloc.start()
    try:
        watcher.read_list()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    (listing,) = taken
    assert isinstance(listing, Listing)
    assert len(listing.objects) == PAGES * PAGE_SIZE
    assert kept < whole / 2
    assert peak - kept < 3 * whole / PAGES
