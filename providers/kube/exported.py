"""Secrets and ConfigMaps that objects ask for: written when they differ, never when they are somebody else's."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from engine.cluster.exports import Target, not_owned
from engine.desired.exporters import SECRET
from engine.errors import ConflictError
from engine.model.document import encode_public
from engine.model.ids import ResourceKey
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode
from providers.kube.versions import OWN_MANAGER

_COLLECTIONS: Final = {SECRET: "secrets", "ConfigMap": "configmaps"}
_ATTEMPTS: Final = 5


class _Reference(msgspec.Struct):
    uid: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    owner_references: list[_Reference] | None = None


class _Found(msgspec.Struct, rename="camel"):
    metadata: _Metadata
    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    type: str = ""


_decode_found: Final = msgspec.json.Decoder(_Found)


class KubeExports:
    """Implements ``ExportWriter``."""

    def __init__(self, client: KubeClient) -> None:
        """Take a client."""
        self._client = client

    async def write(self, target: Target, owner: ResourceKey, uid: str) -> str:
        """Bring a Secret or ConfigMap to where it should be, unless it is there; return its version.

        An owned one is replaced as a whole: keys, labels and annotations that nobody asked for go.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await asyncio.to_thread(self._write, target, owner, uid)
            except (ConflictError, NotFoundError):
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _write(self, target: Target, owner: ResourceKey, uid: str) -> str:
        collection = f"/api/v1/namespaces/{target.namespace}/{_COLLECTIONS[target.kind]}"
        path = f"{collection}/{target.name}"
        try:
            found = decode(_decode_found, self._client.get(path), path)
        except NotFoundError:
            return self._send("POST", collection, _body(target, owner, uid))
        owners = {reference.uid for reference in found.metadata.owner_references or ()}
        if uid not in owners:
            raise not_owned(target, owner)
        if owners == {uid} and _is_so(found, target):
            return found.metadata.resource_version
        body = _body(target, owner, uid)
        body["metadata"]["resourceVersion"] = found.metadata.resource_version
        if found.type:
            body["type"] = found.type
        return self._send("PUT", path, body)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> str:
        answer = self._client.send(method, path, encode_public(body), query={"fieldManager": OWN_MANAGER})
        return decode(_decode_found, answer, path).metadata.resource_version


def _data(target: Target) -> dict[str, str]:
    if target.kind != SECRET:
        return dict(target.data)
    return {key: base64.b64encode(text.encode()).decode() for key, text in target.data.items()}


def _is_so(found: _Found, target: Target) -> bool:
    return (
        (found.data or {}) == _data(target)
        and not found.binary_data
        and (found.metadata.annotations or {}) == dict(target.annotations)
        and (found.metadata.labels or {}) == dict(target.labels)
    )


def _body(target: Target, owner: ResourceKey, uid: str) -> dict[str, Any]:
    reference = {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name, "uid": uid}
    metadata = {
        "name": target.name,
        "namespace": target.namespace,
        "annotations": dict(target.annotations),
        "labels": dict(target.labels),
        "ownerReferences": [reference],
    }
    return {"apiVersion": "v1", "kind": target.kind, "metadata": metadata, "data": _data(target)}
