"""Permits to write for a namespace, and what is read again before the first write of a term."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import UnavailableError
from engine.model.document import Document
from engine.model.ids import Generation, ResourceKey
from engine.model.state import CustomResource
from engine.runtime.controller.freshness import Freshness
from engine.runtime.controller.tenure import MARGIN, NotHeldError, Permits
from tests.builders import build_key

FOUND = CustomResource(key=build_key(), spec=Document(value={}), uid="u", generation=Generation(3))
A_MOMENT = timedelta(milliseconds=30)


@dataclass
class Held:
    """A tenure as a test says."""

    begin: timedelta = timedelta(seconds=15)
    go_on: timedelta = timedelta(seconds=15)

    def left(self, namespace: str) -> timedelta:
        return self.begin

    def rest(self, namespace: str) -> timedelta:
        return self.go_on

    def term(self, namespace: str) -> int:
        return 1


async def write_for(permits: Permits, seconds: float) -> None:
    async with permits.write("web"):
        await asyncio.sleep(seconds)


def test_nothing_begins_shortly_before_the_end() -> None:
    """What is left must be enough for an answer."""
    with pytest.raises(NotHeldError):
        asyncio.run(write_for(Permits(Held(begin=MARGIN)), 0))


def test_what_is_not_answered_before_the_end_is_broken_off() -> None:
    """Nobody knows what became of it; it is over before another replica may begin."""
    permits = Permits(Held(go_on=MARGIN / 2 + A_MOMENT))

    with pytest.raises(UnavailableError, match="longer than this replica was sure"):
        asyncio.run(write_for(permits, 60))


def test_what_has_begun_goes_on_while_the_shard_is_handed_over() -> None:
    """A right that only lasts for what has begun is enough for it."""
    held = Held()
    permits = Permits(held)

    async def hand_over() -> None:
        task = asyncio.create_task(write_for(permits, 0.05))
        await asyncio.sleep(0)
        held.begin = timedelta(0)
        await task

    asyncio.run(hand_over())

    assert not permits.holds("web")


def test_a_write_that_was_cancelled_is_remembered() -> None:
    """Azure may still be at it, although nothing is on its way here any more."""
    permits = Permits(Held())

    async def cancel() -> None:
        task = asyncio.create_task(write_for(permits, 60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await permits.idle()

    asyncio.run(cancel())

    assert permits.broken_off == {"web"}


@dataclass
class Reader:
    """A cluster with one object."""

    now: CustomResource | None
    reads: list[ResourceKey] = field(default_factory=list)

    async def look_again(self, key: ResourceKey) -> CustomResource | None:
        self.reads.append(key)
        return self.now


def test_an_object_is_read_once_in_a_term() -> None:
    """Within a term nobody else writes for it; in the next one somebody may have."""
    reader, terms = Reader(FOUND), [1]
    freshness = Freshness(reader, lambda _namespace: terms[0])

    for term in (1, 1, 2):
        terms[0] = term
        asyncio.run(freshness.confirm(FOUND))

    assert len(reader.reads) == 2


def test_who_is_alone_reads_nothing_again() -> None:
    """What always was ours was seen as it became what it is."""
    reader = Reader(None)

    asyncio.run(Freshness(reader, lambda _namespace: 0).confirm(FOUND))

    assert reader.reads == []


@pytest.mark.parametrize(
    "changes",
    [{"generation": 4}, {"deleting": True}, {"uid": "v"}, {"annotations": {"trueup.dev/operation": "token"}}, None],
    ids=["edited", "deleted", "made anew", "an operation is under way", "gone"],
)
def test_what_another_replica_or_the_user_did_meanwhile_counts(changes: dict[str, Any] | None) -> None:
    """Nothing is sent for an object that is not as it was when that was decided, however often it is tried."""
    reader = Reader(replace(FOUND, **changes) if changes is not None else None)
    freshness = Freshness(reader, lambda _namespace: 1)

    for _ in range(2):
        with pytest.raises(NotHeldError):
            asyncio.run(freshness.confirm(FOUND))
