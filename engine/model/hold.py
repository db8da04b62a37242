"""What Azure itself holds back: locks and deny assignments, as read."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from engine.model.ids import ArmId


class HoldKind(enum.StrEnum):
    """What can be asked for; the words are the names of the guards."""

    LOCK = "lock"
    DENIAL = "deny-assignment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A management lock.

    Attributes:
        scope: What it was set on; it holds for everything below too.
        is_read_only: It forbids every write, not only deletes.
    """

    id: str
    scope: ArmId
    is_read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A deny assignment.

    Attributes:
        scope: Where it holds; ``/`` is everywhere.
        actions: What it denies, as patterns with ``*``.
        not_actions: What of that it does not deny.
        names_everyone: It denies this to everybody but those who are excluded.
        principals: Whom it names, for people.
        excluded: Whom it does not hold for, for people.
        children: It holds for what lies below too.
        conditional: It has a condition, which is not worked out here.
    """

    id: str
    name: str
    scope: ArmId
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    names_everyone: bool = False
    principals: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    children: bool = True
    conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A scope of which locks or deny assignments could not be read, and why."""

    kind: HoldKind
    scope: ArmId
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Everything that was read of one or more scopes."""

    locks: tuple[Lock, ...] = field(default=())
    denials: tuple[Denial, ...] = field(default=())
    unread: tuple[Unread, ...] = field(default=())

    def __add__(self, other: Holds) -> Holds:
        """Return both."""
        return Holds(
            locks=self.locks + other.locks,
            denials=self.denials + other.denials,
            unread=self.unread + other.unread,
        )
