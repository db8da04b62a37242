"""``trueup alerts list|retry --context``: outboxes that change, vanish, or that no pod reads any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from engine.alerts.alert import Alert, alerts_of
from engine.alerts.outbox import Outbox, plan_messages
from engine.alerts.packed import TooLargeError, pack, unpack
from engine.alerts.settings import parse_settings
from engine.app import pod_outboxes
from engine.drift.document import build_report
from engine.errors import ConflictError, InvalidSpecError
from engine.ports import StoredOutbox
from tests.drift_cases import NOON, drifted, ledger_of

SETTINGS = parse_settings(
    {"cluster": "c1", "sinks": [{"name": "ours", "type": "webhook", "url": "http://x", "key": {"env": "KEY"}}]}
)
CLIENT: Any = None
"""Nobody asks it: outboxes are kept here."""


@dataclass
class Secrets:
    """Stands for ``KubeOutboxes``; ``meanwhile`` is done once, before a write."""

    kept: dict[str, StoredOutbox] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None
    writes: list[str] = field(default_factory=list)

    def look_at_all(self) -> Mapping[str, StoredOutbox]:
        return dict(self.kept)

    async def write(self, name: str, stored: StoredOutbox) -> StoredOutbox:
        todo, self.meanwhile = self.meanwhile, lambda: None
        todo()
        if name not in self.kept or self.kept[name].version != stored.version:
            raise ConflictError(f"Secret {name} changed")
        self.writes.append(name)
        self.kept[name] = StoredOutbox(stored.raw, f"{name}{len(self.writes)}")
        return self.kept[name]

    def put(self, name: str, outbox: Outbox) -> None:
        self.kept[name] = StoredOutbox(pack(outbox), f"{name}-{len(self.kept)}-{len(self.writes)}")

    def waiting(self, name: str) -> list[str]:
        return [m.id.rpartition("-s")[2] for m in unpack(self.kept[name].raw).waiting]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """Return what is kept in the cluster."""
    found = Secrets()
    monkeypatch.setattr(pod_outboxes, "KubeOutboxes", lambda client, namespace: found)
    return found


def alert_of(namespace: str) -> Alert:
    report = build_report(namespace, ledger_of(drifted(f"{namespace}/StorageAccount/{namespace}")))
    (alert,) = alerts_of(report, cluster="c1", labels_of=lambda _: {})
    return alert


def outbox(shard: int, shards: int, *namespaces: str) -> Outbox:
    """Return an outbox with a message that waits for each namespace."""
    made = Outbox(mark=f"s{shard}-", shards=shards)
    for n, namespace in enumerate(namespaces):
        made = plan_messages(made, [alert_of(namespace)], SETTINGS, NOON + timedelta(hours=n), may_end=lambda _: False)
    return made


def dead(made: Outbox) -> Outbox:
    """Return an outbox whose messages nobody took."""
    return replace(made, waiting=(), dead=made.waiting, dead_count=len(made.waiting))


def test_messages_of_a_shard_that_is_no_more_go_to_another(
    secrets: Secrets, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of four shards two are left: what waited or was dead in the others is sent by one of the two, once."""
    secrets.put("trueup-alerts-1", outbox(1, 2, "a"))
    secrets.put("trueup-alerts-2", dead(outbox(2, 4, "b")))
    secrets.put("trueup-alerts-3", outbox(3, 4, "c", "d"))

    assert pod_outboxes.show(CLIENT, "ns", as_json=False) == 0
    warned = capsys.readouterr().err
    codes = [pod_outboxes.retry(CLIENT, "ns", ()) for _ in range(2)]

    assert codes == [0, 0]
    assert warned.count("no pod sends what is in") == 2
    assert "trueup-alerts-3 since there are fewer shards: trueup alerts retry moves it to trueup-alerts-1" in warned
    assert secrets.waiting("trueup-alerts-1") == ["1-1", "2-1", "3-1", "3-2"]
    assert unpack(secrets.kept["trueup-alerts-2"].raw).dead == ()
    assert secrets.waiting("trueup-alerts-3") == []
    assert secrets.writes.index("trueup-alerts-1") < secrets.writes.index("trueup-alerts-2")


def test_a_move_that_broke_off_is_ended(secrets: Secrets) -> None:
    """A message that was written to its new place, and not yet taken from the old one, is not doubled."""
    secrets.put("trueup-alerts-0", outbox(0, 1))
    secrets.put("trueup-alerts-1", outbox(1, 2, "a"))

    def change() -> None:
        secrets.meanwhile = lambda: secrets.put("trueup-alerts-1", outbox(1, 2, "a"))

    secrets.meanwhile = change
    assert pod_outboxes.retry(CLIENT, "ns", ()) == 0

    assert secrets.waiting("trueup-alerts-0") == ["1-1"]
    assert secrets.waiting("trueup-alerts-1") == []


def test_only_what_is_named_moves(secrets: Secrets, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest stays where it was."""
    secrets.put("trueup-alerts-0", outbox(0, 1))
    secrets.put("trueup-alerts-1", outbox(1, 2, "a", "b"))
    second = unpack(secrets.kept["trueup-alerts-1"].raw).waiting[1].id

    assert pod_outboxes.retry(CLIENT, "ns", [second]) == 0

    assert (secrets.waiting("trueup-alerts-0"), secrets.waiting("trueup-alerts-1")) == (["1-2"], ["1-1"])
    assert capsys.readouterr().out == f"{second}: is sent again by the pod\n"


@pytest.mark.parametrize(
    "boxes",
    [
        {"trueup-alerts-0": (0, 4), "trueup-alerts-3": (3, 4)},
        {"trueup-alerts-0": (0, 0), "trueup-alerts-3": (3, 0)},
        {"trueup-report-alerts": (0, 1)},
    ],
)
def test_what_pods_read_stays_where_it_is(
    secrets: Secrets, capsys: pytest.CaptureFixture[str], boxes: dict[str, tuple[int, int]]
) -> None:
    """Also where outboxes do not say of how many they are one."""
    for name, (shard, shards) in boxes.items():
        secrets.put(name, outbox(shard, shards, "a"))

    assert pod_outboxes.show(CLIENT, "ns", as_json=False) == 0
    assert pod_outboxes.retry(CLIENT, "ns", ()) == 0

    assert capsys.readouterr().err == ""
    assert {name: len(secrets.waiting(name)) for name in boxes} == dict.fromkeys(boxes, 1)


def test_an_outbox_that_vanishes_holds_nothing(secrets: Secrets, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody deleted it between two looks."""
    secrets.put("trueup-alerts-0", outbox(0, 1, "a"))
    secrets.meanwhile = secrets.kept.clear

    assert pod_outboxes.retry(CLIENT, "ns", ()) == 0

    assert capsys.readouterr().out == "nothing waits and nothing is dead\n"


def test_an_outbox_that_grows_too_large_is_left_as_it_is(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the Secret, and what to do."""
    secrets.put("trueup-alerts-0", dead(outbox(0, 1, "a")))

    def fail(_: Outbox) -> bytes:
        raise TooLargeError("1,000,001 bytes")

    monkeypatch.setattr(pod_outboxes, "pack", fail)

    with pytest.raises(InvalidSpecError, match="trueup-alerts-0 cannot hold the outbox") as caught:
        pod_outboxes.retry(CLIENT, "ns", ())

    assert caught.value.hint == "name some of the messages by their ids"
    assert secrets.writes == []
