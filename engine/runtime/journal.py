"""What is remembered of a write from just before it is sent until its end was seen."""

from __future__ import annotations

from engine.model.ids import ArmId, ResourceKey
from engine.ports import BaselineStore


class Journal:
    """One write's line in the store: how to find out what became of it."""

    def __init__(self, store: BaselineStore, resource: ArmId, key: ResourceKey) -> None:
        """Write nothing yet."""
        self._store = store
        self._resource = resource
        self._key = key
        self._saved = ""
        self.intent = ""
        """What looks after a write that nobody answers; empty until it is sent."""

    def announce(self, token: str) -> None:
        """Remember that the write is about to be sent."""
        self.intent = token
        self.save(token)

    def save(self, token: str) -> None:
        """Remember how to follow it from here on."""
        if token != self._saved:
            self._store.save_operation(self._resource, self._key, token)
            self._saved = token

    def close(self) -> None:
        """Its end was seen."""
        self._store.clear_operation(self._resource)
        self._saved = ""
