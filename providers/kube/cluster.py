"""The cluster as the controller sees it: objects as they change, inputs when they are asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.errors import EngineError
from engine.model.document import Secret
from engine.model.ids import ResourceKey
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode_item, with_status
from providers.kube.discovery import Catalog, ServedKind, discover
from providers.kube.names import CONFIG_MAPS, DEFINITIONS, NAMESPACES, SECRETS, Named, NameWatch
from providers.kube.source import KubeSource
from providers.kube.stream import Stream, Trouble
from providers.kube.watched import Change, Listing, Watcher

News = Change | Listing | Named | Trouble
Handler = Callable[[News], None]
_NO_TEXTS: Final[Mapping[str, str]] = {}
_LOOKS_S: Final = (0.1, 0.5, 1.0, 3.0)
"""A definition that changed is served a little later: it is looked for again and again."""


class WatchedCluster:
    """Finds the kinds, watches them, and reads what objects refer to."""

    def __init__(self, client: KubeClient, *, namespaces: Sequence[str] = ()) -> None:
        """Nothing is read yet; ``namespaces`` are all of them when empty."""
        self._client = client
        self._catalog = Catalog.of_kinds()
        self._namespaces = tuple(namespaces)
        self._source = KubeSource(client, self._catalog)
        self._watchers: dict[tuple[str, str], Watcher] = {}
        self._names: list[NameWatch] = []
        self._plurals: dict[tuple[str, str], str] = {}
        self._newest: dict[tuple[str, str], str] = {}
        self._annotations: dict[str, Mapping[str, str]] = {}
        self._handle: Handler = lambda _news: None
        self._redefined = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    @property
    def plurals(self) -> Mapping[tuple[str, str], str]:
        """Return the plural of every kind that is served now, by group and kind."""
        return self._plurals

    @property
    def newest(self) -> Mapping[tuple[str, str], str]:
        """Return the version of every kind that holds the members of all others, by group and kind."""
        return self._newest

    @property
    def sees_secrets(self) -> bool:
        """Whether a Secret that changes is told of."""
        return any(n.path == SECRETS and n.stream.error is None for n in self._names)

    @property
    def host(self) -> str:
        """Return the server's host and port."""
        return self._client.host

    async def start(self, handle: Handler) -> None:
        """Hand every object over, and from then on every change; returns when each kind was listed or failed once.

        Raises:
            EngineError: The cluster does not answer.
        """
        loop = asyncio.get_running_loop()

        def pass_on(news: News) -> None:
            with contextlib.suppress(RuntimeError):  # The loop is over.
                loop.call_soon_threadsafe(self._take, news)

        self._handle, self._pass_on = handle, pass_on
        for path in (NAMESPACES, SECRETS, CONFIG_MAPS, DEFINITIONS):
            self._names.append(NameWatch(self._client, path, pass_on, pass_on, keeps_annotations=path == NAMESPACES))
        await _begin([n.stream for n in self._names])
        self._redefined.clear()
        await self._discover()
        self._looking = asyncio.create_task(self._look())

    def _take(self, news: News) -> None:
        if isinstance(news, Named) and news.path == NAMESPACES:
            if news.annotations is None:
                self._annotations.pop(news.name, None)
            else:
                self._annotations[news.name] = news.annotations
        if isinstance(news, Named) and news.path == DEFINITIONS:
            self._redefined.set()
        else:
            self._handle(news)

    async def _look(self) -> None:
        """Find out which kinds are served whenever a definition changed."""
        while True:
            await self._redefined.wait()
            self._redefined.clear()
            for pause in _LOOKS_S:
                await asyncio.sleep(pause)
                with contextlib.suppress(EngineError):
                    await self._discover()

    async def _discover(self) -> None:
        kinds, _ = await asyncio.to_thread(discover, self._client, self._catalog)
        served = {(k.group, k.kind): k for k in kinds}
        for key in [k for k, w in self._watchers.items() if served.get(k) != w.kind]:
            self._watchers.pop(key).stream.stop()
            if key not in served:
                del self._plurals[key]
                self._handle(Listing(group=key[0], kind=key[1], objects=()))
        self._plurals.update({key: kind.plural for key, kind in served.items()})
        self._newest.update({key: kind.newest for key, kind in served.items()})
        new = {key: self._watcher(kind) for key, kind in served.items() if key not in self._watchers}
        self._watchers.update(new)
        await _begin([w.stream for w in new.values()])

    def _watcher(self, kind: ServedKind) -> Watcher:
        return Watcher(
            self._client,
            kind,
            self._pass_on,
            namespaces=self._namespaces,
            annotations_of=self._annotations_of,
            report=self._pass_on,
        )

    def _annotations_of(self, namespace: str) -> Mapping[str, str]:
        return self._annotations.get(namespace, _NO_TEXTS)

    def stop(self) -> None:
        """End all watches soon."""
        if self._looking is not None:
            self._looking.cancel()
        for stream in self._streams():
            stream.stop()

    def _streams(self) -> list[Stream]:
        return [*(n.stream for n in self._names), *(w.stream for w in self._watchers.values())]

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return nothing: objects are handed over as they change."""
        return ()

    def problems(self) -> Sequence[Problem]:
        """Return the kinds that cannot be watched now, and why."""
        streams = [w.stream for w in self._watchers.values()]
        return [Problem(error=s.error, origin=str(self._client)) for s in streams if s.error is not None]

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those of the objects whose status proves something, with it."""
        return await asyncio.to_thread(lambda: [s for r in resources if (s := self._with_status(r)) is not None])

    def _with_status(self, resource: CustomResource) -> CustomResource | None:
        key = resource.key
        watcher = self._watchers.get((key.group, key.kind))
        if watcher is None:
            return None
        path = f"{watcher.kind.path(key.version, key.namespace)}/{key.name}"
        try:
            return with_status(resource, decode_item(self._client.get(path), path))
        except NotFoundError:
            return None

    async def look_again(self, key: ResourceKey) -> CustomResource | None:
        """Return an object as the cluster has it now, and hand it on as a watch does; None when it is gone."""
        watcher = self._watchers.get((key.group, key.kind))
        if watcher is None:
            return None
        try:
            found = await asyncio.to_thread(watcher.read, key.namespace, key.name)
        except NotFoundError:
            return None
        self._handle(Change(identity=found.identity, now=found))
        return found.resource

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none or it may not be read."""
        return await self._source.fetch_secret(namespace, name)

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's ``data``; None when there is none or it may not be read."""
        return await self._source.fetch_config_map(namespace, name)


async def _begin(streams: Sequence[Stream]) -> None:
    """Start streams, and wait until each listed or failed once."""
    for stream in streams:
        stream.start()
    for stream in streams:
        await asyncio.to_thread(stream.tried.wait)
