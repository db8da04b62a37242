"""Outboxes of alerts in Secrets of one namespace: they tell who did what, which not everybody is to read."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import orjson

from engine.errors import ConflictError, InvalidSpecError
from engine.model.document import encode_public
from engine.ports import StoredOutbox
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.versions import OWN_MANAGER

MEMBER: Final = "outbox"
LABEL: Final = "trueup.dev/alerts"


class KubeOutboxes:
    """Implements ``AlertOutboxes``."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        """Read nothing yet."""
        self._client = client
        self._path = f"/api/v1/namespaces/{namespace}/secrets"

    async def read(self, name: str) -> StoredOutbox | None:
        """Return what is kept under a name; None when nothing is."""
        return await asyncio.to_thread(self.look, name)

    def look(self, name: str) -> StoredOutbox | None:
        """Return what is kept under a name, blocking; None when nothing is."""
        try:
            return self._stored(orjson.loads(self._client.get(f"{self._path}/{name}")))
        except NotFoundError:
            return None

    def look_at_all(self) -> Mapping[str, StoredOutbox]:
        """Return all that is kept, by name, blocking."""
        found = orjson.loads(self._client.get(self._path, {"labelSelector": f"{LABEL}={MEMBER}"}))
        return {item["metadata"]["name"]: self._stored(item) for item in found["items"]}

    async def write(self, name: str, stored: StoredOutbox) -> StoredOutbox:
        """Keep it, unless it changed since it was read as that version; an empty version: unless it is there."""
        raw = encode_public(_secret(name, stored))
        method, path = ("PUT", f"{self._path}/{name}") if stored.version else ("POST", self._path)
        query = {"fieldManager": OWN_MANAGER}
        try:
            answer = await asyncio.to_thread(self._client.send, method, path, raw, query=query)
        except NotFoundError as exc:
            raise ConflictError(f"Secret {name} is gone") from exc
        return StoredOutbox(stored.raw, str(orjson.loads(answer)["metadata"]["resourceVersion"]))

    def _stored(self, found: Mapping[str, Any]) -> StoredOutbox:
        name = found["metadata"]["name"]
        text = (found.get("data") or {}).get(MEMBER, "")
        try:
            raw = base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise InvalidSpecError(f"Secret {name} holds no {MEMBER}") from exc
        return StoredOutbox(raw, str(found["metadata"]["resourceVersion"]))


def _secret(name: str, stored: StoredOutbox) -> dict[str, Any]:
    version = {"resourceVersion": stored.version} if stored.version else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {LABEL: MEMBER}, **version},
        "data": {MEMBER: base64.b64encode(stored.raw).decode()},
    }
