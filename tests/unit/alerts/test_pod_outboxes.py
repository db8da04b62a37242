"""Outboxes in Secrets and the task that works with them: what ends, what is told again, what nobody knows yet."""

from __future__ import annotations

import pytest

from engine.alerts.alert import UNREADABLE
from engine.alerts.outbox import Outbox
from engine.alerts.packed import pack
from engine.alerts.settings import parse_settings
from engine.cluster.leases import shard_of
from engine.errors import PolicyDeniedError
from engine.model.plan import Action
from engine.ports import StoredOutbox
from tests.alert_pods import Cluster, Process, Receiver
from tests.builders import build_step


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def test_what_was_not_looked_at_has_not_ended(cluster: Cluster, receiver: Receiver) -> None:
    """A new process tells no end in a namespace before it saw it; one without objects has none to see."""
    Process(cluster, receiver).sees("a", "b", "c")
    later = Process(cluster, receiver)

    later.sees("a")
    later.gone = {"b"}
    later.sees("a")
    later.sees(clean=("c",))

    assert receiver.told() == [(["a", "b", "c"], []), ([], ["b"]), ([], ["c"])]


def test_what_cannot_be_read_has_not_ended(cluster: Cluster, receiver: Receiver) -> None:
    """Neither of a resource that Azure does not show now, nor of one that the first passes left out."""
    Process(cluster, receiver).sees("a")
    later = Process(cluster, receiver)

    others = [build_step(Action.NOOP, f"a/StorageAccount/b{n}") for n in range(3)]
    later.reads("a", build_step(Action.UNREADABLE, "a/StorageAccount/a"), *others)
    later.sees()
    later.reads("a", *others)
    later.sees()
    before = len(receiver.got)
    later.sees(clean=("a",))

    assert (before, receiver.told()) == (1, [(["a"], []), ([], ["a"])])


def test_nothing_is_written_while_nothing_changes(cluster: Cluster, receiver: Receiver) -> None:
    """Drift costs one write before it is sent and one after; passes that see the same cost none."""
    process = Process(cluster, receiver)
    process.sees(clean=("a",))
    assert cluster.writes == 0

    process.sees("a")
    for _ in range(3):
        process.sees("a")

    assert (cluster.writes, len(receiver.got)) == (2, 1)


def test_who_lost_a_shard_reads_it_again(cluster: Cluster, receiver: Receiver) -> None:
    """What another replica told meanwhile is not told twice; what it did not is told."""
    first, second = Process(cluster, receiver), Process(cluster, receiver)
    first.sees("a")
    second.sees("a", "b")
    first.terms = {}
    first.sees("a", "b")
    first.terms = {0: 1}

    first.sees("a", "b", "c")

    assert receiver.told() == [(["a"], []), (["b"], []), (["c"], [])]


def test_what_was_seen_before_the_shard_was_lost_says_nothing(cluster: Cluster, receiver: Receiver) -> None:
    """Another replica told drift meanwhile: it has not ended because we once saw nothing."""
    first, second = Process(cluster, receiver), Process(cluster, receiver)
    first.sees(clean=("a",))
    first.terms = {}
    second.sees("a")
    first.terms = {0: 1}

    first.sees()

    assert receiver.told() == [(["a"], [])]


def test_a_write_in_between_is_not_overwritten(cluster: Cluster, receiver: Receiver) -> None:
    """A process that still thinks it holds the shard sends nothing by what it read before."""
    first, second = Process(cluster, receiver), Process(cluster, receiver)
    first.sees("a")
    second.sees("a", "b")

    first.sees("a", "b")
    first.sees("a", "b", "c")

    assert receiver.told() == [(["a"], []), (["b"], []), (["c"], [])]


def test_what_cannot_be_kept_is_told_all_the_same(cluster: Cluster, receiver: Receiver) -> None:
    """The log says once what follows from it."""
    cluster.refuses = PolicyDeniedError("may not update secrets")
    process = Process(cluster, receiver)

    for _ in range(3):
        process.sees("a")

    assert receiver.told() == [(["a"], [])]
    assert process.log == [
        "Secret box-0 cannot be written, so that a restart tells alerts again: may not update secrets"
    ]


def test_a_damaged_outbox_waits_for_somebody(cluster: Cluster, receiver: Receiver) -> None:
    """It is neither overwritten nor taken for an empty one; once it is deleted everything is told."""
    process = Process(cluster, receiver)
    cluster.secrets["box-0"] = StoredOutbox(pack(Outbox())[:9], "1")
    process.sees("a")
    assert (cluster.writes, receiver.got) == (0, [])
    assert "delete it; alerts that were told are then told again" in process.log[0]

    del cluster.secrets["box-0"]
    process.sees("a")

    assert receiver.told() == [(["a"], [])]


def test_ids_of_shards_differ(cluster: Cluster, receiver: Receiver) -> None:
    """Receivers go by the id: two outboxes never give the same one."""
    by_shard = {shard_of(f"ns{n}", 2): f"ns{n}" for n in range(9)}
    process = Process(cluster, receiver, terms={0: 0, 1: 0}, shards=2)

    process.sees(*by_shard.values())

    assert len({m.id for m in receiver.got}) == 2
    assert set(cluster.secrets) == {"box-0", "box-1"}


def test_another_number_of_shards_tells_again(cluster: Cluster, receiver: Receiver) -> None:
    """What a shard was told of namespaces that it lost to another does not end there."""
    Process(cluster, receiver).sees("ns0", "ns1", "ns2", "ns3")
    receiver.got.clear()

    Process(cluster, receiver, terms={0: 0, 1: 0}, shards=2).sees("ns0", "ns1", "ns2", "ns3")

    moved = [f"ns{n}" for n in range(4) if shard_of(f"ns{n}", 2) == 1]
    assert receiver.told() == [(moved, [])]


def test_azure_that_cannot_be_read_has_its_age(cluster: Cluster, receiver: Receiver) -> None:
    """A glitch of one pass is not told where the route waits; what lasts is."""
    written = {
        "sinks": [{"name": "ours", "type": "webhook", "url": "http://x", "key": {"env": "KEY"}}],
        "routes": [{"minAge": "10m"}],
    }
    process = Process(cluster, receiver, settings=parse_settings(written))
    report = {"metadata": {"namespace": "a"}, "summary": {"checked": 2, "unreadable": 2}}
    process.dispatcher.reported("a", report, frozenset())
    for _ in range(2):
        process.sees()
        assert receiver.got == []
        process.clock.advance(360)

    process.tells()

    assert [a.type for m in receiver.got for a in m.firing] == [UNREADABLE]


def blind_report(namespace: str = "a") -> dict[str, object]:
    """Return what is said of a namespace in which Azure shows nothing."""
    return {"metadata": {"namespace": namespace}, "summary": {"checked": 2, "unreadable": 2}}


def types(receiver: Receiver) -> list[tuple[list[str], list[str]]]:
    """Return the types of what was told."""
    return [([a.type for a in m.firing], [a.type for a in m.resolved]) for m in receiver.got]


def test_half_of_the_reports_say_nothing_of_the_whole(cluster: Cluster, receiver: Receiver) -> None:
    """While the reports of a pass come one by one, neither begins nor ends that Azure cannot be read."""
    process = Process(cluster, receiver)
    process.sees(clean=("a", "b", "c"))
    process.dispatcher.reported("a", blind_report("a"), frozenset())
    process.tells()
    assert receiver.got == []
    process.dispatcher.reported("b", blind_report("b"), frozenset())
    process.sees()
    process.reads("a", build_step(Action.NOOP, "a/StorageAccount/a"))
    process.tells()
    assert types(receiver) == [([UNREADABLE], [])]

    process.reads("b", build_step(Action.NOOP, "b/StorageAccount/b"))
    process.sees()

    assert types(receiver) == [([UNREADABLE], []), ([], [UNREADABLE])]


def test_before_everything_was_looked_at_nothing_is_known_of_the_whole(cluster: Cluster, receiver: Receiver) -> None:
    """A process that follows another waits for a full pass; one that finds no objects at all ends what was told."""
    first = Process(cluster, receiver)
    first.dispatcher.reported("a", blind_report(), frozenset())
    first.sees()
    later = Process(cluster, receiver)
    later.dispatcher.brought({})
    later.tells()
    assert types(receiver) == [([UNREADABLE], [])]

    later.sees()

    assert types(receiver) == [([UNREADABLE], []), ([], [UNREADABLE])]
