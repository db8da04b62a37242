"""Who may sign in: the emulator's own application, and those that a test adds while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.emulator.connection import Identity
from providers.emulator.invent import stable_uuid


@dataclass(frozen=True, slots=True)
class Application:
    """One application: its id, its secret, and the object id of its service principal."""

    client: str
    secret: str = field(repr=False)
    object_id: str


class Applications:
    """All of them; ids are compared without letter case."""

    def __init__(self, identity: Identity) -> None:
        """Begin with the emulator's own."""
        self.own = Application(identity.client, identity.secret, identity.object_id)
        self._all = {identity.client.lower(): self.own}

    def add(self, client: str, secret: str) -> Application:
        """Add one, or give one another secret; the emulator's own stays as it is."""
        if client.lower() != self.own.client.lower():
            object_id = stable_uuid("application", client.lower())
            self._all[client.lower()] = Application(client, secret, object_id)
        return self._all[client.lower()]

    def find(self, client: str) -> Application | None:
        """Return an application by its id; None when nobody added it."""
        return self._all.get(client.lower())
