"""Ctrl-C while Azure is being written: once begins nothing new, twice leaves what runs to the next run."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from engine.runtime.stop import Stop

T = TypeVar("T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def see_through(work: Awaitable[T], stop: Stop, under_way: Callable[[], str]) -> T | None:
    """Await the work; the first signal asks it to stop, the second leaves it.

    Args:
        work: What writes to Azure; it looks at ``stop`` before it begins anything.
        stop: Told of both signals.
        under_way: Says what has begun and not ended; empty when nothing has.

    Returns:
        What the work returned; None when it was left.
    """
    task = asyncio.ensure_future(work)
    with _signals_to(lambda: _on_signal(task, stop, under_way)):
        try:
            return await task
        except asyncio.CancelledError:
            if not stop.abandoned:
                raise
            return None


def _on_signal(task: asyncio.Future[T], stop: Stop, under_way: Callable[[], str]) -> None:
    if stop.requested:
        stop.abandoned = True
        task.cancel()
        return
    stop.request()
    waiting = under_way()
    rest = f"; {waiting}\ntrueup: once more leaves that to run on in Azure" if waiting else ""
    sys.stderr.write(f"\ntrueup: stopping: nothing new is begun{rest}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _signals_to(handler: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a question at once: the event loop would note it only after the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
