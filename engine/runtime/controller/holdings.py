"""Which shards of the namespaces are this process's, and since which turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.cluster.leases import shard_of

Terms = Mapping[int, int]
"""By shard that is ours: what changes each time it becomes so."""


class Holdings:
    """Tells what of the past still counts: what was seen of a shard before it was somebody else's does not."""

    def __init__(self, count: int, terms: Callable[[], Terms]) -> None:
        """Keep how many shards there are, the same for all replicas, and what tells which of them are ours."""
        self.count = count
        self._terms = terms

    def terms(self) -> Terms:
        """Return the shards that are ours now."""
        return self._terms()

    def shard_of(self, namespace: str) -> int:
        """Return the shard of a namespace."""
        return shard_of(namespace, self.count)

    def term_of(self, namespace: str) -> int | None:
        """Return the turn in which a namespace is ours; None while it is not."""
        return self._terms().get(self.shard_of(namespace))
