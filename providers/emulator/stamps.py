"""Etags, times and authors that a write leaves in a body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.emulator.bodies import set_path
from providers.emulator.call import Call
from providers.emulator.facts import TypeFacts
from providers.emulator.invent import stable_uuid
from providers.emulator.operations import time_text
from providers.emulator.store import Record, Store
from schemas.nodes import UnionNode

_SERIAL = "serial"


class Stamper:
    """Makes etags that never repeat, also after a restart."""

    def __init__(self, store: Store, tenant: str) -> None:
        """Keep the serial number in the store."""
        self._store = store
        self.tenant = tenant

    def serial(self) -> int:
        """Return a number that was never given before."""
        number = int(self._store.note(_SERIAL) or 0) + 1
        self._store.set_note(_SERIAL, number)
        return number

    def etag(self, key: str, before: str, now: datetime) -> str:
        """Return a new etag."""
        return f'W/"{stable_uuid(key, before, time_text(now), str(self.serial()))}"'

    def next_etag(self, record: Record) -> str:
        """Return the etag after a change of state."""
        return f'W/"{stable_uuid(record.key, record.etag, str(self.serial()))}"'

    def time(self, now: datetime) -> str:
        """Return a time as Azure writes it."""
        return time_text(now)

    def stamp(self, facts: TypeFacts, body: dict[str, Any], before: Mapping[str, Any] | None, call: Call) -> None:
        """Write who changed the resource and when, where the type shows that."""
        shape = facts.shape.base if isinstance(facts.shape, UnionNode) else facts.shape.properties
        if "systemData" not in shape:
            return
        kind = "User" if "@" in call.actor else "Application"
        stamp = time_text(call.now)
        old = before.get("systemData") if before else None
        created = old if isinstance(old, dict) else {}
        body["systemData"] = {
            "createdBy": created.get("createdBy", call.actor),
            "createdByType": created.get("createdByType", kind),
            "createdAt": created.get("createdAt", stamp),
            "lastModifiedBy": call.actor,
            "lastModifiedByType": kind,
            "lastModifiedAt": stamp,
        }


def set_etag(facts: TypeFacts, body: dict[str, Any], etag: str) -> None:
    """Write the etag where the type's bodies carry it."""
    if facts.etag_path:
        set_path(body, facts.etag_path, etag)
