"""Another operator of the same objects: nothing is begun while it is live, and all is looked at when it has gone.

It is live while it renews its Lease. Whether it does is seen by this process's own clock; only at the first look is the
other's trusted, and then for nothing but a Lease that is old beyond any doubt. One without a Lease is live when it
writes the status of an object that is ours, and for as long as it may take until it writes the next.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from engine.cluster.detect import ASO_LEASE, Lease
from engine.cluster.leases import LASTS
from engine.cluster.names import OPERATOR_NAMESPACE
from engine.cluster.objects import ClusterObject
from engine.errors import EngineError, PolicyDeniedError
from engine.ports import Clock
from engine.runtime.controller.holdings import Terms
from engine.runtime.controller.tenure import Tenure

LOOK: Final = timedelta(seconds=5)
_SKEW: Final = timedelta(minutes=1)
_NOTHING: Final = timedelta(0)
QUIET: Final = timedelta(minutes=80)
"""An ASO that wrote nothing for so long has gone: as it is set by default it writes each object every 75 minutes."""
_ITSELF: Final = ""
"""Among those that are live: one that is known by what it wrote."""

ReadLease = Callable[[str, str], Awaitable[Lease | None]]
"""Takes namespace and name; None where there is none. It raises EngineError where it cannot be read."""


class Beside:
    """Implements ``Tenure`` over another one: as that says, and nothing while another operator is live."""

    def __init__(
        self,
        inner: Tenure,
        clock: Clock,
        *,
        namespaces: Sequence[str],
        read: ReadLease,
        member_prefix: str,
        gone: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        """Hold nothing before the first look.

        Args:
            inner: What is held without neighbours.
            clock: For how long a Lease counts.
            namespaces: Of operators whose objects are ours, or become so.
            read: Reads a Lease.
            member_prefix: What Leases of replicas of ours begin with: their holders are no neighbours.
            gone: Told that the last neighbour has gone.
            tell: Told who came and went, in words.
        """
        self._inner = inner
        self._clock = clock
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._read = read
        self._prefix = member_prefix
        self._gone = gone
        self._tell = tell
        self._has_looked = False
        self._live: dict[str, str] = {}
        self._seen: dict[str, tuple[Lease, float, bool]] = {}
        self._replicas: set[str] = set()
        self._turns = 0
        self._wrote = 0.0
        self._refused: set[str] = set()

    def left(self, namespace: str) -> timedelta:
        """Return for how long new writes are this process's business."""
        return self._inner.left(namespace) if self._is_alone() else _NOTHING

    def rest(self, namespace: str) -> timedelta:
        """Return for how long writes that have begun may go on."""
        return self._inner.rest(namespace)

    def term(self, namespace: str) -> int:
        """Return what changes each time the namespace becomes ours."""
        return self._inner.term(namespace) + self._turns

    def over(self, terms: Terms) -> Terms:
        """Return what is held by shard, of what would be without neighbours."""
        return {shard: term + self._turns for shard, term in terms.items()} if self._is_alone() else {}

    def _is_alone(self) -> bool:
        return self._has_looked and not self._live

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._clock.sleep(LOOK)
            await self.look()

    async def look(self) -> None:
        """Look once at the Lease in each namespace; one that cannot be read is as it was."""
        for namespace in self._namespaces:
            try:
                lease = await self._read(namespace, ASO_LEASE)
                holder = lease.holder if lease is not None else ""
                is_other = bool(holder) and not await self._is_replica(namespace, holder)
            except PolicyDeniedError as exc:
                self._tell_refusal(namespace, exc)
                continue
            except EngineError:
                continue
            if lease is not None and is_other and self._is_live(namespace, lease):
                self._note(namespace, holder)
            else:
                self._drop(namespace)
        if self._clock.monotonic() - self._wrote >= QUIET.total_seconds():
            self._drop(_ITSELF)
        self._has_looked = True

    def _tell_refusal(self, namespace: str, exc: PolicyDeniedError) -> None:
        """Say once that nobody knows whether another operator leads there."""
        if namespace not in self._refused:
            self._refused.add(namespace)
            self._tell(f"whether another operator is live in namespace {namespace} is not known: {exc}")

    def wrote(self, found: ClusterObject) -> None:
        """Take in that ASO wrote an object's status just now: it is live, unless it is one that has a Lease."""
        whose = found.resource.annotations.get(OPERATOR_NAMESPACE)
        if whose not in (None, *self._namespaces) or self._live.keys() - {_ITSELF}:
            return
        self._wrote = self._clock.monotonic()
        if _ITSELF not in self._live:
            self._live[_ITSELF] = str(found.resource.key)
            self._tell(
                "a live Azure Service Operator without a Lease manages these objects: it wrote the status of "
                f"{found.resource.key}; nothing is written until it wrote none for {QUIET.seconds // 60} minutes: "
                "scale that Deployment to 0 and restart this pod, or set AZURE_OPERATOR_MODE=watch to run beside it"
            )

    async def _is_replica(self, namespace: str, holder: str) -> bool:
        """Whether a holder is a process of ours, which says so in a Lease of its own; ours may always be read."""
        if holder not in self._replicas:
            with contextlib.suppress(PolicyDeniedError):
                if await self._read(namespace, self._prefix + holder) is not None:
                    self._replicas.add(holder)
        return holder in self._replicas

    def _is_live(self, namespace: str, lease: Lease) -> bool:
        now, before = self._clock.monotonic(), self._seen.get(namespace)
        lasts = max(lease.lasts, LASTS)
        if before is None or before[0] != lease:
            self._seen[namespace] = before = (lease, now, before is not None)
        _, since, was_renewed = before
        is_old = lease.renewed is None or self._clock.now() - lease.renewed > lasts + _SKEW
        return now - since < lasts.total_seconds() and (was_renewed or not is_old)

    def _note(self, namespace: str, holder: str) -> None:
        if self._live.get(namespace) == holder:
            return
        self._live.pop(_ITSELF, None)
        self._live[namespace] = holder
        self._tell(
            f"a live Azure Service Operator manages these objects: {holder} holds the Lease {ASO_LEASE} in namespace "
            f"{namespace}; nothing is written while it is renewed: scale that Deployment to 0, or set "
            "AZURE_OPERATOR_MODE=watch to run beside it"
        )

    def _drop(self, namespace: str) -> None:
        if self._live.pop(namespace, "") == "":
            return
        if namespace == _ITSELF:
            self._tell(f"no other operator wrote the status of an object for {QUIET.seconds // 60} minutes")
        else:
            self._tell(f"no other operator renews the Lease {ASO_LEASE} in namespace {namespace} any more")
        if not self._live:
            self._turns += 1
            self._gone()
