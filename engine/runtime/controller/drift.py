"""What passes see of drift, kept by namespace, and brought to the DriftReports whenever it changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from engine.cluster import events
from engine.cluster.events import Event
from engine.desired.identity import ObjectIdentity
from engine.drift.document import build_report, content_of, read_report
from engine.drift.finding import look_at
from engine.drift.ledger import Ended, Ledger, print_of
from engine.errors import EngineError
from engine.model.plan import Step
from engine.ports import Clock, DriftReports
from engine.runtime.controller.objects import Objects


class DriftBook:
    """Takes what passes see; costs next to nothing for what is in sync."""

    def __init__(self, clock: Clock) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._ledgers: dict[str, Ledger] = defaultdict(Ledger)
        self._whole: set[str] = set()
        self.dirty: set[str] = set()
        self.changed = asyncio.Event()
        self.passes = 0

    def note(self, steps: Iterable[Step]) -> None:
        """Take what a pass decided."""
        now = self._clock.now()
        for step in steps:
            identity = step.key.identity
            self._ledgers[identity[0]].note(identity, look_at(step), now)
            self.dirty.add(identity[0])

    def corrected(self, identity: ObjectIdentity) -> None:
        """Note that the resource was written and is as the object says."""
        self._ledgers[identity[0]].corrected(identity, self._clock.now())
        self.dirty.add(identity[0])

    def drop(self, identity: ObjectIdentity) -> None:
        """Forget an object that is gone."""
        if identity[0] in self._ledgers:
            self._ledgers[identity[0]].drop(identity, self._clock.now())
            self.dirty.add(identity[0])
            if self._ledgers[identity[0]].knows_nothing():
                self.changed.set()

    def ended(self, objects: Objects | None = None) -> None:
        """A pass ended; with ``objects`` everything was looked at: what is not there any more is forgotten.

        While a kind cannot be listed nobody knows what is not there.
        """
        if objects is not None and not objects.problems():
            self.passes += 1
            there: dict[str, set[ObjectIdentity]] = defaultdict(set)
            for found in objects.all():
                there[found.identity[0]].add(found.identity)
            for namespace, ledger in self._ledgers.items():
                ledger.keep(there[namespace], self._clock.now())
            self._whole |= self._ledgers.keys()
        self.changed.set()

    def forget(self, namespace: str) -> None:
        """Drop a namespace that somebody else works on."""
        self._ledgers.pop(namespace, None)
        self._whole.discard(namespace)
        self.dirty.discard(namespace)

    def ledger(self, namespace: str) -> Ledger:
        """Return what is known of a namespace."""
        return self._ledgers[namespace]

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces of which everything was looked at since they are ours."""
        return frozenset(self._whole)


class Teller(Protocol):
    """Tells an event of an object."""

    async def tell(self, identity: ObjectIdentity, event: Event) -> None:
        """Tell it; nobody waits for it."""
        ...


class ReportListener(Protocol):
    """Is told of reports as they become known, whether or not they can be written."""

    def reported(self, namespace: str, report: Mapping[str, Any], read: frozenset[ObjectIdentity]) -> None:
        """Take the report of a namespace, with times that earlier processes saw, and what could be read of it."""
        ...

    def left(self, namespace: str) -> None:
        """Note that a namespace is not ours any more, or holds no objects."""
        ...

    def brought(self) -> None:
        """Note that all reports that changed are known now."""
        ...


class DriftReporter:
    """Writes the report of each namespace when it says something else than before; one at a time."""

    def __init__(
        self,
        book: DriftBook,
        reports: DriftReports,
        is_ours: Callable[[str], bool],
        clock: Clock,
        *,
        teller: Teller | None,
        listener: ReportListener | None = None,
        complain: Callable[[str], None],
    ) -> None:
        """Take what is to be written and where; nothing is read yet.

        Args:
            book: What passes saw.
            reports: Where reports are.
            is_ours: Knows which namespaces are ours to write for.
            clock: For the time.
            teller: Tells events of objects; None where objects are never written.
            listener: Told of reports; None where nobody wants to know.
            complain: Told once of what keeps reports from being written.
        """
        self._book = book
        self._reports = reports
        self._is_ours = is_ours
        self._clock = clock
        self._teller = teller
        self._listener = listener
        self._complain = complain
        self._complaint = ""
        self._written: dict[str, Mapping[str, Any]] = {}
        self._versions: dict[str, str] = {}
        self._announced: dict[str, set[str]] = {}
        self._told_ends: dict[str, tuple[Ended, ...]] = {}
        self._checked = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self) -> None:
        """Write whenever a pass ended, for ever."""
        while True:
            await self._book.changed.wait()
            self._idle.clear()
            self._book.changed.clear()
            await self.flush()
            self._idle.set()

    async def idle(self) -> None:
        """Return when there is nothing to write."""
        while self._book.changed.is_set() or not self._idle.is_set():
            await asyncio.sleep(0)
            await self._idle.wait()

    async def flush(self) -> None:
        """Bring the reports up to date; what cannot be written now is tried again after the next pass."""
        try:
            await self._check_written()
        except EngineError as exc:
            self._say(str(exc))
            return
        problems = [await self._try(namespace) for namespace in sorted(self._book.dirty & self._book.namespaces())]
        if self._listener is not None:
            self._listener.brought()
        self._say(next((p for p in problems if p), ""))

    async def _try(self, namespace: str) -> str:
        """Bring one report up to date; return what kept it from that."""
        try:
            await self._bring(namespace)
        except EngineError as exc:
            self._book.dirty.add(namespace)
            return str(exc)
        return ""

    def _say(self, why: str) -> None:
        if why and why != self._complaint:
            self._complain(f"DriftReports cannot be written: {why}")
        self._complaint = why

    async def _check_written(self) -> None:
        """After a full pass, see whether the reports are as we left them, and remove those of empty namespaces."""
        if self._checked == self._book.passes:
            return
        there = await self._reports.versions()
        for namespace in [n for n in self._versions if self._is_ours(n) and there.get(n) != self._versions[n]]:
            for held in (self._versions, self._written, self._announced):
                held.pop(namespace, None)
            self._book.dirty.add(namespace)
        ours = self._book.namespaces()
        for namespace in [n for n in there if n not in ours and self._is_ours(n)]:
            await self._reports.remove(namespace)
        self._checked = self._book.passes

    async def _bring(self, namespace: str) -> None:
        if not self._is_ours(namespace):
            self._forget(namespace)
            return
        ledger = self._book.ledger(namespace)
        if namespace not in self._announced:
            await self._recall(namespace, ledger)
        self._book.dirty.discard(namespace)
        if ledger.knows_nothing():
            await self._reports.remove(namespace)
            self._forget(namespace)
            return
        report = build_report(namespace, ledger)
        if self._listener is not None:
            self._listener.reported(namespace, report, ledger.read())
        await self._write(namespace, report)
        await self._tell(namespace, ledger)

    async def _recall(self, namespace: str, ledger: Ledger) -> None:
        """Take up what an earlier process left."""
        found = await self._reports.read(namespace)
        earlier = read_report(found) if found is not None else None
        self._told_ends[namespace] = earlier.ended if earlier is not None else ()
        self._announced[namespace] = set(earlier.since) if earlier is not None else set()
        if found is not None and earlier is not None:
            ledger.recall(earlier, self._clock.now())
            self._written[namespace] = content_of(found)
            self._versions[namespace] = str(found["metadata"]["resourceVersion"])

    async def _write(self, namespace: str, report: dict[str, Any]) -> None:
        content = content_of(report)
        if self._written.get(namespace) == content:
            return
        self._versions[namespace] = await self._reports.write(namespace, report)
        self._written[namespace] = content

    async def _tell(self, namespace: str, ledger: Ledger) -> None:
        """Tell on the objects that drift began and ended, each once."""
        announced = self._announced[namespace]
        begun = {print_of(i): i for i, t in ledger.tracked().items() if t.finding.is_drift}
        before, self._told_ends[namespace] = self._told_ends[namespace], ledger.ended()
        over = [e.identity for e in ledger.ended() if e not in before and e.identity is not None]
        self._announced[namespace] = {*begun, *ledger.earlier()}
        if self._teller is not None:
            for identity in (*begun.values(), *over):
                if print_of(identity) not in announced:
                    await self._teller.tell(identity, events.drift_detected())
            for identity in over:
                await self._teller.tell(identity, events.drift_resolved())

    def _forget(self, namespace: str) -> None:
        self._book.forget(namespace)
        if self._listener is not None:
            self._listener.left(namespace)
        for held in (self._written, self._versions, self._announced, self._told_ends):
            held.pop(namespace, None)
