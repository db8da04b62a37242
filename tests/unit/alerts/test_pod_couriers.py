"""Messages of a pod on their way: each sink by itself, for as long as its shard is ours, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time

import pytest

from engine.alerts.delivery import RefusedError, revive
from engine.alerts.outbox import Message
from engine.alerts.packed import pack, unpack
from engine.alerts.settings import AlertSettings, Sink, parse_settings
from engine.cluster.leases import shard_of
from engine.errors import UnavailableError
from engine.ports import AlertSender, StoredOutbox
from tests.alert_pods import SETTINGS, Cluster, Process, Receiver
from tests.drift_cases import NOON, drifted


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


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
        await process.couriers.idle()

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


def test_what_fails_again_and_again_is_tried_now_and_then(cluster: Cluster, receiver: Receiver) -> None:
    """A defect keeps nothing busy, and floods no log, however much news there is."""
    process, looks, enough = Process(cluster, receiver), [], asyncio.Event()

    async def count() -> tuple[AlertSettings, AlertSender]:
        looks.append(process.clock.monotonic())
        if len(looks) == 4:
            enough.set()
            await asyncio.Event().wait()
        raise RuntimeError("no such thing")

    process.load = count  # type: ignore[method-assign]

    async def check() -> None:
        task = asyncio.create_task(process.dispatcher.run())
        process.dispatcher.brought(process.terms)
        while not enough.is_set():
            process.dispatcher.brought(process.terms)
            await asyncio.wait([asyncio.create_task(enough.wait())], timeout=0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(check())

    assert [later - before for before, later in itertools.pairwise(looks)] == [10.0] * 3


def test_what_is_due_and_stays_so_is_looked_at_each_second(cluster: Cluster, receiver: Receiver) -> None:
    """Without news nothing is done more often, whatever keeps a message from being sent."""
    process = Process(cluster, receiver)
    receiver.error = UnavailableError("HTTP 503")
    process.sees("a")
    process.clock.advance(60)
    looks: list[float] = []

    async def load() -> None:
        looks.append(time.monotonic())

    process.load = load  # type: ignore[assignment]

    async def check() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await process.dispatcher.run()

    asyncio.run(check())

    assert 1 <= len(looks) <= 2


def test_a_message_on_its_way_may_end_when_the_pod_stops(cluster: Cluster, receiver: Receiver) -> None:
    """Its receiver has it: it is not told again by the next process."""
    process, began, take = Process(cluster, receiver), asyncio.Event(), receiver.send

    async def take_slowly(sink: Sink, message: Message) -> None:
        began.set()
        await asyncio.sleep(0.1)
        await take(sink, message)

    receiver.send = take_slowly  # type: ignore[method-assign]

    async def check() -> None:
        task = asyncio.create_task(process.dispatcher.run())
        process.reads("a", drifted("a/StorageAccount/a"))
        process.dispatcher.brought(process.terms)
        await began.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(check())

    assert receiver.told() == [(["a"], [])]
    assert unpack(cluster.secrets["box-0"].raw).waiting == ()


def test_what_is_read_again_is_not_older_than_what_was_written(cluster: Cluster, receiver: Receiver) -> None:
    """A message is taken while the outbox is being read once more: it is not sent twice."""
    process = Process(cluster, receiver)
    receiver.error = UnavailableError("HTTP 503")
    process.sees("a")
    receiver.error = None
    process.clock.advance(60)
    read = cluster.read

    async def read_slowly(name: str) -> StoredOutbox | None:
        found, before = await read(name), cluster.writes
        for _ in range(20):
            if cluster.writes > before:
                break
            await asyncio.sleep(0.01)
        return found

    async def check() -> None:
        (box,) = process.boxes.known()
        cluster.read = read_slowly  # type: ignore[method-assign]
        reading = asyncio.create_task(process.boxes.held())
        await asyncio.sleep(0)
        process.couriers.start(box, process.loaded)
        await reading
        await process.couriers.idle()

    asyncio.run(check())
    process.sees("a")

    assert receiver.told() == [(["a"], [])]
