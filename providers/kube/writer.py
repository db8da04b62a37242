"""Writes to custom resources: marks by server-side apply, status as a whole, events. One field manager."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final, Protocol

from engine.cluster.claim import Marks
from engine.cluster.events import Event, source_of
from engine.cluster.names import FINALIZER
from engine.errors import ConflictError, EngineError
from engine.model.document import encode_public
from engine.model.ids import ResourceKey
from engine.ports import Clock
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.forbidden import MissingRightError
from providers.kube.versions import OWN_MANAGER as MANAGER
from providers.kube.watched import decode_object

APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
_ATTEMPTS: Final = 5


class WrittenKinds(Protocol):
    """What is served, by group and kind."""

    @property
    def plurals(self) -> Mapping[tuple[str, str], str]:
        """Return the plurals."""
        ...

    @property
    def newest(self) -> Mapping[tuple[str, str], str]:
        """Return the versions that hold the members of all others."""
        ...


class KubeWriter:
    """Implements ``ClusterWriter``."""

    def __init__(
        self, client: KubeClient, kinds: WrittenKinds, clock: Clock, *, complain: Callable[[str], None]
    ) -> None:
        """Take a client and what it serves; ``complain`` is told once that events may not be written."""
        self._complain = complain
        self._is_told = False
        self._client = client
        self._kinds = kinds
        self._clock = clock

    async def apply_marks(self, key: ResourceKey, uid: str, marks: Marks) -> None:
        """Set what we hold on the object's metadata; a mark that is gone from ``marks`` goes.

        The uid keeps a namesake that was made since from being touched, and a gone object from being made anew.
        """
        metadata = {"name": key.name, "namespace": key.namespace, "uid": uid, **marks.to_wire()}
        body: dict[str, Any] = {
            "apiVersion": f"{key.group}/{self._version(key)}",
            "kind": key.kind,
            "metadata": metadata,
        }
        if marks.azure_name:
            body["spec"] = {"azureName": marks.azure_name}
        query = {"fieldManager": MANAGER, "force": "true"}
        await self._send("PATCH", self._path(key), body, APPLY, query)

    async def write_status(self, key: ResourceKey, uid: str, status: Mapping[str, Any]) -> None:
        """Replace the status.

        Not an apply: members that another controller wrote before us would stay for ever.
        """
        body = [_is_same(uid), {"op": "add", "path": "/status", "value": dict(status)}]
        await self._send("PATCH", f"{self._path(key)}/status", body, JSON_PATCH, {"fieldManager": MANAGER})

    async def write_conditions(self, key: ResourceKey, uid: str, conditions: Sequence[Any]) -> None:
        """Replace the conditions of an object that has a status."""
        body = [_is_same(uid), {"op": "add", "path": "/status/conditions", "value": list(conditions)}]
        await self._send("PATCH", f"{self._path(key)}/status", body, JSON_PATCH, {"fieldManager": MANAGER})

    async def release(self, key: ResourceKey, uid: str) -> None:
        """Take our finalizer off; no error when the object is gone."""
        with contextlib.suppress(NotFoundError):
            for attempt in range(_ATTEMPTS):
                try:
                    await self._release_once(key, uid)
                except ConflictError:
                    if attempt == _ATTEMPTS - 1:
                        raise
                else:
                    return

    async def _release_once(self, key: ResourceKey, uid: str) -> None:
        found = decode_object(await asyncio.to_thread(self._client.get, self._path(key)))
        kept = [f for f in found.metadata.finalizers if f != FINALIZER]
        if found.metadata.uid != uid or len(kept) == len(found.metadata.finalizers):
            return
        metadata = {"uid": uid, "resourceVersion": found.metadata.resource_version, "finalizers": kept}
        await self._send("PATCH", self._path(key), {"metadata": metadata}, MERGE, {"fieldManager": MANAGER})

    async def drop_annotations(self, key: ResourceKey, uid: str, names: Sequence[str]) -> None:
        """Take annotations off that another operator left; no error when the object is gone."""
        metadata = {"uid": uid, "annotations": dict.fromkeys(names)}
        with contextlib.suppress(NotFoundError, ConflictError):
            await self._send("PATCH", self._path(key), {"metadata": metadata}, MERGE, {"fieldManager": MANAGER})

    async def emit(self, key: ResourceKey, uid: str, event: Event) -> None:
        """Tell an event; one that the cluster does not take is lost, never an error."""
        now = self._clock.now().astimezone(UTC)
        stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"{key.name[:200]}.{int(now.timestamp() * 1e6):x}"
        about = {"apiVersion": key.api_version, "kind": key.kind, "namespace": key.namespace, "name": key.name}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "involvedObject": {**about, "uid": uid},
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:1024],
            "source": {"component": source_of(key)},
            "reportingComponent": source_of(key),
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        try:
            await self._send("POST", f"/api/v1/namespaces/{key.namespace}/events", body, "application/json", {})
        except MissingRightError as exc:
            if not self._is_told:
                self._complain(f"events are lost: {exc}")
            self._is_told = True
        except EngineError:
            return

    def _version(self, key: ResourceKey) -> str:
        """Return the version to write through: through an older one the server drops what that one lacks."""
        return self._kinds.newest.get((key.group, key.kind), key.version)

    def _path(self, key: ResourceKey) -> str:
        plural = self._kinds.plurals[key.group, key.kind]
        return f"/apis/{key.group}/{self._version(key)}/namespaces/{key.namespace}/{plural}/{key.name}"

    async def _send(self, method: str, path: str, body: Any, content_type: str, query: Mapping[str, str]) -> None:
        raw = encode_public(body)
        await asyncio.to_thread(self._client.send, method, path, raw, content_type=content_type, query=query)


def _is_same(uid: str) -> dict[str, str]:
    return {"op": "test", "path": "/metadata/uid", "value": uid}
