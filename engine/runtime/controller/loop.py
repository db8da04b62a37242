"""The pod's life: objects that change lead to passes over them, and now and then everything is looked at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from engine.desired.identity import ObjectIdentity
from engine.model.purpose import Purpose
from engine.ports import Clock
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.tenure import Permits
from engine.runtime.spans import span
from engine.runtime.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How often.

    Attributes:
        observe: Everything is looked at.
        spread: While edits keep coming, no more than one pass begins within this time: an apply of a folder is a few
            plans. The first edit after a pause does not wait. It grows with the passes under way.
        grace: What is being written may still end after a stop was asked for.
    """

    observe: timedelta = timedelta(minutes=5)
    spread: timedelta = timedelta(milliseconds=250)
    grace: timedelta = timedelta(seconds=8)


_FEW: Final = 4
"""Passes that edits are not made to wait for. Each holds what it knew of all objects until its last write is over."""
_SLOWEST: Final = 20.0
"""How many times as long as with few passes edits are gathered at most."""
_AFTER_FAILURE: Final = timedelta(seconds=30)
_A_LITTLE_S: Final = 0.5
"""What needs no more than a request to the cluster or a read has ended by then."""


class Passes(Protocol):
    """Runs passes."""

    async def look(self, wanted: frozenset[ObjectIdentity]) -> frozenset[ObjectIdentity]:
        """Look at objects, holding none; return those, taken from the queue by then, that there is more to do for."""
        ...

    async def run(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        """Work on these objects, all of them taken from the queue."""
        ...


class Loop:
    """Runs passes until it is stopped."""

    def __init__(
        self,
        objects: Objects,
        queue: WorkQueue,
        passes: Passes,
        clock: Clock,
        periods: Periods,
        *,
        complain: Callable[[str], None],
        permits: Permits,
        halt: Stop,
    ) -> None:
        """Keep the parts; nothing runs yet.

        Args:
            objects: All of them.
            queue: What is due.
            passes: What runs a pass.
            clock: For the periods.
            periods: How often.
            complain: Told of passes that failed as a whole.
            permits: Knows which writes are on their way.
            halt: Keeps passes from beginning anything more, once it is requested.
        """
        self._permits = permits
        self._halt = halt
        self._objects = objects
        self._queue = queue
        self._runner = passes
        self._clock = clock
        self._periods = periods
        self._complain = complain
        self._passes: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.Task[None] | None = None
        self._last_edits = -periods.spread.total_seconds()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; what is in flight then gets a little time."""
        next_sweep = self._clock.monotonic()
        self._leave_to_first_sweep()
        stopping: asyncio.Future[bool] = asyncio.ensure_future(_is_set(stop))
        try:
            while not stop.is_set():
                now = self._clock.monotonic()
                edits = self._queue.take()
                if edits:
                    self._last_edits = now
                    self._begin(edits, Purpose.EDIT)
                if now >= next_sweep:
                    next_sweep = now + self._periods.observe.total_seconds()
                    self._begin_sweep()
                await self._sleep_until(min(next_sweep, self._queue.next_due() or next_sweep), stopping)
        finally:
            stopping.cancel()
            await self._finish()

    def _leave_to_first_sweep(self) -> None:
        """Drop what is due from the first lists: the full pass that begins at once looks at all of it."""
        while taken := self._queue.take():
            for identity in taken:
                self._queue.done(identity)

    def _begin_sweep(self) -> None:
        """Look at everything, unless the last full pass still does."""
        if self._sweep is None or self._sweep.done():
            wanted = frozenset(o.identity for o in self._objects.all() if self._queue.is_free(o.identity))
            self._sweep = self._start(self._look(wanted))

    def _begin(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        if wanted:
            self._start(self._pass(wanted, purpose))

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._passes.add(task)
        task.add_done_callback(self._passes.discard)
        return task

    async def _look(self, wanted: frozenset[ObjectIdentity]) -> None:
        try:
            with span("full pass", objects=len(wanted)):
                rest = await self._runner.look(wanted)
            self._begin(rest, Purpose.SWEEP)
        except Exception as exc:
            self._fail(wanted, exc)

    async def _pass(self, wanted: frozenset[ObjectIdentity], purpose: Purpose) -> None:
        try:
            with span("pass", objects=len(wanted), purpose=purpose.value):
                await self._runner.run(wanted, purpose)
        except Exception as exc:
            self._fail(wanted, exc)

    def _fail(self, wanted: frozenset[ObjectIdentity], exc: Exception) -> None:
        self._complain(f"a pass over {len(wanted)} objects failed: {exc!r}")
        for identity in wanted:
            self._queue.add(identity, _AFTER_FAILURE)

    async def _sleep_until(self, when: float, stopping: asyncio.Future[bool]) -> None:
        """Wait until then, until something new is due, or until the end; soon after a pass for more edits, too."""
        news = asyncio.ensure_future(self._queue.wait())
        timeout = max(0.0, when - self._clock.monotonic())
        done, _ = await asyncio.wait((news, stopping), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        if news in done:
            await self._gather_edits(stopping)

    async def _gather_edits(self, stopping: asyncio.Future[bool]) -> None:
        """Let more edits come, the longer the more passes are under way; the end is not waited for."""
        since = self._clock.monotonic() - self._last_edits
        many = min(max(1.0, len(self._passes) / _FEW), _SLOWEST)
        rest = self._periods.spread * many - timedelta(seconds=since)
        if rest > timedelta(0):
            sleeping = asyncio.ensure_future(self._clock.sleep(rest))
            await asyncio.wait((sleeping, stopping), return_when=asyncio.FIRST_COMPLETED)
            sleeping.cancel()

    async def _finish(self) -> None:
        """Begin nothing, see writes on their way to their answer, tell what ended; operations stay on the objects."""
        self._halt.requested = True
        await self._wait_a_little()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._periods.grace.total_seconds()):
                await self._permits.idle()
        await self._wait_a_little()
        for task in list(self._passes):
            task.cancel()
        for task in list(self._passes):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _wait_a_little(self) -> None:
        if self._passes:
            await asyncio.wait(self._passes, timeout=_A_LITTLE_S)


async def _is_set(stop: asyncio.Event) -> bool:
    return await stop.wait()
