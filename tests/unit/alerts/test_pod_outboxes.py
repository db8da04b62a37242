"""Outboxes in Secrets and the task that works with them: what ends, what is told again, what keeps waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from engine.alerts.alert import UNREADABLE
from engine.alerts.delivery import RefusedError, revive
from engine.alerts.outbox import Message, Outbox
from engine.alerts.packed import pack, unpack
from engine.alerts.settings import AlertSettings, Sink, parse_settings
from engine.cluster.leases import shard_of
from engine.drift.document import build_report
from engine.errors import ConflictError, EngineError, PolicyDeniedError, UnavailableError
from engine.model.plan import Action, Step
from engine.ports import AlertSender, StoredOutbox
from engine.runtime.controller.dispatcher import AlertDispatcher
from engine.runtime.controller.holdings import Holdings
from engine.runtime.controller.outboxes import Boxes
from tests.builders import build_step
from tests.drift_cases import NOON, drifted, ledger_of
from tests.fakes import FakeClock

SETTINGS = parse_settings(
    {"cluster": "c1", "sinks": [{"name": "ours", "type": "webhook", "url": "http://x", "key": {"env": "KEY"}}]}
)


@dataclass
class Cluster:
    """Secrets, as the API server keeps them."""

    secrets: dict[str, StoredOutbox] = field(default_factory=dict)
    refuses: EngineError | None = None
    writes: int = 0
    reads: int = 0

    async def read(self, name: str) -> StoredOutbox | None:
        self.reads += 1
        return self.secrets.get(name)

    async def write(self, name: str, stored: StoredOutbox) -> StoredOutbox:
        if self.refuses is not None:
            raise self.refuses
        there = self.secrets.get(name)
        if (there.version if there is not None else "") != stored.version:
            raise ConflictError(f"{name} changed")
        self.writes += 1
        self.secrets[name] = StoredOutbox(stored.raw, str(self.writes))
        return self.secrets[name]


@dataclass
class Receiver:
    """Takes messages, or does not."""

    got: list[Message] = field(default_factory=list)
    error: EngineError | None = None

    async def send(self, sink: Sink, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.got.append(message)

    def told(self) -> list[tuple[list[str], list[str]]]:
        return [([a.namespace for a in m.firing], [a.namespace for a in m.resolved]) for m in self.got]


@dataclass
class Process:
    """One process of the pod, with the cluster that outlives it."""

    cluster: Cluster
    receiver: Receiver
    terms: dict[int, int] = field(default_factory=lambda: {0: 0})
    shards: int = 1
    gone: set[str] = field(default_factory=set)
    settings: AlertSettings = SETTINGS
    log: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))

    def __post_init__(self) -> None:
        self.loaded: tuple[AlertSettings, AlertSender] = (self.settings, self.receiver)
        holdings = Holdings(self.shards, lambda: self.terms)
        boxes = Boxes(
            self.cluster,
            self.clock,
            name_of=lambda n: f"box-{n}",
            holdings=holdings,
            complain=self.log.append,
        )
        self.dispatcher = AlertDispatcher(
            self,
            boxes,
            self.clock,
            holdings=holdings,
            labels_of=lambda _: {},
            is_gone=lambda identity: identity[0] in self.gone,
            count=self,
            log=self.log.append,
        )

    async def load(self) -> tuple[AlertSettings, AlertSender]:
        return self.loaded

    def tried(self, sink: str, result: str) -> None:
        self.results.append(result)

    def sees(self, *drifting: str, clean: tuple[str, ...] = ()) -> None:
        """Let a full pass end."""
        for namespace in drifting:
            self.reads(namespace, drifted(f"{namespace}/StorageAccount/{namespace}"))
        for namespace in clean:
            self.reads(namespace, build_step(Action.NOOP, f"{namespace}/StorageAccount/{namespace}"))
        self.dispatcher.brought(self.terms)
        self.tells()

    def tells(self) -> None:
        """Let everything be told that is to be told now."""

        async def tell() -> None:
            await self.dispatcher.look()
            await self.dispatcher.idle()

        asyncio.run(tell())

    def reads(self, namespace: str, *steps: Step) -> None:
        """Let a pass see these in a namespace."""
        ledger = ledger_of(*steps)
        self.dispatcher.reported(namespace, build_report(namespace, ledger), ledger.read())


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


def test_other_settings_are_another_try(cluster: Cluster, receiver: Receiver) -> None:
    """What was refused for good is sent again when the settings changed, as far as it is still so."""
    receiver.error = RefusedError("HTTP 400")
    process = Process(cluster, receiver)
    process.sees("a", "b")
    receiver.error = None
    process.sees("a", clean=("b",))
    assert process.results == ["dead", "taken"]

    process.loaded = (SETTINGS, receiver)
    process.sees("a", clean=("b",))

    assert receiver.told() == [([], ["b"]), (["a"], [])]


def test_a_flood_is_kept_now_and_then(cluster: Cluster, receiver: Receiver) -> None:
    """A hundred messages in 50 seconds are not a hundred writes: one before, and one every five seconds."""
    process = Process(cluster, receiver)
    take = receiver.send

    async def take_slowly(sink: Sink, message: Message) -> None:
        process.clock.advance(0.5)
        await take(sink, message)

    process.receiver.send = take_slowly  # type: ignore[method-assign]
    process.sees(*(f"ns{n}" for n in range(2_000)))

    assert len(receiver.got) == 100
    assert cluster.writes == 1 + 10


def test_somebody_may_ask_for_another_try(cluster: Cluster, receiver: Receiver) -> None:
    """What another program made due in the Secret is sent within half a minute; nothing is read while all is well."""
    receiver.error = RefusedError("HTTP 400")
    Process(cluster, receiver).sees("a")
    process = Process(cluster, receiver)
    process.sees("a")
    stored, receiver.error = cluster.secrets["box-0"], None
    revived = revive(unpack(stored.raw), (), NOON).outbox
    asyncio.run(cluster.write("box-0", StoredOutbox(pack(revived), stored.version)))

    process.sees("a")
    told_before = len(receiver.got)
    process.clock.advance(30)
    process.sees("a")
    reads = cluster.reads
    process.clock.advance(60)
    process.sees("a")

    assert (told_before, receiver.told()) == (0, [(["a"], [])])
    assert cluster.reads == reads


def test_failing_tries_are_counted(cluster: Cluster, receiver: Receiver) -> None:
    """A message that waits is tried when it is due, not with every pass."""
    receiver.error = UnavailableError("HTTP 503")
    process = Process(cluster, receiver)
    process.sees("a")
    process.sees("a")
    process.clock.advance(15)
    process.sees("a")

    assert process.results == ["failed", "failed"]
    assert unpack(cluster.secrets["box-0"].raw).waiting[0].attempts == 2


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


def two_sinks() -> AlertSettings:
    """Return settings by which two sinks hear of everything, one alert at a time."""
    sinks = [{"name": name, "type": "webhook", "url": "http://x", "key": {"env": "KEY"}} for name in ("slow", "quick")]
    return parse_settings({"cluster": "c1", "sinks": sinks, "routes": [{"sinks": ["slow", "quick"], "limit": 1}]})


def test_who_is_slow_holds_up_nobody(cluster: Cluster, receiver: Receiver) -> None:
    """While one sink has not answered, what is new is kept and told to the others, each time."""
    process, answer, take = Process(cluster, receiver, settings=two_sinks()), asyncio.Event(), receiver.send

    async def take_slowly(sink: Sink, message: Message) -> None:
        if sink.name == "slow":
            await answer.wait()
        await take(sink, message)

    receiver.send = take_slowly  # type: ignore[method-assign]

    async def check() -> None:
        for namespaces in (("a",), ("a", "b")):
            for namespace in namespaces:
                process.reads(namespace, drifted(f"{namespace}/StorageAccount/{namespace}"))
            process.dispatcher.brought(process.terms)
            await process.dispatcher.look()
            for _ in range(5):
                await asyncio.sleep(0)
        assert [m.sink for m in receiver.got] == ["quick", "quick"]
        assert [m.sink for m in unpack(cluster.secrets["box-0"].raw).waiting if m.sink == "slow"] == ["slow", "slow"]
        answer.set()
        await process.dispatcher.idle()

    asyncio.run(check())

    assert [m.sink for m in receiver.got] == ["quick", "quick", "slow", "slow"]
    assert unpack(cluster.secrets["box-0"].raw).waiting == ()


def test_who_loses_a_shard_sends_no_more_of_it(cluster: Cluster, receiver: Receiver) -> None:
    """Between two messages the shard became another's: that sends the rest."""
    first, second = Process(cluster, receiver, settings=two_sinks()), Process(cluster, receiver, settings=two_sinks())
    take = receiver.send

    async def lose(sink: Sink, message: Message) -> None:
        await take(sink, message)
        first.terms = {}

    receiver.send = lose  # type: ignore[method-assign]
    first.sees("a", "b")
    assert [m.sink for m in receiver.got] == ["slow"]
    receiver.send = take  # type: ignore[method-assign]

    second.sees("a", "b")

    assert {(m.sink, m.firing[0].namespace) for m in receiver.got} == {
        (sink, namespace) for sink in ("quick", "slow") for namespace in ("a", "b")
    }


def test_what_became_of_messages_is_kept_in_the_end(cluster: Cluster, receiver: Receiver) -> None:
    """A process that is stopped while it sends leaves what was taken out of what waits."""
    process, took, take = Process(cluster, receiver, settings=two_sinks()), asyncio.Event(), receiver.send

    async def hang(sink: Sink, message: Message) -> None:
        if sink.name == "slow":
            await asyncio.Event().wait()
        await take(sink, message)
        took.set()

    receiver.send = hang  # type: ignore[method-assign]

    async def check() -> None:
        task = asyncio.create_task(process.dispatcher.run())
        process.reads("a", drifted("a/StorageAccount/a"))
        process.dispatcher.brought(process.terms)
        await took.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(check())

    assert [m.sink for m in unpack(cluster.secrets["box-0"].raw).waiting] == ["slow"]


def test_a_sender_with_a_defect_is_a_failed_try(cluster: Cluster, receiver: Receiver) -> None:
    """What nobody thought of is tried again later, too, and does not end the task that tells."""
    process = Process(cluster, receiver)

    async def fail(sink: Sink, message: Message) -> None:
        raise RuntimeError("secret in here")

    receiver.send, take = fail, receiver.send  # type: ignore[method-assign]
    process.sees("a")
    receiver.send = take  # type: ignore[method-assign]
    process.clock.advance(15)
    process.sees("a")

    assert process.results == ["failed", "taken"]
    assert process.log == ["an alert was not delivered: sink ours could not be sent to (RuntimeError)"]


def test_what_goes_wrong_with_one_shard_is_no_matter_of_the_others(cluster: Cluster, receiver: Receiver) -> None:
    """The log names the shard."""
    by_shard = {shard_of(f"ns{n}", 2): f"ns{n}" for n in range(9)}
    process, keep = Process(cluster, receiver, terms={0: 0, 1: 0}, shards=2), cluster.write

    async def fail(name: str, stored: StoredOutbox) -> StoredOutbox:
        if name == "box-0":
            raise RuntimeError("no such thing")
        return await keep(name, stored)

    cluster.write = fail  # type: ignore[method-assign]
    process.sees(*by_shard.values())

    assert receiver.told() == [([by_shard[1]], [])]
    assert process.log == ["telling alerts of shard 0 failed, and goes on: RuntimeError('no such thing')"]
