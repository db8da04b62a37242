"""Shards of namespaces: who holds one, for how long, and how it changes hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.cluster.leases import LASTS, HeldLease, shard_of
from engine.errors import ConflictError, UnavailableError
from engine.runtime.controller.shards import LOOK, RENEW, Shards
from tests.fakes import FakeClock

NAMESPACE = "web"
COUNT = 2
SHARD = shard_of(NAMESPACE, COUNT)
LEASE = f"shard-{SHARD}"


class Keeper:
    """Leases as the API server keeps them: a write of what is not the last version is refused."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.leases: dict[str, HeldLease] = {}
        self.takes_s = 0.0
        self.is_down = False

    async def read(self) -> Mapping[str, HeldLease]:
        if self.is_down:
            raise UnavailableError("nobody answers")
        return dict(self.leases)

    async def write(self, lease: HeldLease, holder: str) -> HeldLease:
        if self.is_down:
            raise UnavailableError("nobody answers")
        stored = self.leases.get(lease.name)
        if (stored.version if stored is not None else "") != lease.version:
            raise ConflictError("somebody was faster")
        self.clock.advance(self.takes_s)
        number = int(lease.version or "0") + 1
        made = replace(lease, holder=holder, version=str(number), stamp=f"{holder} {number}", lasts=LASTS)
        self.leases[lease.name] = made
        return made

    async def remove(self, lease: HeldLease) -> None:
        del self.leases[lease.name]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keeper(clock: FakeClock) -> Keeper:
    return Keeper(clock)


@pytest.fixture
def replica(keeper: Keeper, clock: FakeClock) -> Callable[[str], Shards]:
    """Return what makes replicas."""

    def make(name: str) -> Shards:
        return Shards(
            keeper,
            clock,
            identity=name,
            count=COUNT,
            name_of=lambda n: f"shard-{n}",
            member_prefix="replica-",
            gained=lambda _shard: None,
            tell=lambda _text: None,
        )

    return make


def pass_time(clock: FakeClock, of: timedelta, *replicas: Shards) -> None:
    """Let replicas look as often as they do, for that long."""
    for _ in range(round(of / LOOK)):
        clock.advance(LOOK.total_seconds())
        for one in replicas:
            asyncio.run(one.look())


def test_a_lease_counts_from_before_its_renewal_was_sent(
    replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock
) -> None:
    """The time that a slow API server takes is not added: the others count from when it took the renewal."""
    keeper.takes_s = 4
    one = replica("one")
    asyncio.run(one.look())

    assert clock.monotonic() == 4 * (COUNT + 1)
    assert one.left(NAMESPACE) == LASTS - (timedelta(seconds=4) * (COUNT - SHARD))


def test_who_is_not_seen_to_renew_is_taken_over(
    replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock
) -> None:
    """Not before the Lease is over, and within twice that time."""
    one, two = replica("one"), replica("two")
    pass_time(clock, LOOK, one)

    pass_time(clock, LASTS - LOOK, two)
    early = two.held
    pass_time(clock, timedelta(seconds=6), two)

    assert early == frozenset()
    assert two.held == frozenset(range(COUNT))
    assert one.held == frozenset()


def test_who_cannot_renew_stops_by_itself(replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock) -> None:
    """Without the API server nothing is held once the last renewal has run out, whatever the others do."""
    one = replica("one")
    pass_time(clock, LOOK, one)
    keeper.is_down = True

    pass_time(clock, RENEW, one)
    left = one.left(NAMESPACE)
    pass_time(clock, LASTS, one)

    assert timedelta(0) < left < LASTS
    assert one.left(NAMESPACE) == one.rest(NAMESPACE) == timedelta(0)


def test_a_renewal_that_somebody_was_faster_with_ends_the_right_at_once(
    replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock
) -> None:
    """The clock is not waited for: the other one writes already."""
    one = replica("one")
    pass_time(clock, LOOK, one)
    keeper.leases[LEASE] = replace(keeper.leases[LEASE], version="99", holder="two", stamp="two 99")

    pass_time(clock, RENEW + LOOK, one)

    assert one.left(NAMESPACE) == one.rest(NAMESPACE) == timedelta(0)


def test_what_is_given_up_may_be_ended(replica: Callable[[str], Shards], clock: FakeClock) -> None:
    """For another replica one leaves its share: nothing new begins there, what has begun has the rest of the Lease."""
    one, two = replica("one"), replica("two")
    pass_time(clock, LOOK, one)
    pass_time(clock, LOOK, two, one)
    given = next(n for n in range(COUNT) if n not in one.held)
    namespace = next(name for name in ("web", "a", "b", "c") if shard_of(name, COUNT) == given)

    assert one.left(namespace) == timedelta(0)
    assert one.rest(namespace) > timedelta(0)
    pass_time(clock, LASTS + LOOK + LOOK, two, one)
    assert one.rest(namespace) == timedelta(0)
    assert two.left(namespace) > timedelta(0)


def test_each_time_is_another_term(replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock) -> None:
    """A renewal is the same term; what was lost in between is another one."""
    one = replica("one")
    pass_time(clock, LASTS, one)
    first = one.term(NAMESPACE)
    keeper.is_down = True
    pass_time(clock, LASTS + LOOK, one)
    keeper.is_down = False
    pass_time(clock, LOOK, one)

    assert (first, one.term(NAMESPACE)) == (1, 2)


def test_a_lease_is_not_given_back_while_azure_may_be_at_a_write(
    replica: Callable[[str], Shards], keeper: Keeper, clock: FakeClock
) -> None:
    """At the end Leases are given back at once, but for those of writes that were broken off: they run out."""
    one = replica("one")
    pass_time(clock, LOOK, one)

    asyncio.run(one.release({NAMESPACE}))

    assert {name: lease.holder for name, lease in keeper.leases.items()} == {LEASE: "one", f"shard-{1 - SHARD}": ""}
    assert one.held == frozenset()
