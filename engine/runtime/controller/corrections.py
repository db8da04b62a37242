"""When drift is corrected: at once where somebody asked for it, else every sync period of each object."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Final

from engine.desired.identity import ObjectIdentity
from engine.ports import Clock

_SPREAD: Final = 0.5
"""Periods lie between 75 % and 125 % of what is set, so that objects of one apply do not stay together."""


class Corrections:
    """Knows of each object whether its drift is to be corrected now."""

    def __init__(self, clock: Clock, period: timedelta | None) -> None:
        """Everything is due once as the process begins; never where ``period`` is None."""
        self._clock = clock
        self._period = period
        self._next: dict[ObjectIdentity, float] = {}
        self._asked: set[ObjectIdentity] = set()
        self._taken: set[ObjectIdentity] = set()
        self._rounds: dict[ObjectIdentity, int] = {}

    def ask(self, identity: ObjectIdentity) -> None:
        """Somebody edited the object: whatever differs is corrected with it."""
        self._asked.add(identity)

    def take(self, identity: ObjectIdentity) -> bool:
        """Whether drift of the object is corrected by a pass that begins now.

        It answers to what was asked until now; who asks during the pass gets another one.
        """
        if identity in self._asked:
            self._asked.discard(identity)
            self._taken.add(identity)
        if identity in self._taken:
            return True
        return self._period is not None and self._clock.monotonic() >= self._next.get(identity, 0.0)

    def done(self, identity: ObjectIdentity) -> None:
        """Nothing is left to correct of what was taken: the next period begins."""
        self._taken.discard(identity)
        if self._period is not None:
            turn = self._rounds[identity] = self._rounds.get(identity, 0) + 1
            self._next[identity] = self._clock.monotonic() + self._period.total_seconds() * _share(identity, turn)

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop an object that is gone."""
        self._asked.discard(identity)
        self._taken.discard(identity)
        self._next.pop(identity, None)
        self._rounds.pop(identity, None)


def _share(identity: ObjectIdentity, turn: int) -> float:
    """Return a factor around 1 that differs between objects and between turns."""
    seed = zlib.crc32("/".join((*identity, str(turn))).encode())
    return 1 - _SPREAD / 2 + _SPREAD * seed / 0xFFFFFFFF
