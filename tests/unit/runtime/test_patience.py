"""What counts as failing, and for how long it may go on."""

from __future__ import annotations

from datetime import timedelta

from engine.errors import NotReadyError, ThrottledError
from engine.runtime.patience import Patience
from tests.fakes import FakeClock

LIMIT = timedelta(minutes=5)


def test_waiting_for_a_turn_is_no_failing() -> None:
    """However late a request first fails, it is tried again for as long as any other."""
    clock = FakeClock()
    patience = Patience(LIMIT, clock)
    clock.advance(3600)

    wait = patience.next_wait(NotReadyError("parent"))

    assert wait == timedelta(seconds=1)


def test_waits_double_until_a_minute_and_then_patience_ends() -> None:
    """Without a time named by Azure the waits are 1, 2, 4 … 60 s; none begins that would outlast the limit."""
    clock = FakeClock()
    patience = Patience(LIMIT, clock)
    waits = []

    while (wait := patience.next_wait(NotReadyError("parent"))) is not None:
        waits.append(wait.total_seconds())
        clock.advance(wait.total_seconds())

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_queueing_between_refusals_for_rate_is_no_failing() -> None:
    """Of refusals for rate only the waits that they ask for use up patience, and those do in the end."""
    clock = FakeClock()
    patience = Patience(LIMIT, clock)
    refusal = ThrottledError("slow down", retry_after=timedelta(seconds=60))
    tries = 0

    while (wait := patience.next_wait(refusal)) is not None:
        tries += 1
        clock.advance(wait.total_seconds() + 600)

    assert tries == 5


def test_time_between_other_failures_counts() -> None:
    """An operation that takes long and then fails has used up patience."""
    clock = FakeClock()
    patience = Patience(LIMIT, clock)
    patience.next_wait(NotReadyError("parent"))
    clock.advance(600)

    wait = patience.next_wait(NotReadyError("parent"))

    assert wait is None
