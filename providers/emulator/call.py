"""One request as the parts of the emulator see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.emulator.address import Address


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: the token is good, the address is parsed.

    Attributes:
        base: Scheme, host and port the client used; links are built on it.
        query: Names in lower case.
        headers: Names in lower case.
        actor: Who shows up as the author of the change.
    """

    method: str
    address: Address
    base: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    actor: str
    now: datetime

    @property
    def api(self) -> str:
        """Return the api-version; empty when none was given."""
        return self.query.get("api-version", "")
