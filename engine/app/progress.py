"""A sign of life on standard error for what takes longer than a second; only where a person looks at it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from engine.ports import Clock

T = TypeVar("T")
_FIRST = timedelta(seconds=1)
_NEXT = timedelta(seconds=10)


async def watch(work: Awaitable[T], say: Callable[[], str], clock: Clock) -> T:
    """Await the work; after a second, and then every ten, print what ``say`` returns if it is something."""
    if not sys.stderr.isatty():
        return await work
    ticker = asyncio.ensure_future(_tick(say, clock))
    try:
        return await work
    finally:
        ticker.cancel()
        await asyncio.gather(ticker, return_exceptions=True)


async def _tick(say: Callable[[], str], clock: Clock) -> None:
    wait = _FIRST
    while True:
        await clock.sleep(wait)
        if text := say():
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        wait = _NEXT
