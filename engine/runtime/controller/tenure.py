"""Which namespaces this process may write for, and for how long it is sure of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol

from engine.errors import UnavailableError

MARGIN: Final = timedelta(seconds=2)
"""Less than this is left: nothing new is begun."""
_FOR_EVER: Final = timedelta(days=1)
_GUARD_S: Final = 1.0


class NotHeldError(UnavailableError):
    """Another process works on this namespace now, or may begin to; nothing was sent."""

    reason = "NotHeld"


class Tenure(Protocol):
    """Says what is held."""

    def left(self, namespace: str) -> timedelta:
        """Return for how long new writes are this process's business; nothing or less when they are not."""
        ...

    def rest(self, namespace: str) -> timedelta:
        """Return for how long writes that have begun may go on."""
        ...

    def term(self, namespace: str) -> int:
        """Return what changes each time the namespace becomes ours; 0 where it always was."""
        ...


class Everything:
    """Implements ``Tenure`` for a process that is alone."""

    def left(self, namespace: str) -> timedelta:
        """Return a long time."""
        return _FOR_EVER

    def rest(self, namespace: str) -> timedelta:
        """Return a long time."""
        return _FOR_EVER

    def term(self, namespace: str) -> int:
        """Return that nobody else ever had it."""
        return 0


class Permits:
    """Lets writes through while what they are for is held, and knows which are on their way."""

    def __init__(self, tenure: Tenure) -> None:
        """No write is on its way."""
        self._tenure = tenure
        self._writing: Counter[str] = Counter()
        self._broken_off: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def holds(self, namespace: str) -> bool:
        """Whether there is time enough to begin something for a namespace."""
        return self._tenure.left(namespace) > MARGIN

    def term(self, namespace: str) -> int:
        """Return what changes each time a namespace becomes ours; 0 where it always was."""
        return self._tenure.term(namespace)

    @property
    def broken_off(self) -> frozenset[str]:
        """Return the namespaces of writes that were cancelled before their answer: Azure may still be at them."""
        return frozenset(self._broken_off)

    def require(self, namespace: str) -> None:
        """Make sure that a write may be sent now.

        Raises:
            NotHeldError: The namespace is not ours, or not for long enough.
        """
        if not self.holds(namespace):
            raise NotHeldError(f"namespace {namespace} is another replica's now")

    @asynccontextmanager
    async def write(self, namespace: str) -> AsyncIterator[None]:
        """Lend the right to write for a namespace; what is not answered before that right ends is broken off.

        Raises:
            NotHeldError: As ``require``.
            UnavailableError: It took too long; what became of it is not known.
        """
        self.require(namespace)
        self._writing[namespace] += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(None) as limit:
                guard = asyncio.create_task(self._guard(limit, namespace))
                try:
                    yield
                finally:
                    guard.cancel()
        except TimeoutError as exc:
            raise UnavailableError("the write took longer than this replica was sure to hold its namespace") from exc
        except asyncio.CancelledError:
            self._broken_off.add(namespace)
            raise
        finally:
            self._writing[namespace] -= 1
            if not +self._writing:
                self._writing.clear()
                self._idle.set()

    async def _guard(self, limit: asyncio.Timeout, namespace: str) -> None:
        """Move the limit along as the right is renewed."""
        while not limit.expired():
            left = self._tenure.rest(namespace) - MARGIN / 2
            limit.reschedule(asyncio.get_running_loop().time() + left.total_seconds())
            await asyncio.sleep(_GUARD_S)

    async def idle(self) -> None:
        """Return when no write is on its way."""
        await self._idle.wait()
