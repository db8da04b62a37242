"""Brings what passes saw of drift to the DriftReports whenever it changed, and to who listens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from engine.cluster import events
from engine.cluster.events import Event
from engine.desired.identity import ObjectIdentity
from engine.drift.document import build_report, content_of, read_report
from engine.drift.ledger import Ended, Ledger, print_of
from engine.errors import EngineError
from engine.ports import Clock, DriftReports
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.holdings import Terms


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

    def brought(self, swept: Terms) -> None:
        """Note that all reports that changed are known now, and of which shards everything was looked at."""
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
        self._recalled: dict[str, Ledger] = {}
        self._written: dict[str, Mapping[str, Any]] = {}
        self._versions: dict[str, str] = {}
        self._announced: dict[str, set[str]] = {}
        self._told_ends: dict[str, tuple[Ended, ...]] = {}
        self._due: dict[str, dict[str, Any] | None] = {}
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
        """Bring the reports up to date; what cannot be written now is tried again after the next pass.

        Who listens hears of all of them first: no alert waits for a report to be written.
        """
        for namespace in self._book.drop_lost():
            self._forget(namespace)
        swept = self._book.swept
        why = await self._try(self._check_written())
        problems = [why]
        for namespace in self._news(is_there=not why):
            problems.append(await self._try(self._take(namespace, is_there=not why)))
        if self._listener is not None:
            self._listener.brought(swept)
        if not why:
            for namespace in sorted(self._due):
                problems.append(await self._try(self._bring(namespace)))
        self._say(next((p for p in problems if p), ""))

    async def _try(self, work: Awaitable[None]) -> str:
        """Do it; return what kept it from being done."""
        try:
            await work
        except EngineError as exc:
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
            self._drop_written(namespace)
            self._book.dirty.add(namespace)
        known = self._book.namespaces()
        for namespace in [n for n in there if n not in known and self._book.is_swept(n) and self._is_ours(n)]:
            await self._reports.remove(namespace)
        self._checked = self._book.passes

    def _news(self, *, is_there: bool) -> Iterable[str]:
        """Return the namespaces whose reports change, and those that could not be joined to what stood there before."""
        later = {n for n in self._due if not self._is_recalled(n)} if is_there else set()
        return sorted((self._book.dirty | later) & self._book.namespaces())

    def _is_recalled(self, namespace: str) -> bool:
        return self._recalled.get(namespace) is self._book.ledger(namespace)

    async def _take(self, namespace: str, *, is_there: bool) -> None:
        """Build a report and tell who listens, also when what an earlier process left cannot be read."""
        try:
            if is_there and not self._is_recalled(namespace):
                await self._recall(namespace, self._book.ledger(namespace))
        finally:
            self._build(namespace)

    def _build(self, namespace: str) -> None:
        ledger = self._book.ledger(namespace)
        self._book.dirty.discard(namespace)
        report = self._due[namespace] = None if ledger.knows_nothing() else build_report(namespace, ledger)
        if self._listener is None:
            return
        if report is None:
            self._listener.left(namespace)
        else:
            self._listener.reported(namespace, report, ledger.read())

    async def _bring(self, namespace: str) -> None:
        """Write a report, or remove it; one that may still say what we do not know waits."""
        ledger, report = self._book.ledger(namespace), self._due[namespace]
        if not (self._is_ours(namespace) and self._is_recalled(namespace)):
            return
        if report is not None:
            await self._write(namespace, report)
            await self._tell(namespace, ledger)
            del self._due[namespace]
            return
        await self._reports.remove(namespace)
        if ledger.knows_nothing():
            self._forget(namespace)

    async def _recall(self, namespace: str, ledger: Ledger) -> None:
        """Take up what an earlier process left."""
        self._drop_written(namespace)
        found = await self._reports.read(namespace)
        earlier = read_report(found) if found is not None else None
        self._told_ends[namespace] = earlier.ended if earlier is not None else ()
        self._announced[namespace] = set(earlier.since) if earlier is not None else set()
        if found is not None and earlier is not None:
            ledger.recall(earlier, self._clock.now())
            self._written[namespace] = content_of(found)
            self._versions[namespace] = str(found["metadata"]["resourceVersion"])
        self._recalled[namespace] = ledger

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
        self._due.pop(namespace, None)
        self._drop_written(namespace)
        if self._listener is not None:
            self._listener.left(namespace)

    def _drop_written(self, namespace: str) -> None:
        for held in (self._recalled, self._written, self._versions, self._announced, self._told_ends):
            held.pop(namespace, None)
