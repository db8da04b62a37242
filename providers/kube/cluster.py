"""The cluster as the controller sees it: objects as they change, inputs when they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from engine.model.document import Secret
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode_item, with_status
from providers.kube.discovery import Catalog, ServedKind, discover
from providers.kube.listing import Lister, Selection
from providers.kube.source import KubeSource
from providers.kube.watched import Change, Handler, Listing, Watcher

_NO_TEXTS: Final[Mapping[str, str]] = {}


class WatchedCluster:
    """Finds the kinds, watches them, and reads what objects refer to."""

    def __init__(self, client: KubeClient, *, namespaces: Sequence[str] = ()) -> None:
        """Nothing is read yet; ``namespaces`` are all of them when empty."""
        self._client = client
        self._catalog = Catalog.of_kinds()
        self._namespaces = tuple(namespaces)
        self._source = KubeSource(client, self._catalog)
        self._watchers: list[Watcher] = []
        self._kinds: Sequence[ServedKind] = ()
        self._annotations: Mapping[str, Mapping[str, str]] = {}

    @property
    def plurals(self) -> Mapping[tuple[str, str], str]:
        """Return the plural of every kind found, by group and kind."""
        return {(k.group, k.kind): k.plural for k in self._kinds}

    async def discover(self) -> None:
        """Find out which kinds are served, and what stands on namespaces.

        Raises:
            EngineError: The cluster does not answer.
        """
        self._kinds, _ = await asyncio.to_thread(discover, self._client, self._catalog)
        lister = Lister(self._client, Selection(namespaces=self._namespaces))
        await asyncio.to_thread(lister.read_namespaces)
        self._annotations = lister.annotations

    async def start(self, handle: Handler) -> None:
        """Hand every object over, and from then on every change; returns when all kinds were listed once."""
        loop = asyncio.get_running_loop()

        def pass_on(news: Change | Listing) -> None:
            loop.call_soon_threadsafe(handle, news)

        for kind in self._kinds:
            watcher = Watcher(
                self._client, kind, pass_on, namespaces=self._namespaces, annotations_of=self._annotations_of
            )
            self._watchers.append(watcher)
            watcher.start()
        for watcher in self._watchers:
            await asyncio.to_thread(watcher.listed.wait)

    def _annotations_of(self, namespace: str) -> Mapping[str, str]:
        return self._annotations.get(namespace, _NO_TEXTS)

    def stop(self) -> None:
        """End all watches soon."""
        for watcher in self._watchers:
            watcher.stop()

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return nothing: objects are handed over as they change."""
        return ()

    def problems(self) -> Sequence[Problem]:
        """Return the kinds that cannot be watched now, and why."""
        return [Problem(error=w.error, origin=str(self._client)) for w in self._watchers if w.error is not None]

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those of the objects whose status proves something, with it."""
        return await asyncio.to_thread(lambda: [s for r in resources if (s := self._with_status(r)) is not None])

    def _with_status(self, resource: CustomResource) -> CustomResource | None:
        key = resource.key
        kind = next(k for k in self._kinds if (k.group, k.kind) == (key.group, key.kind))
        path = f"{kind.path(key.version, key.namespace)}/{key.name}"
        try:
            return with_status(resource, decode_item(self._client.get(path), path))
        except NotFoundError:
            return None

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none or it may not be read."""
        return await self._source.fetch_secret(namespace, name)

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's ``data``; None when there is none or it may not be read."""
        return await self._source.fetch_config_map(namespace, name)
