"""What passes see of drift, kept by namespace."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from engine.desired.identity import ObjectIdentity
from engine.drift.finding import look_at
from engine.drift.ledger import Ledger
from engine.model.plan import Step
from engine.ports import Clock
from engine.runtime.controller.holdings import Holdings, Terms
from engine.runtime.controller.objects import Objects


class DriftBook:
    """Takes what passes see; costs next to nothing for what is in sync."""

    def __init__(self, clock: Clock, holdings: Holdings) -> None:
        """Know nothing yet."""
        self._clock = clock
        self._holdings = holdings
        self._ledgers: dict[str, Ledger] = {}
        self._made_in: dict[str, int | None] = {}
        self.swept: Terms = {}
        self.dirty: set[str] = set()
        self.changed = asyncio.Event()
        self.passes = 0

    def note(self, steps: Iterable[Step]) -> None:
        """Take what a pass decided."""
        now, ledgers = self._clock.now(), dict[str, Ledger]()
        for step in steps:
            identity = step.key.identity
            if identity[0] not in ledgers:
                ledgers[identity[0]] = self.ledger(identity[0])
            ledgers[identity[0]].note(identity, look_at(step), now)
        self.dirty |= ledgers.keys()

    def corrected(self, identity: ObjectIdentity) -> None:
        """Note that the resource was written and is as the object says."""
        self.ledger(identity[0]).corrected(identity, self._clock.now())
        self.dirty.add(identity[0])

    def drop(self, identity: ObjectIdentity) -> None:
        """Forget an object that is gone."""
        if identity[0] in self._ledgers:
            self._ledgers[identity[0]].drop(identity, self._clock.now())
            self.dirty.add(identity[0])
            if self._ledgers[identity[0]].knows_nothing():
                self.changed.set()

    def begin(self, left_out: Iterable[str] = ()) -> Terms:
        """Return what a full pass that begins now sees all of: not of shards with namespaces that it leaves out."""
        partial = {self._holdings.shard_of(namespace) for namespace in left_out}
        return {shard: term for shard, term in self._holdings.terms().items() if shard not in partial}

    def ended(self) -> None:
        """A pass over some objects ended."""
        self.changed.set()

    def ended_full(self, objects: Objects, begun: Terms) -> None:
        """A full pass ended: what is not there any more is forgotten.

        While a kind cannot be listed nobody knows what is not there.

        Args:
            objects: All that there are.
            begun: What :meth:`begin` returned when it began; another full pass may have begun since, and even ended.
        """
        if not objects.problems():
            self.passes += 1
            there: dict[str, set[ObjectIdentity]] = defaultdict(set)
            for found in objects.all():
                there[found.identity[0]].add(found.identity)
            for namespace, ledger in self._ledgers.items():
                ledger.keep(there[namespace], self._clock.now())
            self.swept = {**self.swept, **{n: max(term, self.swept.get(n, term)) for n, term in begun.items()}}
        self.changed.set()

    def drop_lost(self) -> Iterable[str]:
        """Forget what is not ours any more, also for a moment, and return the namespaces of which something was known.

        Should a shard come back in the same turn, it is looked at anew before anything is said of it.
        """
        terms = self._holdings.terms()
        self.swept = {n: term for n, term in self.swept.items() if terms.get(n) == term}
        lost = [n for n, term in self._made_in.items() if term is None or terms.get(self._holdings.shard_of(n)) != term]
        for namespace in lost:
            self.forget(namespace)
        return lost

    def forget(self, namespace: str) -> None:
        """Drop a namespace that somebody else works on, or that holds nothing."""
        self._ledgers.pop(namespace, None)
        self._made_in.pop(namespace, None)
        self.dirty.discard(namespace)

    def ledger(self, namespace: str) -> Ledger:
        """Return what is known of a namespace since it is ours."""
        term = self._holdings.term_of(namespace)
        if namespace not in self._ledgers or self._made_in[namespace] != term:
            self._ledgers[namespace], self._made_in[namespace] = Ledger(), term
        return self._ledgers[namespace]

    def is_swept(self, namespace: str) -> bool:
        """Whether everything of a namespace was looked at since it is ours."""
        term = self._holdings.term_of(namespace)
        return term is not None and self.swept.get(self._holdings.shard_of(namespace)) == term

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces that something is known of, and of which everything was looked at since."""
        terms = self._holdings.terms()
        shards = {n for n, term in self.swept.items() if terms.get(n) == term}
        return frozenset(n for n in self._ledgers if self._holdings.shard_of(n) in shards)
