"""Who hears of what and how often: routes, silences, digests, ends, and what outlives a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.alerts.alert import Alert, alerts_of, is_cut, unreadable_alert
from engine.alerts.delivery import ATTEMPTS, delivered, due_messages, failed
from engine.alerts.outbox import Outbox, plan_messages, read_outbox
from engine.alerts.parts import SettingsError
from engine.alerts.settings import parse_settings
from engine.drift.document import build_report
from engine.errors import InvalidSpecError
from engine.model.plan import Action
from tests.builders import build_step
from tests.drift_cases import NOON, drifted, ledger_of, missing, moved

SLACK = {"name": "slack", "type": "slack", "url": {"env": "SLACK_URL"}}
HOOK = {"name": "hook", "type": "webhook", "url": "http://127.0.0.1/x", "key": {"file": "/key"}}
MAIL = {"name": "m", "type": "email", "host": "mail.example", "from": "a@b.example", "to": ["c@d.example"]}
DOOR = moved("/properties/publicNetworkAccess", before="Enabled", after="Disabled")


def alerts(*steps: Any, **labels: str) -> list[Alert]:
    """Return the alerts of steps that drifted at noon."""
    report = build_report("default", ledger_of(*steps))
    return alerts_of(report, cluster="c1", labels_of=lambda _: labels)


def rules(*routes: Any, silences: Any = ()) -> Any:
    return parse_settings({"cluster": "c1", "sinks": [SLACK], "routes": list(routes), "silences": list(silences)})


def plan(outbox: Outbox, found: list[Alert], settings: Any, minutes: float = 0, **more: Any) -> Outbox:
    return plan_messages(outbox, found, settings, NOON + timedelta(minutes=minutes), **more)


def names(outbox: Outbox) -> list[tuple[list[str], list[str]]]:
    """Return objects of all waiting messages: what fires, what ended."""
    return [([a.object for a in m.firing], [a.object for a in m.resolved]) for m in outbox.waiting]


APP, OTHER = "default/StorageAccount/app", "default/StorageAccount/other"


def test_an_alert_is_told_once_again_when_it_changes_and_when_it_ends() -> None:
    """The same drift is no news; another value is; the end is told with what it was."""
    settings = rules()
    first = plan(Outbox(), alerts(drifted()), settings)
    same = plan(first, alerts(drifted()), settings, 5)
    changed = plan(same, alerts(drifted("app", DOOR)), settings, 10)
    over = plan(changed, [], settings, 15)
    quiet = plan(over, [], settings, 20)

    assert same is first
    assert names(over) == [([APP], []), ([APP], []), ([], [APP])]
    assert quiet is over


def test_what_changed_its_severity_ends_as_it_was_told() -> None:
    """A receiver that tells alerts apart by their labels hears of the old one's end with the new one's beginning."""
    settings = rules()
    first = plan(Outbox(), alerts(drifted("app", moved("/tags/a"))), settings)
    worse = plan(first, alerts(drifted("app", DOOR)), settings, 5)
    other = plan(worse, alerts(drifted("app", DOOR, moved("/tags/a"))), settings, 10)

    told = [([a.severity.value for a in m.firing], [a.severity.value for a in m.replaced]) for m in other.waiting]
    assert told == [(["info"], []), (["critical"], ["info"]), (["critical"], [])]
    assert read_outbox(other.to_json()).waiting == other.waiting


def test_what_a_route_does_not_take_any_more_has_ended_there() -> None:
    """Whoever hears of what is critical alone hears of the end when it is only a tag that differs."""
    settings = rules({"match": {"severity": "critical"}})
    first = plan(Outbox(), alerts(drifted("app", DOOR)), settings)
    better = plan(first, alerts(drifted("app", moved("/tags/a"))), settings, 5)

    assert names(better) == [([APP], []), ([], [APP])]
    assert plan(better, [], settings, 10) is better


def test_programs_are_told_everything() -> None:
    """What is beyond the limit follows in messages of its own, so that every alert that began at a receiver ends."""
    settings = parse_settings({"sinks": [HOOK], "routes": [{"limit": 2}]})
    begun = plan(Outbox(), alerts(*(drifted(f"app{n}") for n in range(5))), settings)
    over = plan(replace(begun, waiting=()), [], settings, 5)

    assert [(len(m.firing), m.more) for m in begun.waiting] == [(2, 0), (2, 0), (1, 0)]
    assert [(len(m.resolved), m.more) for m in over.waiting] == [(2, 0), (2, 0), (1, 0)]
    assert len({m.id for m in (*begun.waiting, *over.waiting)}) == 6


def test_what_ends_before_its_time_is_never_told() -> None:
    """With a minimum age short drift makes no message at all; lasting drift makes one."""
    settings = rules({"minAge": "10m"})
    early = plan(Outbox(), alerts(drifted()), settings, 5)

    assert early.waiting == ()
    assert plan(early, [], settings, 6).waiting == ()
    assert names(plan(early, alerts(drifted()), settings, 10)) == [([APP], [])]


def test_what_comes_within_a_digest_is_told_together() -> None:
    """Messages are as far apart as the route says; a limit counts what is not shown."""
    settings = rules({"digest": "30m", "limit": 2})
    first = plan(Outbox(), alerts(drifted()), settings)
    within = plan(first, alerts(drifted(), *(drifted(f"app{n}") for n in range(5))), settings, 10)
    after = plan(within, alerts(drifted(), *(drifted(f"app{n}") for n in range(5))), settings, 31)

    assert within is first
    assert [(len(m.firing), m.more) for m in after.waiting] == [(1, 0), (2, 3)]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"severity": "critical"}, ["open"]),
        ({"types": ["missing"]}, ["gone"]),
        ({"namespaces": ["shop-*"]}, []),
        ({"namespaces": ["def*"]}, ["gone", "open", "tag"]),
        ({"labels": {"team": "web"}}, ["gone", "open", "tag"]),
        ({"labels": {"team": "db"}}, []),
        ({"resourceTypes": ["microsoft.storage/*"], "severity": "warning"}, ["gone", "open"]),
    ],
    ids=str,
)
def test_a_route_takes_what_it_matches(match: Any, expected: list[str]) -> None:
    """Namespace, label, severity, type of alert and type of resource choose."""
    found = alerts(drifted("open", DOOR), drifted("tag", moved("/tags/a")), missing("gone"), team="web")
    found = [a for a in found if not (match.get("severity") == "critical" and a.type == "missing")]

    outbox = plan(Outbox(), found, rules({"match": match}))

    assert sorted(a.object.rpartition("/")[2] for m in outbox.waiting for a in m.firing) == expected


def test_a_silence_holds_until_its_time() -> None:
    """What is silenced is told when the silence ends and it still lasts; a silence without a reason is refused."""
    settings = rules(silences=[{"match": {"types": ["drift"]}, "until": "2026-11-23T13:00:00Z", "reason": "migration"}])
    quiet = plan(Outbox(), alerts(drifted()), settings, 30)

    assert quiet.waiting == ()
    assert names(plan(quiet, alerts(drifted()), settings, 61)) == [([APP], [])]
    with pytest.raises(InvalidSpecError, match=r"silences\[0\]\.reason must be a text"):
        rules(silences=[{"until": "2026-12-24"}])


def test_while_azure_cannot_be_read_nothing_else_is_told() -> None:
    """One alert says so; neither news nor ends of drift are told until it is over."""
    settings = rules()
    before = plan(Outbox(), alerts(drifted()), settings)
    report = build_report(
        "default", ledger_of(*(build_step(Action.UNREADABLE, f"default/StorageAccount/a{n}") for n in range(2)))
    )
    blind = unreadable_alert([report], cluster="c1", since=NOON)

    assert blind is not None
    dark = plan(before, [blind, *alerts(drifted("other"))], settings, 5)
    light = plan(dark, alerts(drifted("other")), settings, 10)

    assert names(dark)[1:] == [([""], [])]
    assert names(light)[2] == ([OTHER], [APP, ""])
    assert unreadable_alert([build_report("default", ledger_of(drifted()))], cluster="c1", since=NOON) is None


def test_what_a_report_does_not_show_has_not_ended() -> None:
    """In a namespace with more drift than its report shows, nothing resolves."""
    settings = rules()
    report = build_report("default", ledger_of(*(drifted(f"app{n}") for n in range(60))))
    first = plan(Outbox(), alerts(drifted("hidden")), settings)

    later = plan(first, [], settings, 5, may_end=lambda _: not is_cut(report))

    assert later is first


def test_what_lasts_is_repeated_where_the_route_says_so() -> None:
    """Receivers that forget are told again after each period."""
    settings = rules({"repeat": "5m"})
    first = plan(Outbox(), alerts(drifted()), settings)

    assert plan(first, alerts(drifted()), settings, 4) is first
    assert names(plan(first, alerts(drifted()), settings, 5)) == [([APP], []), ([APP], [])]


def test_the_outbox_survives_a_restart() -> None:
    """Read back it is what it was: what waits is still to be sent, what was told is not told again."""
    settings = rules()
    outbox = plan(Outbox(), alerts(drifted("app", DOOR), missing("gone")), settings)

    again = read_outbox(outbox.to_json())

    assert again.to_json() == outbox.to_json()
    assert names(again) == names(outbox)
    assert plan(again, alerts(drifted("app", DOOR), missing("gone")), settings, 5) is again


def test_failures_wait_longer_and_longer_and_die_in_the_end() -> None:
    """Each try doubles the wait; the last one, or a refusal, makes a dead letter that is counted and kept."""
    outbox = plan(Outbox(), alerts(drifted()), rules())
    waits = []
    for _ in range(ATTEMPTS):
        (message,) = outbox.waiting
        waits.append((message.due - NOON).total_seconds())
        outbox = failed(outbox, message, "HTTP 503", NOON)

    assert waits[:4] == [0, 15, 30, 60]
    assert max(waits) == 3 * 3600
    assert sum(waits) > 7 * 3600
    assert (outbox.waiting, outbox.dead_count, outbox.dead[0].error) == ((), 1, "HTTP 503")
    refused = plan(Outbox(), alerts(drifted()), rules())
    assert failed(refused, refused.waiting[0], "HTTP 400", NOON, is_final=True).dead_count == 1
    assert delivered(refused, refused.waiting[0]).waiting == ()


def give_up(outbox: Outbox) -> Outbox:
    """Let every try of the only message fail."""
    for _ in range(ATTEMPTS):
        (message,) = outbox.waiting
        outbox = failed(outbox, message, "HTTP 503", NOON)
    return outbox


def test_a_receiver_that_is_back_hears_of_what_was_given_up() -> None:
    """With the next message that it takes; what ended meanwhile, and what it refused for good, stays untold."""
    settings = rules()
    outbox = give_up(plan(Outbox(), alerts(drifted(), drifted("other")), settings))
    refused = plan(outbox, alerts(drifted(), drifted("other"), missing("gone")), settings, 5)
    refused = failed(refused, refused.waiting[0], "HTTP 400", NOON, is_final=True)
    later = plan(refused, alerts(drifted(), missing("gone")), settings, 10)

    back = delivered(later, later.waiting[0])

    assert names(later) == [([], [OTHER])]
    assert names(back) == [([APP], [])]
    assert ([m.error for m in back.dead], back.waiting[0].attempts) == (["HTTP 400"], 0)


def test_a_receiver_may_ask_for_more_time() -> None:
    """What it says of when to try again counts where it is longer than ours, up to three hours."""
    outbox = plan(Outbox(), alerts(drifted()), rules())
    (message,) = outbox.waiting

    waits = [
        failed(outbox, message, "HTTP 429", NOON, after=timedelta(seconds=s)).waiting[0].due - NOON
        for s in (1, 90, 10**6)
    ]

    assert waits == [timedelta(seconds=15), timedelta(seconds=90), timedelta(hours=3)]


def test_a_sink_hears_of_things_in_their_order() -> None:
    """What follows a message that could not be delivered waits with it; it is never told first."""
    settings = rules()
    outbox = plan(plan(Outbox(), alerts(drifted()), settings), [], settings, 5)
    begun, ended = outbox.waiting
    outbox = failed(outbox, begun, "HTTP 503", NOON)

    assert (due_messages(outbox, NOON), due_messages(outbox, NOON + timedelta(seconds=14))) == ([], [])
    assert due_messages(outbox, NOON + timedelta(seconds=15)) == [outbox.waiting[0]]
    assert outbox.waiting[0].id == begun.id
    assert due_messages(delivered(outbox, outbox.waiting[0]), NOON + timedelta(minutes=5)) == [ended]


def test_times_are_written_as_elsewhere() -> None:
    """A duration is one as Go writes it, or a number of days."""
    texts = ("30s", "1h30m", "7d")

    found = [route.min_age for route in rules(*({"minAge": text} for text in texts)).routes]

    assert found == [timedelta(seconds=30), timedelta(minutes=90), timedelta(days=7)]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """Each item of each list has a fault of its own; a sink that is wrong is still a name for routes."""
    document = {
        "cluster": 5,
        "sinks": [SLACK, {"name": "hook", "type": "webhook"}],
        "routes": [{"sinks": ["hook"]}, {"minAge": "x"}],
        "silences": [{"until": "2026-12-24"}],
    }

    with pytest.raises(SettingsError) as caught:
        parse_settings(document)

    assert [f.place for f in caught.value.faults] == [
        "cluster", "sinks[1].key", "routes[1].minAge", "silences[0].reason",
    ]  # fmt: skip
    assert "3 more" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "alerts: the document is no map"),
        ({"sinks": []}, "alerts: sinks is empty: nobody would hear of anything"),
        ({"sinks": [{"name": "a", "type": "slak"}]}, "alerts: sinks[0].type 'slak' is no type of sink; did you mean"),
        ({"sinks": [{"name": "a", "type": "slack"}]}, "alerts: sinks[0].url is missing: a sink"),
        ({"sinks": [{**SLACK, "url": "https://h.example/TOKEN"}]}, "alerts: sinks[0].url must name where it stands"),
        ({"sinks": [{**SLACK, "chanel": "x"}]}, "alerts: sinks[0].chanel means nothing"),
        ({"sinks": [SLACK], "routes": [{"sinks": ["slck"]}]}, "alerts: routes[0].sinks 'slck' is no sink;"),
        ({"sinks": [SLACK], "routes": [{"minAge": "5 min"}]}, "alerts: routes[0].minAge must be a time as 30s"),
        ({"sinks": [SLACK], "routes": [{"minAge": "-5m"}]}, "alerts: routes[0].minAge must be a time as 30s"),
        ({"sinks": [SLACK], "routes": [{"match": {"severity": "bad"}}]}, "alerts: routes[0].match.severity 'bad'"),
        ({"sinks": [SLACK], "routes": [{"limit": 0}]}, "alerts: routes[0].limit must be a number from 1 on"),
        ({"sinks": [SLACK], "silences": [{"until": "soon", "reason": "x"}]}, "alerts: silences[0].until must be a day"),
        ({"sinks": [SLACK], "routes": [{"resolved": "no"}]}, "alerts: routes[0].resolved must be true or false"),
        ({"sinks": [{**MAIL, "to": []}]}, "alerts: sinks[0].to is empty"),
        ({"sinks": [{**MAIL, "from": "a@b.example\nBcc: c@d.example"}]}, "alerts: sinks[0].from must be a text of one"),
        ({"sinks": [{**MAIL, "port": 70_000}]}, "alerts: sinks[0].port must be at most 65535"),
        ({"sinks": [{**MAIL, "username": "u"}]}, "alerts: sinks[0] needs both username and password, or neither"),
        (
            {"sinks": [{**MAIL, "username": "u", "password": {"env": "P"}, "tls": "none"}]},
            "alerts: sinks[0].tls is none: the password would be sent in plain text",
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_a_wrong_document_is_told_with_its_place(document: Any, said: str) -> None:
    """An error names where it is and what to write; it never repeats an address that may hold a token."""
    with pytest.raises(InvalidSpecError) as caught:
        parse_settings(document)

    assert str(caught.value).startswith(said)
    assert "TOKEN" not in str(caught.value)
