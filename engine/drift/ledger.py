"""What is known of the drift of one namespace: findings with the time they were first seen, and what ended lately."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from engine.desired.identity import ObjectIdentity
from engine.drift.finding import Finding, Seen, Standing, State

ENDED_LIMIT: Final = 10
"""Drift that ended is kept this often."""
CORRECTED: Final = "Corrected"
NO_LONGER_DIFFERS: Final = "NoLongerDiffers"
OBJECT_GONE: Final = "ObjectGone"
IGNORED: Final = "Ignored"
_NOTHING: Final = Seen(standing=Standing.IN_SYNC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A finding, and since when its resource has not been as we left it."""

    finding: Finding
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Drift that is over.

    Attributes:
        object: ``Kind/name``.
        what: What it was, in few words.
        how: ``Corrected`` (by a write of ours), ``NoLongerDiffers``, ``ObjectGone`` or ``Ignored``.
        identity: Of the object; None in what was read from a report.
    """

    object: str
    what: str
    how: str
    since: datetime
    until: datetime
    identity: ObjectIdentity | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What an earlier report tells the next process.

    Attributes:
        since: By the print of an object, see :func:`print_of`.
        what: What was the matter, by ``Kind/name``; only of what the report showed.
        ended: As it stood there.
    """

    since: Mapping[str, datetime] = field(default_factory=dict)
    what: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[Ended, ...] = ()


class Ledger:
    """The drift of one namespace; every method is told the time."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: dict[ObjectIdentity, Seen] = {}
        self._tracked: dict[ObjectIdentity, Tracked] = {}
        self._earlier: dict[str, datetime] = {}
        self._earlier_what: Mapping[str, str] = {}
        self._ended: list[Ended] = []

    def recall(self, earlier: Remembered, now: datetime) -> None:
        """Take what an earlier process knew: what still differs has done so since then."""
        self._earlier_what = earlier.what
        self._earlier = dict(earlier.since)
        for identity, tracked in self._tracked.items():
            since = self._earlier.pop(print_of(identity), tracked.since)
            self._tracked[identity] = replace(tracked, since=min(since, tracked.since))
        ours, self._ended = self._ended, list(earlier.ended)
        for ended in ours:
            mark = print_of(ended.identity) if ended.identity is not None else ""
            self._ended.append(replace(ended, since=self._earlier.pop(mark, ended.since)))
        for identity, seen in self._seen.items():
            if seen.standing not in (Standing.FOUND, Standing.UNREADABLE):
                self._end(identity, NO_LONGER_DIFFERS, now)
        del self._ended[:-ENDED_LIMIT]

    def keep(self, there: Collection[ObjectIdentity], now: datetime) -> None:
        """Forget objects that are not there."""
        for identity in [i for i in self._seen if i not in there]:
            self.drop(identity, now)
        marks = {print_of(identity) for identity in there}
        self._earlier = {mark: since for mark, since in self._earlier.items() if mark in marks}

    def note(self, identity: ObjectIdentity, seen: Seen, now: datetime) -> None:
        """Take what a look told."""
        self._seen[identity] = seen
        if seen.standing is Standing.UNREADABLE:
            return
        if seen.finding is None:
            self._end(identity, IGNORED if seen.standing is Standing.UNHEARD else NO_LONGER_DIFFERS, now)
            return
        known = self._tracked.get(identity)
        since = known.since if known is not None else self._earlier.pop(print_of(identity), _whole(now))
        self._tracked[identity] = Tracked(finding=seen.finding, since=since)

    def corrected(self, identity: ObjectIdentity, now: datetime) -> None:
        """Note that a write of ours put the resource right."""
        self._seen[identity] = _NOTHING
        self._end(identity, CORRECTED, now)

    def drop(self, identity: ObjectIdentity, now: datetime) -> None:
        """Forget an object that is gone."""
        self._end(identity, OBJECT_GONE, now)
        self._seen.pop(identity, None)

    def _end(self, identity: ObjectIdentity, how: str, now: datetime) -> None:
        tracked, name = self._tracked.pop(identity, None), object_name(identity)
        earlier = self._earlier.pop(print_of(identity), None)
        if tracked is not None and tracked.finding.is_drift:
            what, since = describe(tracked.finding), tracked.since
        elif earlier is not None and name in self._earlier_what:
            what, since = self._earlier_what[name], earlier
        else:
            return
        ended = Ended(object=name, what=what, how=how, since=since, until=_whole(now), identity=identity)
        self._ended = [*self._ended, ended][-ENDED_LIMIT:]

    def tracked(self) -> Mapping[ObjectIdentity, Tracked]:
        """Return what is the matter now."""
        return self._tracked

    def earlier(self) -> Mapping[str, datetime]:
        """Return what an earlier process found in objects that were not looked at since, by their prints."""
        return self._earlier

    def ended(self) -> tuple[Ended, ...]:
        """Return what ended lately, oldest first."""
        return tuple(self._ended)

    def seen(self) -> Iterator[Seen]:
        """Return what the last look at each object told."""
        return iter(self._seen.values())

    def read(self) -> frozenset[ObjectIdentity]:
        """Return the objects whose resources were looked at, and could be."""
        return frozenset(i for i, seen in self._seen.items() if seen.standing is not Standing.UNREADABLE)

    def knows_nothing(self) -> bool:
        """Whether there is no object left."""
        return not self._seen


def describe(finding: Finding) -> str:
    """Return in few words what is the matter."""
    if finding.state is State.MISSING:
        return "deleted in Azure"
    first = finding.moves[0].place if finding.moves else ""
    more = len(finding.moves) + finding.more - 1
    return f"{first} and {more} more" if more > 0 else first


def describe_ended(how: str) -> str:
    """Return how drift ended, in words."""
    return _ENDS.get(how, how)


_ENDS: Final = {
    CORRECTED: "was put right",
    NO_LONGER_DIFFERS: "no longer differs",
    OBJECT_GONE: "has gone with its object",
    IGNORED: "is ignored from now on",
}


def print_of(identity: ObjectIdentity) -> str:
    """Return a short name of an object."""
    return hashlib.blake2b("/".join(identity[1:]).encode(), digest_size=6).hexdigest()


def object_name(identity: ObjectIdentity) -> str:
    """Return ``Kind/name``."""
    return f"{identity[2]}/{identity[3]}"


def _whole(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(microsecond=0)
