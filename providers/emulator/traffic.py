"""What was asked of the emulator: counts, writes in order, and writes of one resource that overlapped."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import Any

_MOST_WRITES = 200_000
_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a client said beside method and path; ``client`` is its own id of the request."""

    client: str = ""
    query: str = ""
    body: bytes = b""


class Traffic:
    """Kept since the start or the last reset; requests to the token authority and to the control API do not count."""

    def __init__(self, *, keep_bodies: bool = False) -> None:
        """Start empty; bodies of writes are kept only where that was asked for."""
        self._keep_bodies = keep_bodies
        self._in_flight: collections.Counter[str] = collections.Counter()
        self.reset()

    def reset(self) -> None:
        """Forget what was counted; writes under way stay under way."""
        self._counts: collections.Counter[str] = collections.Counter()
        self._reads: collections.Counter[str] = collections.Counter()
        self._statuses: collections.Counter[int] = collections.Counter()
        self._writes: list[dict[str, Any]] = []
        self._overlaps: collections.Counter[str] = collections.Counter()

    def begin(self, method: str, key: str) -> None:
        """Note that a request came in."""
        self._counts[method] += 1
        if method in _WRITES:
            self._in_flight[key] += 1
            if self._in_flight[key] > 1:
                self._overlaps[key] += 1

    def end(self, method: str, path: str, key: str, status: int, sent: Sent) -> None:
        """Note how it was answered; 0 when the connection was cut instead."""
        self._statuses[status] += 1
        if method not in _WRITES:
            self._reads[path] += 1
            return
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]
        if len(self._writes) < _MOST_WRITES:
            kept = {"query": sent.query, "body": sent.body.decode(errors="replace")} if self._keep_bodies else {}
            self._writes.append({"method": method, "path": path, "status": status, "client": sent.client, **kept})

    def document(self) -> dict[str, Any]:
        """Return everything as the control API shows it."""
        return {
            "counts": dict(sorted(self._counts.items())),
            "writes": self._writes,
            "reads": dict(sorted(self._reads.items())),
            "statuses": {str(k): v for k, v in sorted(self._statuses.items())},
            "overlaps": dict(sorted(self._overlaps.items())),
        }
