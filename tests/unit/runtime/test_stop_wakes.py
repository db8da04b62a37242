"""A run that is to end does not sleep on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from benchmarks.virtual_time import LoopClock, run_virtually
from engine.runtime.stop import Stop


def test_who_waits_before_another_try_wakes_when_the_run_is_to_end() -> None:
    """A wait of an hour ends the moment the run is asked to end; one that begins afterwards does not begin."""

    async def main() -> tuple[float, float]:
        clock, stop = LoopClock(), Stop()
        waiting = asyncio.ensure_future(stop.pause(clock, timedelta(hours=1)))
        await clock.sleep(timedelta(seconds=5))
        stop.request()
        await waiting
        woken = clock.monotonic()
        await stop.pause(clock, timedelta(hours=1))
        return woken, clock.monotonic()

    assert run_virtually(main()) == (5.0, 5.0)


def test_a_wait_that_nobody_ends_lasts() -> None:
    """Without a request to end the whole time passes."""

    async def main() -> float:
        clock = LoopClock()
        await Stop().pause(clock, timedelta(seconds=30))
        return clock.monotonic()

    assert run_virtually(main()) == 30.0
