"""Whatever drifts, ends, fails and restarts: a receiver that takes its messages knows what is so, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.alerts.alert import UNREADABLE, Alert
from engine.alerts.delivery import delivered, due_messages, failed
from engine.alerts.messages import alertmanager
from engine.alerts.outbox import Message, Outbox, plan_messages, read_outbox
from engine.alerts.settings import AlertSettings, parse_settings
from engine.drift.severity import Severity

START = datetime(2026, 11, 24, tzinfo=UTC)
STEP = timedelta(hours=4)
SINK = {"name": "am", "type": "alertmanager", "url": "http://am"}


def make_alert(name: str, severity: Severity, version: int) -> Alert:
    return Alert(
        key=f"key-{name}", version=f"{severity}-{version}", type="drift", severity=severity, namespace="n",
        object=f"n/Vault/{name}", resource=f"/{name}", arm_type="T/vaults", title=name, since=START,
    )  # fmt: skip


BLIND = replace(make_alert("", Severity.CRITICAL, 0), key="blind", type=UNREADABLE, object="", title="blind")

worlds = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.sampled_from(Severity), st.integers(0, 1)), max_size=6)
steps = st.lists(st.tuples(worlds, st.booleans(), st.integers(0, 3), st.booleans()), min_size=1, max_size=8)
routes = st.fixed_dictionaries(
    {"limit": st.integers(1, 3)},
    optional={"digest": st.just("5h"), "match": st.just({"severity": "warning"}), "repeat": st.just("1h")},
)


def restart(outbox: Outbox) -> Outbox:
    return read_outbox(json.loads(json.dumps(outbox.to_json())))


class Receiver:
    """Holds alerts by their labels, as Alertmanager does."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.seen: list[str] = []

    def take(self, message: Message, now: datetime) -> None:
        """Begin and end what a message says."""
        self.seen.append(message.id)
        for posted in alertmanager(message, "c", now, timedelta(hours=1)):
            name = json.dumps(posted["labels"], sort_keys=True)
            is_over = datetime.fromisoformat(posted["endsAt"]) <= now
            self.held = self.held - {name} if is_over else self.held | {name}


def deliver(outbox: Outbox, there: Receiver, now: datetime, *, failures: int, lost: bool) -> Outbox:
    """Send what is due; a few tries fail, some of them after the receiver took the message."""
    while due := due_messages(outbox, now):
        message = due[0]
        if failures:
            failures -= 1
            if lost:
                there.take(message, now)
            outbox = failed(outbox, message, "HTTP 503", now)
        else:
            there.take(message, now)
            outbox = delivered(outbox, message)
    return outbox


def play(rules: AlertSettings, history: Sequence[Any]) -> tuple[Receiver, Outbox, datetime]:
    """Let the history happen, a step every few hours, with a restart after each."""
    there, outbox, now = Receiver(), Outbox(), START
    for world, is_blind, failures, lost in history:
        now += STEP
        alerts = [make_alert(name, *state) for name, state in world.items()]
        outbox = plan_messages(outbox, [*alerts, *([BLIND] if is_blind else [])], rules, now)
        outbox = restart(deliver(restart(outbox), there, now, failures=failures, lost=lost))
    return there, outbox, now


@settings(max_examples=150)
@given(steps, routes)
def test_a_receiver_knows_what_is_so(history: list[Any], route: dict[str, Any]) -> None:
    """After a quiet while it holds exactly the alerts that its route takes, under the labels they have now."""
    rules = parse_settings({"sinks": [SINK], "routes": [route]})
    world = history[-1][0]
    quiet = (world, False, 0, False)

    there, outbox, now = play(rules, [*history, quiet, quiet, quiet])

    alerts = [make_alert(name, *state) for name, state in world.items()]
    wanted = Message(
        id="", sink="", firing=tuple(a for a in alerts if rules.routes[0].match.takes(a)), created=now, due=now
    )
    expected = {json.dumps(p["labels"], sort_keys=True) for p in alertmanager(wanted, "c", now, STEP)}
    assert (there.held, outbox.waiting, outbox.dead) == (expected, (), ())


@settings(max_examples=80)
@given(steps)
def test_what_is_told_and_lasts_is_not_told_again(history: list[Any]) -> None:
    """With the world as it was, a run makes no message at all."""
    rules = parse_settings({"sinks": [SINK]})
    quiet = (history[-1][0], False, 0, False)
    there, outbox, now = play(rules, [*history, quiet, quiet])
    count = len(there.seen)

    alerts = [make_alert(name, *state) for name, state in history[-1][0].items()]

    assert plan_messages(outbox, alerts, rules, now + STEP) is outbox
    assert count == len(there.seen)
