"""A message as Kubernetes events: one for each alert, on the object that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from engine.alerts.alert import UNREADABLE, Alert
from engine.alerts.outbox import Message
from engine.alerts.sizes import cut
from engine.desired.identity import ObjectIdentity
from engine.drift.document import stamp

REPORTER: Final = "trueup-alerts"
_TEXT: Final = 1024
"""Characters of an event's message at most."""
_NAME: Final = 200
REASONS: Final = {
    "AzureUnreadable": (True, True),
    "AzureReadable": (True, False),
    "DriftAlert": (False, True),
    "DriftAlertEnded": (False, False),
}
"""Reasons of events: whether Azure cannot be read, and whether that, or drift, is there or over."""
UidOf = Callable[[ObjectIdentity], str]
"""Returns the uid of an object; empty for one that is gone."""


def events_of(message: Message, *, uid_of: UidOf, pod: tuple[str, str], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events; their names are the same for every try, so that none is made twice.

    Args:
        message: What is told.
        uid_of: Knows objects.
        pod: Namespace and name of our own pod: what is about no single object is told on it.
        now: The time.
    """
    both = (*((a, True) for a in message.firing), *((a, False) for a in message.resolved))
    for number, (alert, is_firing) in enumerate(both, 1):
        where = _about(alert, uid_of, pod)
        at = stamp(now)
        yield {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{str(where['name'])[:_NAME]}.{message.id}.{number}",
                "namespace": where["namespace"],
            },
            "involvedObject": where,
            "type": "Warning" if is_firing else "Normal",
            "reason": next(r for r, about in REASONS.items() if about == (alert.type == UNREADABLE, is_firing)),
            "message": cut(_text(alert, is_firing=is_firing), _TEXT),
            "source": {"component": REPORTER},
            "reportingComponent": REPORTER,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }


def _about(alert: Alert, uid_of: UidOf, pod: tuple[str, str]) -> dict[str, str]:
    if alert.identity is None:
        return {"apiVersion": "v1", "kind": "Pod", "namespace": pod[0], "name": pod[1]}
    namespace, _, kind, name = alert.identity
    uid = uid_of(alert.identity)
    found = {"apiVersion": alert.api_version, "kind": kind, "namespace": namespace, "name": name}
    return {**found, **({"uid": uid} if uid else {})}


def _text(alert: Alert, *, is_firing: bool) -> str:
    if not is_firing:
        return f"over: {alert.title}"
    who = f"; last written by {alert.who}" if alert.who else ""
    lines = f": {'; '.join(alert.lines)}" if alert.lines else ""
    return f"{alert.severity.value}: {alert.title}{lines}{who}"
