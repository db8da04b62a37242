"""Leases: those of other programs, for reading (blocking), and our own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from engine.cluster.detect import Lease
from engine.cluster.leases import LASTS, HeldLease
from engine.errors import ConflictError, UnavailableError
from engine.ports import Clock
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode

WITHIN_S: Final = LASTS.total_seconds() / 3
"""A request about Leases that is not answered by then is sent again, over another connection."""


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    renew_time: datetime | None = None
    lease_duration_seconds: int | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    resource_version: str = ""


class _Item(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Page(msgspec.Struct):
    items: list[_Item] | None = None


_decoder = msgspec.json.Decoder(_Lease)
_item_decoder = msgspec.json.Decoder(_Item)
_page_decoder = msgspec.json.Decoder(_Page)


def read_lease(client: KubeClient, namespace: str, name: str) -> Lease | None:
    """Return a Lease; None when there is none.

    Raises:
        EngineError: It may not be read, or the cluster does not answer.
    """
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
    try:
        spec = decode(_decoder, client.get(path), path).spec
    except NotFoundError:
        return None
    return Lease(
        holder=spec.holder_identity or "",
        renewed=spec.renew_time,
        lasts=timedelta(seconds=spec.lease_duration_seconds or 0),
    )


class KubeLeases:
    """Implements ``LeaseKeeper``: Leases of one namespace, with threads of their own so that nothing keeps them up."""

    def __init__(self, client: KubeClient, namespace: str, clock: Clock) -> None:
        """Read nothing yet."""
        self._client = client
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="leases")

    async def read(self) -> Mapping[str, HeldLease]:
        """Return all of them by name."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read)

    def _read(self) -> Mapping[str, HeldLease]:
        page = decode(_page_decoder, self._send("GET", self._path, b"", {"limit": "500"}), self._path)
        return {item.metadata.name: _held(item) for item in page.items or ()}

    async def write(self, lease: HeldLease, holder: str) -> HeldLease:
        """Take, renew or give up a Lease that still is as it was read."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._write, lease, holder)

    def _write(self, lease: HeldLease, holder: str) -> HeldLease:
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(lease.lasts.total_seconds()) if holder else 1,
            "renewTime": now,
            "leaseTransitions": lease.transitions + (holder != lease.holder),
        }
        metadata = {"name": lease.name, **({"resourceVersion": lease.version} if lease.version else {})}
        item = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        method, path = ("PUT", f"{self._path}/{lease.name}") if lease.version else ("POST", self._path)
        try:
            return _held(decode(_item_decoder, self._send(method, path, msgspec.json.encode(item)), path))
        except NotFoundError as exc:
            raise ConflictError(f"Lease {lease.name} is gone") from exc

    async def remove(self, lease: HeldLease) -> None:
        """Delete a Lease that still is as it was read."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._remove, lease)

    def _remove(self, lease: HeldLease) -> None:
        body = msgspec.json.encode({"preconditions": {"resourceVersion": lease.version}})
        with contextlib.suppress(NotFoundError, ConflictError):
            self._send("DELETE", f"{self._path}/{lease.name}", body)

    def _send(self, method: str, path: str, body: bytes, query: Mapping[str, str] | None = None) -> bytes:
        """Send once, with little patience: a connection that leads nowhere must not cost the Lease."""
        try:
            return self._client.send(method, path, body, query=query, timeout=(WITHIN_S, WITHIN_S))
        except UnavailableError:
            self._client.close()
            raise


def _held(item: _Item) -> HeldLease:
    spec = item.spec
    return HeldLease(
        name=item.metadata.name,
        holder=spec.holder_identity or "",
        version=item.metadata.resource_version,
        stamp=f"{spec.holder_identity} {spec.renew_time}",
        lasts=timedelta(seconds=max(spec.lease_duration_seconds or 0, 1)) if spec.holder_identity else LASTS,
        transitions=spec.lease_transitions or 0,
    )
