"""Messages in the form that each receiver documents; sizes stay below its limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from engine.alerts.alert import TEST, UNREADABLE, Alert
from engine.alerts.outbox import Message
from engine.alerts.sizes import cut, fit
from engine.drift.document import stamp

_SUMMARY: Final = 1_000
"""Characters; PagerDuty takes 1,024."""
_DETAILS: Final = 60_000
"""Characters of all that moved; PagerDuty takes 512 KB in an event, and one takes at most three bytes."""
_EVENT: Final = 5_000
"""Characters of what moved in a CloudEvent; whoever hands events on takes at least 64 KiB."""
_NAME: Final = 1_000
_ADDRESS: Final = 2_500
_ALERT_NAMES: Final = {UNREADABLE: "TrueupUnreadable", TEST: "TrueupTest"}


def title_of(message: Message, cluster: str) -> str:
    """Return what a message is about, in one line."""
    parts = []
    if message.firing:
        worst = max((a.severity for a in message.firing), key=lambda s: s.rank)
        one = message.firing[0].title if len(message.firing) == 1 and not message.more else ""
        parts.append(one or f"{len(message.firing)} drifted, worst {worst.value}")
    if message.resolved:
        one = message.resolved[0].title if len(message.resolved) == 1 and not (message.firing or message.more) else ""
        parts.append(f"resolved: {one}" if one else f"{len(message.resolved)} resolved")
    more = f" and {message.more} more" if message.more else ""
    return (f"[{cluster}] " if cluster else "") + ", ".join(parts) + more


def text_of(message: Message) -> str:
    """Return a whole message as plain text."""
    blocks = ["\n".join(lines_of(a)) for a in message.firing]
    blocks += [f"resolved: {a.title}" for a in message.resolved]
    blocks += [more_text(message.more)] if message.more else []
    return "\n\n".join(blocks) + "\n"


def lines_of(alert: Alert) -> list[str]:
    """Return all that is known of an alert, the most important first."""
    who = [f"last written by {alert.who}"] if alert.who else []
    request = [alert.request] if alert.request else []
    about = [alert.resource] if alert.resource else []
    head = f"{alert.severity.value}: {alert.title}"
    return [head, f"since {stamp(alert.since)}", *who, *about, *(f"  {line}" for line in alert.lines), *request]


def more_text(more: int) -> str:
    """Return where to look for what a message leaves out."""
    return f"and {more:,} more; kubectl get driftreports -A"


def alertmanager(message: Message, cluster: str, now: datetime, lasts: timedelta) -> list[dict[str, Any]]:
    """Return alerts for ``POST /api/v2/alerts``; one whose labels change ends under the old ones.

    Args:
        message: What is told.
        cluster: Its name.
        now: The time.
        lasts: For how long a firing alert holds unless it is sent again.
    """
    firing = [_alertmanager(a, cluster, ends=now + lasts) for a in message.firing]
    return [*firing, *(_alertmanager(a, cluster, ends=now) for a in (*message.resolved, *message.replaced))]


def _alertmanager(alert: Alert, cluster: str, *, ends: datetime) -> dict[str, Any]:
    _, _, rest = alert.object.partition("/")
    kind, _, name = rest.partition("/")
    labels = {
        "alertname": _ALERT_NAMES.get(alert.type, "TrueupDrift"),
        "severity": alert.severity.value,
        "type": alert.type,
        "cluster": alert.cluster or cluster,
        "namespace": alert.namespace,
        "kind": kind,
        "name": name,
        "fingerprint": alert.key,
    }
    annotations = {
        "summary": alert.title,
        "description": "\n".join(alert.lines),
        "resource": alert.resource,
        "who": alert.who,
        "request": alert.request,
    }
    return {
        "labels": {n: v for n, v in labels.items() if v},
        "annotations": {n: v for n, v in annotations.items() if v},
        "startsAt": stamp(min(alert.since, ends)),
        "endsAt": stamp(ends),
    }


def pagerduty(message: Message, cluster: str, routing_key: str) -> list[dict[str, Any]]:
    """Return events of the Events API v2, one for each alert; the key makes them one incident."""
    firing = [
        {
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": f"trueup/{alert.key}",
            "payload": {
                "summary": cut(alert.title, _SUMMARY),
                "source": cut(cluster, _NAME) or "trueup",
                "severity": alert.severity.value,
                "timestamp": stamp(alert.since),
                "component": cut(alert.resource, _ADDRESS) or "Azure",
                "class": alert.type,
                "custom_details": {
                    "changes": fit(alert.lines, _DETAILS),
                    "who": cut(alert.who, _NAME),
                    "request": cut(alert.request, _ADDRESS),
                },
            },
        }
        for alert in message.firing
    ]
    resolved = [
        {"routing_key": routing_key, "event_action": "resolve", "dedup_key": f"trueup/{alert.key}"}
        for alert in message.resolved
    ]
    return [*firing, *resolved]


def webhook(message: Message, cluster: str) -> dict[str, Any]:
    """Return a whole message for programs."""
    return {
        "format": "trueup.alert/1",
        "id": message.id,
        "cluster": cluster,
        "created": stamp(message.created),
        "title": title_of(message, cluster),
        "firing": _public(message.firing),
        "resolved": _public(message.resolved),
        "more": message.more,
    }


def cloudevents(message: Message, cluster: str) -> list[dict[str, Any]]:
    """Return a batch of CloudEvents 1.0, one for each alert."""
    both: Sequence[tuple[str, Alert]] = (
        *(("detected", a) for a in message.firing),
        *(("resolved", a) for a in message.resolved),
    )
    return [
        {
            "specversion": "1.0",
            "id": f"{message.id}/{number}",
            "source": f"/trueup/{quote(cut(cluster, _NAME), safe='') or 'default'}",
            "type": f"dev.trueup.{'test' if alert.type == TEST else 'drift'}.{what}",
            "subject": cut(alert.resource, _ADDRESS) or alert.type,
            "time": stamp(message.created),
            "datacontenttype": "application/json",
            "data": _small(_public([alert])[0]),
        }
        for number, (what, alert) in enumerate(both)
    ]


def _public(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    return [
        {
            "fingerprint": alert.key,
            "type": alert.type,
            "severity": alert.severity.value,
            "namespace": alert.namespace,
            "object": alert.object,
            "resource": alert.resource,
            "resourceType": alert.arm_type,
            "title": alert.title,
            "changes": list(alert.lines),
            "who": alert.who,
            "request": alert.request,
            "since": stamp(alert.since),
        }
        for alert in alerts
    ]


def _small(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of an alert, cut to what may be handed on."""
    texts = {name: cut(value, _NAME) if isinstance(value, str) else value for name, value in data.items()}
    return {**texts, "changes": fit(data["changes"], _EVENT)}
