"""The outboxes of a pod: one for each shard that it holds, as it is kept in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from engine.alerts.outbox import Outbox
from engine.alerts.packed import TooLargeError, pack, unpack
from engine.errors import ConflictError, EngineError
from engine.ports import AlertOutboxes, Clock, StoredOutbox
from engine.runtime.controller.holdings import Holdings

_LOOK: Final = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class Box:
    """One outbox.

    Attributes:
        outbox: As it is now.
        saved: As it is in the cluster.
        version: Of what is in the cluster; empty while nothing is.
        term: Grows when the shard was somebody else's meanwhile.
        blind_since: Since when Azure cannot be read; None while it can be.
        looked: When it was read last, by a clock that only grows.
        kept: When it was written last, by the same clock.
        lock: Held by who writes it, or reads it again.
    """

    shard: int
    outbox: Outbox
    saved: Outbox = field(default_factory=Outbox)
    version: str = ""
    term: int = 0
    blind_since: datetime | None = None
    looked: float = 0.0
    kept: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)


class Boxes:
    """Reads outboxes when their shards become ours, and writes them when something changed.

    While something waits or is dead somebody may ask for it to be tried again (``trueup alerts retry``): it is read now
    and then.
    """

    def __init__(
        self,
        store: AlertOutboxes,
        clock: Clock,
        *,
        name_of: Callable[[int], str],
        holdings: Holdings,
        complain: Callable[[str], None],
    ) -> None:
        """Read nothing yet.

        Args:
            store: Where they are kept.
            clock: For when to look again.
            name_of: Names the outbox of a shard.
            holdings: Which shards are ours.
            complain: Told, once as long as it lasts, of what keeps an outbox from being read or written.
        """
        self._store = store
        self._clock = clock
        self._name_of = name_of
        self._holdings = holdings
        self._complain = complain
        self._complaints: dict[int, str] = {}
        self._boxes: dict[int, Box] = {}

    def known(self) -> Iterable[Box]:
        """Return the outboxes that were read."""
        return tuple(self._boxes.values())

    def is_ours(self, box: Box) -> bool:
        """Whether an outbox may still be worked with."""
        return self._boxes.get(box.shard) is box and self._holdings.terms().get(box.shard) == box.term

    async def held(self) -> list[Box]:
        """Return the outboxes of our shards, without those that cannot be read now."""
        terms = self._holdings.terms()
        for shard in [n for n, box in self._boxes.items() if terms.get(n) != box.term]:
            del self._boxes[shard]
        for shard, term in sorted(terms.items()):
            box = self._boxes.get(shard)
            if box is None:
                await self._read(shard, term)
            elif self._may_have_changed(box):
                box.looked = self._clock.monotonic()
                async with box.lock:
                    await self._read(shard, term)
        return [self._boxes[shard] for shard in sorted(self._boxes)]

    def _may_have_changed(self, box: Box) -> bool:
        is_open = bool(box.outbox.waiting or box.outbox.dead) and box.outbox is box.saved
        return is_open and self._clock.monotonic() - box.looked >= _LOOK.total_seconds()

    async def _read(self, shard: int, term: int) -> None:
        """Read an outbox, unless it is as it was read or written last."""
        name = self._name_of(shard)
        try:
            found = await self._store.read(name)
            outbox = unpack(found.raw) if found is not None else Outbox()
        except EngineError as exc:
            self._say(shard, f"alerts wait: Secret {name} cannot be read: {exc}")
        except (ValueError, KeyError, TypeError) as exc:
            hint = "delete it; alerts that were told are then told again"
            self._say(shard, f"alerts wait: Secret {name} holds no outbox ({exc}): {hint}")
        else:
            self._say(shard, "")
            self._take(shard, term, outbox, found.version if found is not None else "")

    def _take(self, shard: int, term: int, outbox: Outbox, version: str) -> None:
        """Work with an outbox as it was read; what became of messages since it was last written is not lost by that."""
        known, ours = self._boxes.get(shard), self._only_ours(outbox, shard)
        if known is None:
            known = self._boxes[shard] = Box(shard=shard, outbox=ours, term=term, looked=self._clock.monotonic())
        elif known.version == version or known.outbox is not known.saved:
            return
        known.outbox, known.saved, known.version = ours, ours if ours == outbox else outbox, version

    def _only_ours(self, outbox: Outbox, shard: int) -> Outbox:
        """Leave out what was told of namespaces that other shards have since their number changed; those tell it."""
        told = {
            sink: {
                key: t
                for key, t in alerts.items()
                if not t.alert.namespace or self._holdings.shard_of(t.alert.namespace) == shard
            }
            for sink, alerts in outbox.told.items()
        }
        return replace(outbox, told=told, mark=f"s{shard}-", shards=self._holdings.count)

    async def save(self, box: Box) -> bool:
        """Keep an outbox if it changed; return whether it is still ours to work with.

        What cannot be kept is still worked with: after a restart it may be told again.
        """
        async with box.lock:
            return self.is_ours(box) and await self._write(box)

    async def _write(self, box: Box) -> bool:
        if box.outbox == box.saved or (not box.version and _says_nothing(box.outbox)):
            return True
        name = self._name_of(box.shard)
        try:
            outbox = box.outbox
            raw = await asyncio.to_thread(pack, outbox)
            written = await self._store.write(name, StoredOutbox(raw, box.version))
        except ConflictError:
            self._boxes.pop(box.shard, None)
            return False
        except (EngineError, TooLargeError) as exc:
            self._say(box.shard, f"Secret {name} cannot be written, so that a restart tells alerts again: {exc}")
            return True
        box.saved, box.version, box.kept = outbox, written.version, self._clock.monotonic()
        self._say(box.shard, "")
        return True

    def _say(self, shard: int, text: str) -> None:
        if text and text != self._complaints.get(shard):
            self._complain(text)
        self._complaints[shard] = text


def _says_nothing(outbox: Outbox) -> bool:
    return not (any(outbox.told.values()) or outbox.waiting or outbox.dead or outbox.dead_count)
