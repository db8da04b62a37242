"""When objects are due, and that nobody works on one twice at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from engine.desired.identity import ObjectIdentity
from engine.runtime.controller.queue import SLOW, WorkQueue
from tests.fakes import FakeClock

APP: ObjectIdentity = ("web", "storage.azure.com", "StorageAccount", "app")
OTHER: ObjectIdentity = ("web", "storage.azure.com", "StorageAccount", "other")
GROUP: ObjectIdentity = ("web", "resources.azure.com", "ResourceGroup", "rg")


def test_an_object_that_a_sweep_works_on_is_not_taken_as_well() -> None:
    """An object is in one place at a time."""
    queue = WorkQueue(FakeClock())

    begun = queue.begin(APP, queue.turn(APP))
    queue.add(APP)

    assert (begun, queue.is_free(APP), queue.take()) == (True, False, frozenset())
    queue.done(APP)
    assert queue.take() == {APP}


def test_a_full_pass_leaves_out_what_waits_after_a_failure() -> None:
    """An object that failed has its own time; one that is merely due is looked at as well."""
    clock = FakeClock()
    queue = WorkQueue(clock)
    queue.add(APP)
    is_free_when_due = queue.is_free(APP)
    queue.take()
    queue.retry(APP, limit=SLOW)
    queue.done(APP)

    assert (is_free_when_due, queue.is_free(APP)) == (True, False)


def test_an_edit_during_the_work_makes_it_due_at_once_afterwards() -> None:
    """What happens to an object while it is worked on is not lost."""
    queue = WorkQueue(FakeClock())
    queue.add(APP)
    queue.take()

    queue.add(APP)

    assert queue.take() == frozenset()
    assert queue.begin(APP, queue.turn(APP)) is False
    queue.done(APP)
    assert queue.take() == {APP}


def test_a_retry_during_the_work_keeps_its_wait() -> None:
    """An object that failed is due after its wait, not as soon as it is let go; each failure doubles the wait."""
    clock = FakeClock()
    queue = WorkQueue(clock)
    waits = []
    queue.add(APP)
    for _ in range(3):
        queue.take()
        queue.retry(APP, limit=SLOW)
        queue.done(APP)
        due = queue.next_due()
        assert due is not None
        waits.append(due - clock.monotonic())
        clock.advance(waits[-1])

    assert waits == [1.0, 2.0, 4.0]


def test_an_edit_beats_a_retry() -> None:
    """Of two times for one object the earlier counts, also while it is worked on."""
    queue = WorkQueue(FakeClock())
    queue.add(APP)
    queue.take()

    queue.retry(APP, limit=SLOW)
    queue.add(APP)
    queue.done(APP)

    assert queue.take() == {APP}


def test_an_object_that_is_gone_is_not_due_again() -> None:
    """Forgetting drops what became due meanwhile."""
    queue = WorkQueue(FakeClock())
    queue.begin(APP, queue.turn(APP))
    queue.add(APP, timedelta(seconds=1))
    queue.add(APP)

    queue.forget(APP)
    queue.done(APP)

    assert (queue.take(), queue.next_due()) == (frozenset(), None)


def test_who_only_looked_at_an_object_works_on_it_only_if_nobody_else_did() -> None:
    """A full pass reads without holding anything; what it says of an object is out of date once somebody had a turn."""
    queue = WorkQueue(FakeClock())
    turn = queue.turn(APP)

    untouched = queue.begin(APP, turn)
    busy = queue.begin(APP, queue.turn(APP))
    queue.done(APP)
    since = queue.begin(APP, turn)

    assert (untouched, busy, since) == (True, False, False)


def test_an_object_that_became_due_is_left_to_who_takes_it() -> None:
    """An edit that came in meanwhile is worth more than what was read before it."""
    queue = WorkQueue(FakeClock())
    turn = queue.turn(APP)
    queue.add(APP)

    assert not queue.begin(APP, turn)
    assert queue.take() == {APP}


def test_what_waits_for_another_object_is_due_as_soon_as_that_one_succeeded() -> None:
    """Waits that grew are forgotten; who does not wait any more is left alone."""
    queue = WorkQueue(FakeClock())
    tries = []
    for identity in (APP, OTHER):
        queue.add(identity)
        queue.take()
        tries += [queue.wait_for(identity, GROUP, limit=SLOW), queue.wait_for(identity, GROUP, limit=SLOW)]
        queue.done(identity)
    queue.succeeded(OTHER)
    queue.forget(OTHER)

    queue.succeeded(GROUP)

    assert tries == [1, 2, 1, 2]
    assert queue.take() == {APP}


def test_what_waits_for_another_object_is_tried_now_and_then() -> None:
    """What it waits for may have become ready without us."""
    clock = FakeClock()
    queue = WorkQueue(clock)
    queue.wait_for(APP, GROUP, limit=SLOW)

    clock.advance(1)

    assert queue.take() == {APP}


def test_no_more_is_taken_than_there_is_room_for() -> None:
    """What is due waits until something is let go, which wakes who waits; full passes take no room."""
    queue = WorkQueue(FakeClock(), most=2)
    queue.begin(GROUP, queue.turn(GROUP))
    third = ("web", "storage.azure.com", "StorageAccount", "third")
    for identity in (APP, OTHER, third):
        queue.add(identity)

    async def work() -> None:
        await queue.wait()
        first.update(queue.take())
        nothing = queue.take(), queue.next_due()
        queue.done(first.pop())
        await queue.wait()
        second.update(queue.take())

        assert nothing == (frozenset(), None)

    first: set[ObjectIdentity] = set()
    second: set[ObjectIdentity] = set()
    asyncio.run(work())
    assert len(first | second) == 2
    assert len(second) == 1
