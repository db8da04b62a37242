"""Whatever moved in Azure, and however much, every receiver gets what it takes and a count of the rest."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft6Validator, Draft7Validator, FormatChecker

from engine.alerts import chat, messages
from engine.alerts.alert import TYPES, Alert
from engine.alerts.outbox import Message
from engine.alerts.overview import remarks, settings_lines
from engine.alerts.parts import SettingsError
from engine.alerts.settings import parse_settings
from engine.alerts.sizes import units
from engine.drift.severity import Severity
from engine.reporting.values import printable

SCHEMAS = Path(__file__).parent.parent / "schemas"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORMATS = FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    """Whether it is a time with a zone."""
    return datetime.fromisoformat(str(value)).tzinfo is not None


@FORMATS.checks("uri-reference")
def is_address(value: object) -> bool:
    """Whether it has only characters that RFC 3986 allows."""
    return re.fullmatch(r"(?:[\w\-.~:/?#@!$&'()*+,;=]|%[0-9A-F]{2})*", str(value), re.ASCII) is not None


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text())


CARD = Draft6Validator(schema("adaptive-card-1.4.json"))
EVENT = Draft7Validator(schema("cloudevents-1.0.json"), format_checker=FORMATS)
POSTED = Draft4Validator(schema("alertmanager-alerts.json"), format_checker=FORMATS)

_pieces = st.sampled_from(("a", "/", '"', "\\", "<!channel>", "```", "é", "漢", "😀", "&", "[x](http://y)", "*", " "))
texts = st.builds(
    lambda pieces, times: printable("".join(pieces) * times),
    st.lists(_pieces | st.characters(exclude_categories=("Cs",)), max_size=6),
    st.sampled_from((1, 3, 40, 400)),
)
alerts = st.builds(
    Alert,
    key=st.text("0123456789abcdef", min_size=20, max_size=20),
    version=st.just("v"),
    type=st.sampled_from(TYPES),
    severity=st.sampled_from(Severity),
    namespace=texts,
    object=texts,
    resource=texts,
    arm_type=texts,
    title=texts.map(lambda t: t or "x"),
    lines=st.lists(texts, max_size=12).map(tuple),
    who=texts,
    request=texts,
    since=st.timedeltas(timedelta(0), timedelta(days=900)).map(lambda age: NOW - age),
)


@st.composite
def sent(draw: st.DrawFn) -> Message:
    """Return a message with a few alerts, many times over."""
    some = draw(st.lists(alerts, min_size=1, max_size=4)) * draw(st.sampled_from((1, 15)))
    ended = draw(st.integers(0, len(some)))
    more = draw(st.sampled_from((0, 3)))
    return Message(
        id="m-1", sink="s", firing=tuple(some[ended:]), resolved=tuple(some[:ended]), more=more, created=NOW, due=NOW
    )


def size(value: Any) -> int:
    return len(orjson.dumps(value))


def told_more(text: str) -> int:
    """Return the number in ``and 12 more``."""
    return int(text.split()[1].replace(",", ""))


@settings(max_examples=40)
@given(sent(), texts)
def test_slack_takes_every_message(message: Message, cluster: str) -> None:
    """At most 50 blocks of the documented kinds and lengths; what is left out is counted.

    Slack publishes no schema: the limits are those of Block Kit's reference, as in the npm package ``@slack/types``.
    """
    found = chat.slack(message, cluster)

    header, *blocks = found["blocks"]
    sections = [b for b in blocks if b["type"] == "section"]
    context = [b for b in blocks if b["type"] == "context"]
    assert found.keys() == {"text", "blocks"}
    assert header == {"type": "header", "text": {"type": "plain_text", "text": header["text"]["text"]}}
    assert 1 <= units(header["text"]["text"]) <= 150
    assert len(found["blocks"]) <= 50
    assert all(b == {"type": "section", "text": {"type": "mrkdwn", "text": b["text"]["text"]}} for b in sections)
    assert all(1 <= units(b["text"]["text"]) <= 3_000 for b in sections)
    assert "<" not in found["text"] + "".join(b["text"]["text"] for b in sections)
    left = told_more(context[0]["elements"][0]["text"]) if context else 0
    assert len(sections) + left == len(message.firing) + len(message.resolved) + message.more


@settings(max_examples=40)
@given(sent(), texts)
def test_teams_takes_every_card(message: Message, cluster: str) -> None:
    """The card is one of Microsoft's schema, and below 28 KB however characters are counted; the rest is counted."""
    found = chat.teams(message, cluster)

    (attachment,) = found["attachments"]
    card = attachment["content"]
    CARD.validate(card)
    assert size(found) <= 28 * 1024
    assert len(orjson.dumps(found).decode().encode("utf-16-le")) <= 28 * 1024
    shown = sum(b.get("separator", False) for b in card["body"])
    left = told_more(card["body"][-1]["text"]) if card["body"][-1].get("isSubtle") else 0
    assert shown >= 1
    assert shown + left == len(message.firing) + len(message.resolved) + message.more


@settings(max_examples=40)
@given(sent(), texts)
def test_pagerduty_takes_every_event(message: Message, cluster: str) -> None:
    """Every event has what its documentation asks for and keeps to its limits; there is no schema with these limits.

    512 KB for an event, 1,024 characters for a summary, 255 for a key; severities and actions are of a fixed set.
    """
    events = messages.pagerduty(message, cluster, "k" * 32)

    assert [e["event_action"] for e in events] == ["trigger"] * len(message.firing) + ["resolve"] * len(
        message.resolved
    )
    assert all(size(e) <= 512 * 1024 and 1 <= len(e["dedup_key"]) <= 255 for e in events)
    for event in events[: len(message.firing)]:
        payload = event["payload"]
        assert 1 <= units(payload["summary"]) <= 1_024
        assert payload["source"] != ""
        assert payload["severity"] in ("critical", "warning", "error", "info")
        assert datetime.fromisoformat(payload["timestamp"]).tzinfo is not None
        assert isinstance(payload["custom_details"], dict)


@settings(max_examples=40)
@given(sent(), texts)
def test_every_cloudevent_is_one(message: Message, cluster: str) -> None:
    """Each is valid by the schema of the specification and below the 64 KiB that everybody hands on."""
    events = messages.cloudevents(message, cluster)

    for event in events:
        EVENT.validate(event)
        assert size(event) <= 64 * 1024
    assert len({e["id"] for e in events}) == len(events)


@settings(max_examples=40)
@given(sent(), texts)
def test_alertmanager_takes_every_alert(message: Message, cluster: str) -> None:
    """What is posted is valid by its OpenAPI document, and no label is empty, which would be none."""
    posted = messages.alertmanager(message, cluster, NOW, timedelta(hours=1))

    POSTED.validate(posted)
    assert len(posted) == len(message.firing) + len(message.resolved)
    assert all(all(a["labels"].values()) and a["startsAt"] <= a["endsAt"] for a in posted)


_odd = st.sampled_from(
    (
        None,
        True,
        0,
        -1,
        3,
        "",
        "a",
        "5m",
        "1d",
        "slack",
        "email",
        "info",
        "drift",
        "2026-12-24",
        [],
        ["a"],
        {},
        {"env": "A"},
    )
)
_members = ("name", "type", "url", "key", "host", "from", "to", "port", "tls", "username", "password", "routingKey")
_wishes = ("sinks", "match", "minAge", "digest", "repeat", "limit", "resolved", "until", "reason", "severity", "labels")
_parts = st.dictionaries(st.sampled_from((*_members, *_wishes)), _odd | st.dictionaries(st.sampled_from(_wishes), _odd))
_whole = st.fixed_dictionaries({"name": st.just("a"), "type": st.just("slack"), "url": st.just({"env": "A"})})
documents = _odd | st.fixed_dictionaries(
    {"sinks": _odd | st.lists(_whole | _parts, max_size=3)},
    optional={
        "cluster": _odd,
        "routes": _odd | st.lists(_parts | _odd, max_size=3),
        "silences": _odd | st.lists(_parts),
    },
)


@settings(max_examples=200)
@given(documents)
def test_a_document_is_understood_or_its_faults_are_named(document: Any) -> None:
    """No document whatever ends otherwise; each fault says what is wrong."""
    found, faults = None, ()
    try:
        found = parse_settings(document)
    except SettingsError as exc:
        faults = exc.faults

    assert (found is None) is bool(faults)
    assert all(f.what for f in faults)
    if found is not None:
        assert all(set(route.sinks) <= set(found.sinks) for route in found.routes)
        assert len(list(settings_lines(found, NOW))) > len(found.sinks)
        assert isinstance(remarks(found, NOW), list)
