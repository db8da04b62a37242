"""Leases by which replicas share namespaces, as they stand."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LASTS: Final = timedelta(seconds=15)
"""As ASO's leader election has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLease:
    """A Lease as it stands.

    Attributes:
        version: Its resourceVersion; empty for one that does not exist.
        stamp: Changes with each renewal.
    """

    name: str
    holder: str = ""
    version: str = ""
    stamp: str = ""
    lasts: timedelta = LASTS
    transitions: int = 0


def shard_of(namespace: str, count: int) -> int:
    """Return the shard of a namespace."""
    return zlib.crc32(namespace.encode()) % count
