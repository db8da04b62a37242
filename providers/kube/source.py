"""The cluster's objects, Secrets and ConfigMaps as a ``DesiredSource``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import EngineError, PolicyDeniedError
from engine.model.document import Secret
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode_config_map, decode_secret
from providers.kube.discovery import Catalog, ServedKind, discover
from providers.kube.listing import Lister, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class KindBatch:
    """All wanted objects of one kind, by namespace and name."""

    group: str
    kind: str
    resources: Sequence[CustomResource]


class KubeSource:
    """Reads a cluster, never writes to it."""

    def __init__(self, client: KubeClient, catalog: Catalog, selection: Selection | None = None) -> None:
        """Nothing is read yet."""
        self._client = client
        self._catalog = catalog
        self._lister = Lister(client, selection or Selection())
        self._problems: list[Problem] = []
        self._notes: set[str] = set()

    @property
    def server(self) -> str:
        """Return the server's host and port."""
        return self._client.host

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those objects whose status proves what Azure held after a write, with it.

        Lists do not keep it: it is two thirds of an object, and most are never asked for it.
        """
        try:
            return await asyncio.to_thread(self._lister.reread, resources)
        except EngineError as exc:
            self._notes.add(f"The status of objects could not be read: {exc}")
            return ()

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return every object, by group, kind, namespace and name.

        Raises:
            EngineError: The cluster cannot be asked at all; a kind that cannot be listed is a problem instead.
        """
        return [resource async for batch in self.stream() for resource in batch.resources]

    async def stream(self, parallel: int = 4) -> AsyncIterator[KindBatch]:
        """Yield the same, one kind at a time: at most ``parallel`` kinds are in memory.

        Raises:
            EngineError: As ``list_resources``.
        """
        self._problems.clear()
        self._notes.clear()
        kinds, errors = await asyncio.to_thread(discover, self._client, self._catalog)
        self._problems.extend(Problem(error=error, origin=str(self._client)) for error in errors)
        try:
            await asyncio.to_thread(self._lister.read_namespaces)
        except (NotFoundError, PolicyDeniedError) as exc:
            self._notes.add(f"Annotations of namespaces are not known: {exc.detail}")
        loop = asyncio.get_running_loop()
        waiting = deque(kinds)
        started: deque[tuple[ServedKind, asyncio.Future[Sequence[CustomResource]]]] = deque()
        try:
            while waiting or started:
                while waiting and len(started) < parallel:
                    kind = waiting.popleft()
                    started.append((kind, loop.run_in_executor(None, self._lister.list_kind, kind)))
                kind, listing = started.popleft()
                try:
                    resources = await listing
                except EngineError as exc:
                    self._problems.append(Problem(error=exc, origin=f"{kind.plural}.{kind.group}"))
                    continue
                if resources:
                    yield KindBatch(group=kind.group, kind=kind.kind, resources=resources)
        finally:
            for _, listing in started:
                listing.cancel()

    def problems(self) -> Sequence[Problem]:
        """Return the kinds that could not be listed, and why; complete after ``list_resources`` or ``stream``."""
        return tuple(self._problems)

    def notes(self) -> Sequence[str]:
        """Return what could not be had and is no reason to stop: Secrets that may not be read."""
        return tuple(sorted(self._notes))

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None, with a note, when there is none or it may not be read."""
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        body = await self._fetch(path, f"Secret {namespace}/{name}")
        if body is None:
            return None
        values, unusable = decode_secret(body, path)
        self._notes.update(f"Secret {namespace}/{name}: {key} holds no text" for key in unusable)
        return values

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's ``data``; None, with a note, when there is none or it may not be read."""
        path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
        body = await self._fetch(path, f"ConfigMap {namespace}/{name}")
        return None if body is None else decode_config_map(body, path)

    async def close(self) -> None:
        """Close connections."""
        await asyncio.to_thread(self._client.close)

    async def _fetch(self, path: str, what: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._client.get, path)
        except NotFoundError:
            self._notes.add(f"{what} does not exist")
        except PolicyDeniedError as exc:
            self._notes.add(f"{what} may not be read: {exc.detail}")
        return None
