"""Leases of other programs, for reading. Blocking."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from engine.cluster.detect import Lease
from engine.errors import PolicyDeniedError
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None
    renew_time: datetime | None = None
    lease_duration_seconds: int | None = None


class _Lease(msgspec.Struct):
    spec: _Spec = msgspec.field(default_factory=_Spec)


_decoder = msgspec.json.Decoder(_Lease)


def read_lease(client: KubeClient, namespace: str, name: str) -> Lease | None:
    """Return a Lease; None when there is none or it may not be read.

    Raises:
        EngineError: The cluster does not answer.
    """
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
    try:
        spec = decode(_decoder, client.get(path), path).spec
    except (NotFoundError, PolicyDeniedError):
        return None
    return Lease(
        holder=spec.holder_identity or "",
        renewed=spec.renew_time,
        lasts=timedelta(seconds=spec.lease_duration_seconds or 0),
    )
