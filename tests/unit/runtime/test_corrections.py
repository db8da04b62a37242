"""When drift is corrected."""

from __future__ import annotations

from datetime import timedelta

from engine.runtime.controller.corrections import Corrections
from tests.fakes import FakeClock

A = ("default", "storage.azure.com", "StorageAccount", "a")
HOUR = timedelta(hours=1)


def test_periods_of_objects_spread() -> None:
    """The first is at once, the next between 75 % and 125 % of the period later, at its own time for each object."""
    clock = FakeClock()
    corrections = Corrections(clock, HOUR)
    objects = [(*A[:3], f"o{n}") for n in range(200)]
    at_first = [corrections.take(o) for o in objects]
    for one in objects:
        corrections.done(one)

    counts = []
    for step_s in (2699, 901, 901):
        clock.advance(step_s)
        counts.append(sum(corrections.take(o) for o in objects))
    early, half, late = counts

    assert all(at_first)
    assert (early, late) == (0, 200)
    assert 60 < half < 140


def test_an_edit_is_due_until_it_is_done() -> None:
    """What was asked for is corrected however often it fails; afterwards the period counts again."""
    corrections = Corrections(FakeClock(), None)
    never = corrections.take(A)
    corrections.ask(A)
    asked = (corrections.take(A), corrections.take(A))

    corrections.done(A)

    assert (never, asked, corrections.take(A)) == (False, (True, True), False)


def test_what_is_gone_is_forgotten() -> None:
    """A namesake that is made later starts afresh."""
    corrections = Corrections(FakeClock(), HOUR)
    corrections.done(A)

    corrections.forget(A)

    assert corrections.take(A)


def test_who_asks_during_a_pass_gets_another_one() -> None:
    """What was asked after a pass began is not done with that pass."""
    corrections = Corrections(FakeClock(), None)
    corrections.ask(A)
    corrections.take(A)
    corrections.ask(A)

    corrections.done(A)

    assert corrections.take(A)
    corrections.done(A)
    assert not corrections.take(A)
