"""The cluster as the controller sees it: objects as they change, inputs when they are asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import Final

from engine.errors import EngineError, PolicyDeniedError
from engine.model.document import Secret
from engine.model.ids import ResourceKey
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode_config_map, decode_item, decode_secret, with_status
from providers.kube.discovery import Catalog, ServedKind, discover
from providers.kube.names import CONFIG_MAPS, DEFINITIONS, NAMESPACES, SECRETS, Named, NameWatch, path_in, read_names
from providers.kube.scopes import scopes
from providers.kube.stream import Stream, Trouble
from providers.kube.watched import Change, Listing, Watcher

News = Change | Listing | Named | Trouble
Handler = Callable[[News], None]
_NO_TEXTS: Final[Mapping[str, str]] = {}
_LOOKS_S: Final = (0.1, 0.5, 1.0, 3.0)
"""A definition that changed is served a little later: it is looked for again and again."""
_LATER_S: Final = (5.0, 15.0, 30.0, 60.0, 300.0)
"""A server that just began may tell of all its groups but ours for a while; the last pause is repeated."""


class WatchedCluster:
    """Finds the kinds, watches them, and reads what objects refer to."""

    def __init__(self, client: KubeClient, *, namespaces: Sequence[str] = ()) -> None:
        """Nothing is read yet; ``namespaces`` are all of them when empty."""
        self._client = client
        self._catalog = Catalog.of_kinds()
        self._namespaces = tuple(namespaces)
        self._refused: set[str] = set()
        self._watchers: dict[tuple[str, str], Sequence[Watcher]] = {}
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
        watches = [n.stream for n in self._names if n.kind == SECRETS]
        return bool(watches) and all(stream.error is None for stream in watches)

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
        for path in (NAMESPACES, SECRETS, CONFIG_MAPS):
            for scope in await self._scopes(path):
                self._names.append(self._name_watch(path, scope))
        self._names.append(self._name_watch(DEFINITIONS))
        await _begin([n.stream for n in self._names])
        if await self._discover():
            self._redefined.clear()
        else:
            self._redefined.set()
        self._looking = asyncio.create_task(self._look())

    async def _scopes(self, path: str) -> Sequence[str]:
        return await asyncio.to_thread(scopes, self._client, path, self._namespaces)

    def _name_watch(self, path: str, scope: str = "") -> NameWatch:
        keeps = path == NAMESPACES
        return NameWatch(self._client, path, self._pass_on, self._pass_on, keeps_annotations=keeps, namespace=scope)

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
            is_whole = False
            for pause in _LOOKS_S:
                await asyncio.sleep(pause)
                is_whole = await self._sees_all()
            for pause in chain(_LATER_S, repeat(_LATER_S[-1])):
                if is_whole or self._redefined.is_set():
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._redefined.wait(), pause)
                is_whole = await self._sees_all()

    async def _sees_all(self) -> bool:
        try:
            return await self._discover()
        except EngineError:
            return False

    async def _discover(self) -> bool:
        """Watch what is served now; return whether that is all that is defined of what we know.

        A kind that is defined and not told of is still there: a server that just began does not tell of it yet.
        """
        kinds, _ = await asyncio.to_thread(discover, self._client, self._catalog)
        served = {(k.group, k.kind): k for k in kinds}
        defined = await self._defined()
        missing = defined - {f"{k.plural}.{k.group}" for k in kinds}
        for key in [k for k, found in self._watchers.items() if served.get(k) != found[0].kind]:
            if key not in served and f"{self._plurals[key]}.{key[0]}" in missing:
                continue
            for watcher in self._watchers.pop(key):
                watcher.stream.stop()
            if key not in served:
                del self._plurals[key]
                self._handle(Listing(group=key[0], kind=key[1], objects=()))
        self._plurals.update({key: kind.plural for key, kind in served.items()})
        self._newest.update({key: kind.newest for key, kind in served.items()})
        new = {key: await self._watch(kind) for key, kind in served.items() if key not in self._watchers}
        self._watchers.update(new)
        await _begin([w.stream for watchers in new.values() for w in watchers])
        return not missing

    async def _defined(self) -> frozenset[str]:
        """Return the definitions in our groups; none where they may not be read."""
        try:
            names = await asyncio.to_thread(read_names, self._client, DEFINITIONS)
        except PolicyDeniedError:
            return frozenset()
        return frozenset(name for name in names if name.partition(".")[2] in self._catalog.groups)

    async def _watch(self, kind: ServedKind) -> Sequence[Watcher]:
        return [self._watcher(kind, scope) for scope in await self._scopes(kind.path(kind.newest))]

    def _watcher(self, kind: ServedKind, scope: str) -> Watcher:
        return Watcher(
            self._client,
            kind,
            self._pass_on,
            namespaces=self._namespaces,
            scope=scope,
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
        return [*(n.stream for n in self._names), *self._kind_streams()]

    def _kind_streams(self) -> list[Stream]:
        return [w.stream for watchers in self._watchers.values() for w in watchers]

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return nothing: objects are handed over as they change."""
        return ()

    def problems(self) -> Sequence[Problem]:
        """Return the kinds that cannot be watched now, and why."""
        return self._problems(self._kind_streams())

    def troubles(self) -> Sequence[Problem]:
        """Return the same, and what else cannot be watched: namespaces, definitions, Secrets, ConfigMaps."""
        return self._problems(self._streams())

    def _problems(self, streams: Sequence[Stream]) -> Sequence[Problem]:
        return [Problem(error=s.error, origin=str(self._client)) for s in streams if s.error is not None]

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those of the objects whose status proves something, with it."""
        return await asyncio.to_thread(lambda: [s for r in resources if (s := self._with_status(r)) is not None])

    def _with_status(self, resource: CustomResource) -> CustomResource | None:
        key = resource.key
        watchers = self._watchers.get((key.group, key.kind))
        if watchers is None:
            return None
        path = f"{watchers[0].kind.path(key.version, key.namespace)}/{key.name}"
        try:
            return with_status(resource, decode_item(self._client.get(path), path))
        except NotFoundError:
            return None

    async def look_again(self, key: ResourceKey) -> CustomResource | None:
        """Return an object as the cluster has it now, and hand it on as a watch does; None when it is gone."""
        watchers = self._watchers.get((key.group, key.kind))
        if watchers is None:
            return None
        try:
            found = await asyncio.to_thread(watchers[0].read, key.namespace, key.name)
        except NotFoundError:
            return None
        self._handle(Change(identity=found.identity, now=found))
        return found.resource

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none.

        Raises:
            PolicyDeniedError: It may not be read, which is told.
        """
        path = f"{path_in(SECRETS, namespace)}/{name}"
        body = await self._fetch(path)
        return None if body is None else decode_secret(body, path)[0]

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none.

        Raises:
            EngineError: It may not or cannot be read: nothing may be taken in its place.
        """
        path = f"{path_in(SECRETS, namespace)}/{name}"
        try:
            return decode_secret(await asyncio.to_thread(self._client.get, path), path)[0]
        except NotFoundError:
            return None

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's ``data``; None when there is none.

        Raises:
            PolicyDeniedError: It may not be read, which is told.
        """
        path = f"{path_in(CONFIG_MAPS, namespace)}/{name}"
        body = await self._fetch(path)
        return None if body is None else decode_config_map(body, path)

    async def _fetch(self, path: str) -> bytes | None:
        """Read an input; a refusal is told once, and so is its end."""
        error: EngineError | None = None
        body: bytes | None = None
        try:
            body = await asyncio.to_thread(self._client.get, path)
        except PolicyDeniedError as exc:
            error = exc
        except NotFoundError:
            error = None
        if (error is not None) != (path in self._refused):
            self._refused ^= {path}
            self._handle(Trouble(path=path, error=error, doing="reading"))
        if error is not None:
            raise error
        return body


async def _begin(streams: Sequence[Stream]) -> None:
    """Start streams, and wait until each listed or failed once."""
    for stream in streams:
        stream.start()
    for stream in streams:
        await asyncio.to_thread(stream.tried.wait)
