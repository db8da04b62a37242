"""Messages in the form that each receiver documents; sizes stay below its limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from engine.alerts.alert import TEST, UNREADABLE, Alert
from engine.alerts.outbox import Message
from engine.drift.document import stamp
from engine.drift.severity import Severity

_SLACK_BLOCK: Final = 2_900
"""Characters of a section; Slack takes 3,000."""
_SLACK_ALERTS: Final = 45
"""Slack takes 50 blocks in a message."""
_TEAMS_BYTES: Final = 24_000
"""Of texts; a message may have 28 KB."""
_SUMMARY: Final = 1_000
"""Characters; PagerDuty takes 1,024."""
_EMOJI: Final = {
    Severity.CRITICAL: ":red_circle:",
    Severity.WARNING: ":large_orange_circle:",
    Severity.INFO: ":white_circle:",
}
_ALERT_NAMES: Final = {UNREADABLE: "TrueupUnreadable", TEST: "TrueupTest"}
_COLOURS: Final = {Severity.CRITICAL: "Attention", Severity.WARNING: "Warning", Severity.INFO: "Default"}


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
    blocks = ["\n".join(_lines(a)) for a in message.firing]
    blocks += [f"resolved: {a.title}" for a in message.resolved]
    blocks += [_more(message)] if message.more else []
    return "\n\n".join(blocks) + "\n"


def _lines(alert: Alert) -> list[str]:
    who = [f"last written by {alert.who}"] if alert.who else []
    request = [alert.request] if alert.request else []
    about = [alert.resource] if alert.resource else []
    head = f"{alert.severity.value}: {alert.title}"
    return [head, f"since {stamp(alert.since)}", *who, *about, *(f"  {line}" for line in alert.lines), *request]


def _more(message: Message) -> str:
    return f"and {message.more} more; kubectl get driftreports -A"


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
        "cluster": cluster,
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


def slack(message: Message, cluster: str) -> dict[str, Any]:
    """Return a message of blocks for an incoming webhook."""
    title = title_of(message, cluster)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, 150)}},
    ]
    shown = [*(_slack_firing(a) for a in message.firing), *(_slack_resolved(a) for a in message.resolved)]
    blocks += shown[:_SLACK_ALERTS]
    more = message.more + max(0, len(shown) - _SLACK_ALERTS)
    if more:
        text = f"and {more} more; `kubectl get driftreports -A`"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    return {"text": _cut(title, _SLACK_BLOCK), "blocks": blocks}


def _slack_firing(alert: Alert) -> dict[str, Any]:
    head, *rest = _lines(alert)
    body = _cut(_escape("\n".join(rest)).replace("```", "'''"), _SLACK_BLOCK - 400)
    text = f"{_EMOJI[alert.severity]} *{_cut(_escape(head), 350)}*\n```{body}```"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _slack_resolved(alert: Alert) -> dict[str, Any]:
    text = f":white_check_mark: resolved: {_cut(_escape(alert.title), _SLACK_BLOCK)}"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escape(text: str) -> str:
    """Return a text that Slack shows as it is; nobody is mentioned by what stands in Azure."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(message: Message, cluster: str) -> dict[str, Any]:
    """Return an Adaptive Card 1.4 for a webhook of a workflow."""
    body: list[dict[str, Any]] = [_text(title_of(message, cluster), weight="Bolder", size="Medium")]
    spent, left = 0, message.more
    for alert, is_over in (*((a, False) for a in message.firing), *((a, True) for a in message.resolved)):
        blocks = _teams_alert(alert, is_over=is_over)
        spent += sum(len(b["text"].encode()) + 150 for b in blocks)
        if spent > _TEAMS_BYTES:
            left += 1
        else:
            body += blocks
    if left:
        body.append(_text(f"and {left} more; kubectl get driftreports -A", isSubtle=True))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _teams_alert(alert: Alert, *, is_over: bool) -> list[dict[str, Any]]:
    if is_over:
        return [_text(_cut(f"resolved: {alert.title}", 500), color="Good", separator=True)]
    head, *rest = _lines(alert)
    title = _text(_cut(head, 500), weight="Bolder", color=_COLOURS[alert.severity], separator=True)
    return [title, _text(_cut("\n\n".join(rest), 2_500), fontType="Monospace")]


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def pagerduty(message: Message, cluster: str, routing_key: str) -> list[dict[str, Any]]:
    """Return events of the Events API v2, one for each alert; the key makes them one incident."""
    firing = [
        {
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": f"trueup/{alert.key}",
            "payload": {
                "summary": _cut(alert.title, _SUMMARY),
                "source": cluster or "trueup",
                "severity": alert.severity.value,
                "timestamp": stamp(alert.since),
                "component": alert.resource or "Azure",
                "class": alert.type,
                "custom_details": {"changes": list(alert.lines), "who": alert.who, "request": alert.request},
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
            "source": f"/trueup/{cluster or 'default'}",
            "type": f"dev.trueup.{'test' if alert.type == TEST else 'drift'}.{what}",
            "subject": alert.resource or alert.type,
            "time": stamp(message.created),
            "datacontenttype": "application/json",
            "data": _public([alert])[0],
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


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
