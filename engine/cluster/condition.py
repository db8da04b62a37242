"""The Ready condition: its states, and which of two may replace the other.

Reasons, severities, messages and priorities are ASO's: alerting rules and health checks written for it go on working.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

READY: Final = "Ready"
RECONCILING: Final = "The resource is in the process of being reconciled by the operator"
DELETING: Final = "The resource is being deleted"
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


class Severity(enum.StrEnum):
    """How bad a condition that is not True is; empty for one that is."""

    NONE = ""
    INFO = "Info"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of one object, Ready unless it says so.

    Attributes:
        status: ``True``, ``False`` or ``Unknown``.
        reason: One of ASO's reasons, or ARM's error code as it came.
        observed_generation: The generation it speaks of; 0 for none.
        since: When it was set, whole seconds, UTC; None while it was not set on an object.
    """

    status: str
    severity: Severity = Severity.NONE
    reason: str = ""
    message: str = ""
    observed_generation: int = 0
    since: datetime | None = None
    type: str = READY

    @property
    def is_true(self) -> bool:
        """Whether the object is Ready."""
        return self.status == "True"

    def to_wire(self) -> dict[str, Any]:
        """Return the condition as it stands in ``status.conditions``; empty members are left out, as ASO does."""
        since = self.since.astimezone(UTC).strftime(_STAMP) if self.since is not None else ""
        members: dict[str, Any] = {
            "type": self.type,
            "status": self.status,
            "severity": self.severity.value,
            "lastTransitionTime": since,
            "observedGeneration": self.observed_generation,
            "reason": self.reason,
            "message": self.message,
        }
        return {name: value for name, value in members.items() if value}


def succeeded(generation: int) -> Condition:
    """Azure is as the object says."""
    return Condition(status="True", reason="Succeeded", observed_generation=generation)


def reconciling(generation: int) -> Condition:
    """Work on the object is under way."""
    return _false(Severity.INFO, "Reconciling", RECONCILING, generation)


def deleting(generation: int) -> Condition:
    """The resource is going away."""
    return _false(Severity.INFO, "Deleting", DELETING, generation)


def warning(reason: str, message: str, generation: int) -> Condition:
    """A problem that time or another object may cure; it is tried again."""
    return _false(Severity.WARNING, reason, message, generation)


def error(reason: str, message: str, generation: int) -> Condition:
    """A problem that only a person can cure."""
    return _false(Severity.ERROR, reason, message, generation)


def _false(severity: Severity, reason: str, message: str, generation: int) -> Condition:
    return Condition(status="False", severity=severity, reason=reason, message=message, observed_generation=generation)


def read_condition(conditions: object) -> Condition | None:
    """Return the Ready condition of ``status.conditions`` as somebody wrote it; None when there is none."""
    for item in conditions if isinstance(conditions, list) else ():
        if isinstance(item, Mapping) and item.get("type") == READY:
            return _read(item)
    return None


def _read(item: Mapping[str, Any]) -> Condition:
    generation = item.get("observedGeneration")
    severity = item.get("severity")
    return Condition(
        status=str(item.get("status", "Unknown")),
        severity=Severity(severity) if severity in _SEVERITIES else Severity.NONE,
        reason=str(item.get("reason", "")),
        message=str(item.get("message", "")),
        observed_generation=generation if isinstance(generation, int) else 0,
        since=_read_time(item.get("lastTransitionTime")),
    )


_SEVERITIES: Final = frozenset(s.value for s in Severity)


def _read_time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


def choose_condition(old: Condition | None, new: Condition, now: datetime, *, begins: bool = False) -> Condition:
    """Return the condition an object is to have.

    A condition of an older generation never replaces a newer one, and within one generation news of work under way does
    not replace a result: a healthy object does not flicker each time it is looked at.

    Args:
        old: What stands on the object.
        new: What is to be said; its time is set here.
        now: The time.
        begins: A request is about to be sent: what it waited for is there, so that a stale wait is replaced.
    """
    fresh = replace(new, since=now.astimezone(UTC).replace(microsecond=0))
    if old is None or old.since is None:
        return fresh
    if replace(old, since=None) == replace(new, since=None):
        return old
    if new.observed_generation != old.observed_generation:
        return fresh if new.observed_generation > old.observed_generation else old
    if _priority(new) >= _priority(old) or (begins and _rank(new) > _rank(old)):
        return fresh
    return old


def _priority(condition: Condition) -> int:
    if condition.status == "True":
        return 5
    if condition.status == "False":
        return 4 if condition.severity is Severity.INFO else 5
    return 3


_WAITS: Final = frozenset(
    {"ReferenceNotFound", "SecretNotFound", "ConfigMapNotFound", "AzureResourceNotFound", "WaitingForOwner"}
)


def _rank(condition: Condition) -> int:
    if condition.reason in _WAITS:
        return -2
    return -1 if condition.reason == "Reconciling" else 0


def other_conditions(conditions: object) -> tuple[Any, ...]:
    """Return what stands in ``status.conditions`` beside Ready."""
    found = conditions if isinstance(conditions, list) else ()
    return tuple(c for c in found if not (isinstance(c, Mapping) and c.get("type") == READY))
