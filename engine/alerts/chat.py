"""Messages that people read in Slack and Teams; sizes stay below what these take."""

from __future__ import annotations

from typing import Any, Final

from engine.alerts.alert import Alert
from engine.alerts.messages import lines_of, more_text, title_of
from engine.alerts.outbox import Message
from engine.alerts.sizes import cut, units_of
from engine.drift.severity import Severity

_SLACK_TITLE: Final = 150
_SLACK_BLOCK: Final = 2_900
"""Characters of a section; Slack takes 3,000."""
_SLACK_ALERTS: Final = 45
"""Slack takes 50 blocks in a message."""
_SLACK_ALL: Final = 12_000
"""Characters of all blocks: Slack refuses long ones together (msg_blocks_too_long) and names no number."""
_TEAMS_ALL: Final = 12_500
"""Characters of the card: a message may have 28 KB, and Teams may count two bytes for a character."""
_TEAMS_TITLE: Final = 500
_TEAMS_TEXT: Final = 2_500
_EMOJI: Final = {
    Severity.CRITICAL: ":red_circle:",
    Severity.WARNING: ":large_orange_circle:",
    Severity.INFO: ":white_circle:",
}
_COLOURS: Final = {Severity.CRITICAL: "Attention", Severity.WARNING: "Warning", Severity.INFO: "Default"}


def slack(message: Message, cluster: str) -> dict[str, Any]:
    """Return a message of blocks for an incoming webhook."""
    title = title_of(message, cluster)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(title, _SLACK_TITLE)}},
    ]
    shown = [*(_slack_firing(a) for a in message.firing), *(_slack_resolved(a) for a in message.resolved)]
    fitting = _fitting([[block] for block in shown], _SLACK_ALL)[:_SLACK_ALERTS]
    blocks += [block for group in fitting for block in group]
    more = message.more + len(shown) - len(fitting)
    if more:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": more_text(more)}]})
    return {"text": cut(_escape(title), _SLACK_BLOCK), "blocks": blocks}


def _fitting(groups: list[list[dict[str, Any]]], limit: int) -> list[list[dict[str, Any]]]:
    """Return the first groups of blocks that are not longer together; the first is always there."""
    spent, count = 0, 0
    for group in groups:
        spent += sum(units_of(block) + 1 for block in group)
        if spent > limit and count:
            break
        count += 1
    return groups[:count]


def _slack_firing(alert: Alert) -> dict[str, Any]:
    head, *rest = lines_of(alert)
    body = cut(_escape("\n".join(rest)).replace("```", "'''"), _SLACK_BLOCK - 400)
    text = f"{_EMOJI[alert.severity]} *{cut(_escape(head), 350)}*\n```{body}```"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _slack_resolved(alert: Alert) -> dict[str, Any]:
    text = f":white_check_mark: resolved: {cut(_escape(alert.title), 350)}"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _escape(text: str) -> str:
    """Return a text that Slack shows as it is; nobody is mentioned by what stands in Azure."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(message: Message, cluster: str) -> dict[str, Any]:
    """Return an Adaptive Card 1.4 for a webhook of a workflow."""
    groups = [
        *(_teams_alert(a, is_over=False) for a in message.firing),
        *(_teams_alert(a, is_over=True) for a in message.resolved),
    ]
    fitting = _fitting(groups, _TEAMS_ALL)
    body = [_text(cut(title_of(message, cluster), _TEAMS_TITLE), weight="Bolder", size="Medium")]
    body += [block for group in fitting for block in group]
    if more := message.more + len(groups) - len(fitting):
        body.append(_text(more_text(more), isSubtle=True))
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
        return [_text(cut(f"resolved: {alert.title}", _TEAMS_TITLE), color="Good", separator=True)]
    head, *rest = lines_of(alert)
    title = _text(cut(head, _TEAMS_TITLE), weight="Bolder", color=_COLOURS[alert.severity], separator=True)
    return [title, _text(cut("\n\n".join(rest), _TEAMS_TEXT), fontType="Monospace")]


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}
