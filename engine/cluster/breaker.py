"""Holds deletions back when very many come within a short time: a wrong command looks just like that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from engine.desired.identity import ObjectIdentity

ALLOW_DELETE: Final = "trueup.dev/allow-delete"


@dataclass(slots=True)
class Breaker:
    """Counts deletions.

    Attributes:
        window: How far back deletions count together.
        count: From this many on ...
        share: ... that are also this share of what there was, deletions wait.
    """

    window: timedelta = timedelta(minutes=10)
    count: int = 20
    share: float = 0.5
    _seen: dict[ObjectIdentity, datetime] = field(default_factory=dict)

    def note(self, identity: ObjectIdentity, now: datetime) -> None:
        """Count the deletion of an object, once."""
        self._seen.setdefault(identity, now)

    def has_counted(self, identity: ObjectIdentity) -> bool:
        """Whether the deletion of an object was counted, within the window."""
        return identity in self._seen

    def why_held(self, objects: int, now: datetime, namespace: Mapping[str, str]) -> str:
        """Return why a deletion has to wait; empty when it need not.

        Args:
            objects: How many there are now, those being deleted among them.
            now: The time.
            namespace: Annotations of the object's namespace.
        """
        self._seen = {i: at for i, at in self._seen.items() if now - at <= self.window}
        found = len(self._seen)
        if found < self.count or found < self.share * max(objects, found) or _is_allowed(namespace, now):
            return ""
        minutes = int(self.window.total_seconds() // 60)
        return (
            f"{found} of {max(objects, found)} objects were deleted within {minutes} minutes; "
            f"to go on, annotate the namespace with {ALLOW_DELETE}: a time in the future, as 2030-01-31T12:00:00Z"
        )


def _is_allowed(namespace: Mapping[str, str], now: datetime) -> bool:
    try:
        until = datetime.fromisoformat(namespace.get(ALLOW_DELETE, ""))
    except ValueError:
        return False
    return until.tzinfo is not None and until > now
