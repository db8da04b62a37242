"""Namespaces are shared among replicas: each belongs to a shard by its hash, each shard to the holder of its Lease.

A Lease counts from just before its renewal was sent, by this process's own clock; another's counts as over when it
was not seen to change for as long as it lasts. Clocks of machines are never compared.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final, Protocol

from engine.cluster.leases import LASTS, HeldLease, shard_of
from engine.errors import ConflictError, EngineError
from engine.ports import Clock

RENEW: Final = timedelta(seconds=5)
LOOK: Final = timedelta(seconds=2)
FORGOTTEN: Final = timedelta(minutes=2)
_NEVER: Final = float("-inf")


class LeaseKeeper(Protocol):
    """The Leases of this operator."""

    async def read(self) -> Mapping[str, HeldLease]:
        """Return all of them by name."""
        ...

    async def write(self, lease: HeldLease, holder: str) -> HeldLease:
        """Take, renew (``holder`` is us) or give up (``holder`` is empty) a Lease that still is as it was read.

        Raises:
            ConflictError: Somebody else was faster.
        """
        ...

    async def remove(self, lease: HeldLease) -> None:
        """Delete a Lease that still is as it was read."""
        ...


class Shards:
    """Implements ``Tenure``: takes a fair share of the shards, and gives up what is more than that."""

    def __init__(
        self,
        keeper: LeaseKeeper,
        clock: Clock,
        *,
        identity: str,
        count: int,
        name_of: Callable[[int], str],
        member_prefix: str,
        gained: Callable[[int], None],
        tell: Callable[[str], None],
    ) -> None:
        """Hold nothing yet.

        Args:
            keeper: Where Leases are.
            clock: For how long they count.
            identity: This replica, as Leases name it.
            count: How many shards there are; the same for all replicas.
            name_of: Names the Lease of a shard.
            member_prefix: Leases with such names say which replicas live.
            gained: Told of each shard that becomes ours.
            tell: Told, in words, what was gained and lost, and that Leases cannot be read or written.
        """
        self._keeper = keeper
        self._clock = clock
        self._identity = identity
        self._names = [name_of(n) for n in range(count)]
        self._prefix = member_prefix
        self._gained = gained
        self._tell = tell
        self._until: dict[int, float] = {}
        self._leaving: dict[int, float] = {}
        self._terms: Counter[int] = Counter()
        self._ours: dict[str, HeldLease] = {}
        self._renewed: dict[str, float] = {}
        self._seen: dict[str, tuple[str, float]] = {}
        self._is_silent = False
        self._is_refused = False

    @property
    def held(self) -> frozenset[int]:
        """Return the shards that are ours now."""
        now = self._clock.monotonic()
        return frozenset(n for n, until in self._until.items() if until > now)

    @property
    def terms(self) -> Mapping[int, int]:
        """Return the shards that are ours now, and how often each became ours."""
        return {shard: self._terms[shard] for shard in self.held}

    def left(self, namespace: str) -> timedelta:
        """Return for how long writes for a namespace are this process's business."""
        return self._rest(self._until.get(self._shard_of(namespace), _NEVER))

    def rest(self, namespace: str) -> timedelta:
        """Return for how long writes that have begun may go on: also for a shard that was given up, to its end."""
        shard = self._shard_of(namespace)
        return self._rest(self._until.get(shard, self._leaving.get(shard, _NEVER)))

    def term(self, namespace: str) -> int:
        """Return how often the shard of a namespace became ours."""
        return self._terms[self._shard_of(namespace)]

    def _shard_of(self, namespace: str) -> int:
        return shard_of(namespace, len(self._names))

    def _rest(self, until: float) -> timedelta:
        return timedelta(seconds=max(0.0, until - self._clock.monotonic()))

    async def run(self) -> None:
        """Take, renew and give up Leases until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(LOOK)

    async def look(self) -> None:
        """Look once at all Leases and do what follows from it."""
        try:
            leases = await self._keeper.read()
        except EngineError as exc:
            self._say_silent(str(exc))
            return
        self._is_silent = False
        now = self._clock.monotonic()
        for lease in leases.values():
            if self._seen.get(lease.name, ("", 0.0))[0] != lease.stamp:
                self._seen[lease.name] = (lease.stamp, now)
        self._drop_lost()
        for shard in [n for n in self._until if not self._is_ours(leases.get(self._names[n]))]:
            self._lose(self._names[shard])
        await asyncio.gather(*(self._renew(n, leases) for n in self._due(now)))
        self._drop_lost()
        await self._balance(leases)
        await self._tidy(leases)

    def _is_ours(self, lease: HeldLease | None) -> bool:
        """Whether a Lease still names us; one that names another is never renewed over their head."""
        return lease is not None and lease.holder == self._identity

    def _say_silent(self, why: str) -> None:
        if not self._is_silent:
            self._tell(f"Leases cannot be read: {why}")
        self._is_silent = True
        self._drop_lost()

    def _due(self, now: float) -> Iterable[str]:
        mine = [self._prefix + self._identity, *(self._names[n] for n in self._until)]
        return [n for n in mine if now - self._renewed.get(n, _NEVER) >= RENEW.total_seconds()]

    async def _renew(self, name: str, leases: Mapping[str, HeldLease]) -> bool:
        """Make a Lease ours for another while; return whether that went well."""
        began = self._clock.monotonic()
        try:
            self._ours[name] = await self._keeper.write(leases.get(name, HeldLease(name=name)), self._identity)
        except ConflictError:
            self._lose(name)
            return False
        except EngineError as exc:
            if not self._is_refused:
                self._tell(f"Lease {name} cannot be written: {exc}")
            self._is_refused = True
            return False
        self._is_refused = False
        self._renewed[name] = began
        if name in self._names:
            self._hold(self._names.index(name), began + LASTS.total_seconds())
        return True

    def _hold(self, shard: int, until: float) -> None:
        if shard not in self._until:
            self._terms[shard] += 1
        self._leaving.pop(shard, None)
        self._until[shard] = until

    def _lose(self, name: str) -> None:
        if name not in self._names:
            return
        shard = self._names.index(name)
        self._leaving.pop(shard, None)
        if self._until.pop(shard, None) is not None:
            self._tell(f"shard {shard} is another replica's now")

    def _drop_lost(self) -> None:
        now = self._clock.monotonic()
        for shard in [n for n, until in self._until.items() if until <= now]:
            self._lose(self._names[shard])

    async def _balance(self, leases: Mapping[str, HeldLease]) -> None:
        live = sum(1 for name in leases if name.startswith(self._prefix) and not self._is_over(leases[name]))
        members = max(1, live + (self._prefix + self._identity not in leases))
        fair = -(-len(self._names) // members)
        if len(self._until) > fair:
            await self._give_up(max(self._until))
        free = [n for n in range(len(self._names)) if n not in self._until and self._is_free(leases, n)]
        for shard in free[: max(0, fair - len(self._until))]:
            if await self._renew(self._names[shard], leases):
                self._tell(f"shard {shard} is ours now")
                self._gained(shard)

    def _is_free(self, leases: Mapping[str, HeldLease], shard: int) -> bool:
        lease = leases.get(self._names[shard])
        return lease is None or not lease.holder or lease.holder == self._identity or self._is_over(lease)

    def _is_over(self, lease: HeldLease) -> bool:
        if not lease.holder:
            return True
        _, since = self._seen.get(lease.name, ("", self._clock.monotonic()))
        return self._clock.monotonic() - since >= lease.lasts.total_seconds()

    async def _give_up(self, shard: int) -> None:
        """Begin nothing more for a shard; its Lease runs out by itself, and what has begun may end until then."""
        self._leaving[shard] = self._until.pop(shard)
        self._tell(f"shard {shard} is left to other replicas")

    async def _tidy(self, leases: Mapping[str, HeldLease]) -> None:
        """Delete what replicas left that were killed long ago."""
        now = self._clock.monotonic()
        for lease in leases.values():
            since = self._seen[lease.name][1]
            if lease.name.startswith(self._prefix) and now - since > FORGOTTEN.total_seconds():
                with contextlib.suppress(EngineError):
                    await self._keeper.remove(lease)

    async def release(self, busy: Iterable[str] = ()) -> None:
        """Give everything up, at the end.

        Args:
            busy: Namespaces that a write is on its way for, for all we know: their Leases run out by themselves.
        """
        kept = {self._names[self._shard_of(namespace)] for namespace in busy}
        self._until.clear()
        self._leaving.clear()
        for name, lease in self._ours.items():
            if name not in kept:
                with contextlib.suppress(EngineError):  # It runs out by itself.
                    await (self._keeper.write(lease, "") if name in self._names else self._keeper.remove(lease))
