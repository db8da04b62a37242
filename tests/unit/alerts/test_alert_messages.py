"""Messages keep to what their receivers document, whatever stands in Azure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from engine.alerts import chat, messages
from engine.alerts.alert import alerts_of
from engine.alerts.outbox import Message
from engine.drift.document import build_report
from engine.model.change import Attribution
from tests.drift_cases import NOON, drifted, ledger_of, missing, moved

LATER = NOON + timedelta(minutes=5)


def message(*steps: Any, resolved: int = 0) -> Message:
    """Return a message about what drifted at noon; the last few have ended."""
    found = alerts_of(build_report("default", ledger_of(*steps)), cluster="c1", labels_of=lambda _: {})
    cut = len(found) - resolved
    return Message(id="m-1", sink="s", firing=tuple(found[:cut]), resolved=tuple(found[cut:]), created=LATER, due=LATER)


def huge() -> Message:
    """Return a message with 50 alerts of ten long places each."""
    long = '<!channel> "quoted" ```' + "é" * 5_000
    changes = [moved(f"/properties/p{n}", before=long, after="x") for n in range(12)]
    found = message(*(drifted(f"app{n:02}", *changes) for n in range(9)), missing("zz"))
    return replace(found, firing=found.firing * 5, more=7)


def test_alertmanager_gets_steady_labels_and_an_end() -> None:
    """A firing alert holds for a while and is sent again; one that is over ends now. Values stand in annotations."""
    one, over = messages.alertmanager(
        message(drifted("app"), drifted("old"), resolved=1), "c1", LATER, timedelta(hours=1)
    )

    assert one["labels"] | {"fingerprint": ""} == {
        "alertname": "TrueupDrift", "severity": "critical", "type": "drift", "cluster": "c1",
        "namespace": "default", "kind": "StorageAccount", "name": "app", "fingerprint": "",
    }  # fmt: skip
    assert (one["startsAt"], one["endsAt"]) == ("2026-11-23T12:00:00Z", "2026-11-23T13:05:00Z")
    assert over["endsAt"] == "2026-11-23T12:05:00Z"
    assert "TLS1_0" in one["annotations"]["description"]


def test_an_end_has_the_labels_of_its_beginning() -> None:
    """Alertmanager goes by labels: what was told under another name of the cluster ends under that one."""
    (over,) = messages.alertmanager(message(drifted("old"), resolved=1), "renamed", LATER, timedelta(hours=1))

    assert over["labels"]["cluster"] == "c1"


def test_slack_blocks_stay_within_limits() -> None:
    """At most 50 blocks, 150 characters of header, 3,000 of a section; nobody is mentioned by what stands in Azure."""
    found = chat.slack(huge(), "c1")

    blocks = found["blocks"]
    sections = [b["text"]["text"] for b in blocks if b["type"] == "section"]
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    assert max(map(len, sections)) <= 3_000
    assert all(text.count("```") == 2 for text in sections)
    assert "<!channel>" not in str(found)
    assert blocks[-1]["elements"][0]["text"].startswith(f"and {57 - len(sections)} more")
    assert len(sections) < 50


def test_a_teams_card_stays_within_28_kb() -> None:
    """The card is an Adaptive Card 1.4; what does not fit is counted."""
    found = chat.teams(huge(), "c1")

    card = found["attachments"][0]["content"]
    assert (found["type"], card["type"], card["version"]) == ("message", "AdaptiveCard", "1.4")
    assert found["attachments"][0]["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert len(orjson.dumps(found)) <= 28_000
    assert "more; kubectl" in card["body"][-1]["text"]
    assert {b["type"] for b in card["body"]} == {"TextBlock"}


def test_pagerduty_events_of_one_drift_share_a_key() -> None:
    """Trigger and resolve name the same incident; a summary has at most 1,024 characters."""
    first, second = (messages.pagerduty(message(drifted(), resolved=n), "c1", "key") for n in (0, 1))

    assert (first[0]["event_action"], second[0]["event_action"]) == ("trigger", "resolve")
    assert first[0]["dedup_key"] == second[0]["dedup_key"]
    assert first[0]["payload"]["severity"] == "critical"
    assert max(len(e["payload"]["summary"]) for e in messages.pagerduty(huge(), "c1", "key")) <= 1_024


def test_cloudevents_have_the_attributes_that_are_required() -> None:
    """Each alert is an event of its own with an id that a second copy shares."""
    first, second = messages.cloudevents(message(drifted("app"), drifted("old"), resolved=1), "c1")

    assert {"specversion", "id", "source", "type"} <= first.keys()
    assert (first["id"], first["type"], second["type"]) == (
        "m-1/0", "dev.trueup.drift.detected", "dev.trueup.drift.resolved",
    )  # fmt: skip
    assert first["data"]["object"] == "default/StorageAccount/app"


def test_a_mail_says_who_since_when_and_what_would_mend_it() -> None:
    """The text has all that the report has of a finding."""
    step = drifted()
    by = Attribution(by="colleague@contoso.example", by_type="User", at=NOON)

    text = messages.text_of(message(replace(step, diff=replace(step.diff, last_modified=by))))

    assert "last written by colleague@contoso.example (User)" in text
    assert "since 2026-11-23T12:00:00Z" in text
    assert "apply would send: PATCH /subscriptions/" in text


def test_no_message_shows_a_secret() -> None:
    """What must not be seen in a report is in no message either."""
    secret = moved("/properties/password", before="canary-1", after="canary-2", baseline="canary-3", sensitive=True)
    found = message(drifted("app", secret))

    said = [
        chat.slack(found, "c"), chat.teams(found, "c"), messages.webhook(found, "c"), messages.text_of(found),
        messages.cloudevents(found, "c"), messages.alertmanager(found, "c", LATER, timedelta(0)), found.to_json(),
    ]  # fmt: skip

    assert "canary" not in str(said)
