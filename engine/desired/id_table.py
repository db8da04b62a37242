"""Which object stands for which Azure resource: a table that is copied for little and then differs in a few rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import Generic, Self, TypeVar

from engine.desired.identity import NO_SUBSCRIPTION, Identity, ObjectIdentity
from engine.model.ids import ArmId

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value", bound=Hashable)


class SharedSets(Generic[_Key, _Value]):
    """Sets by key; a copy shares those that it does not change."""

    def __init__(self, sets: Mapping[_Key, set[_Value]] | None = None) -> None:
        """Begin with sets that somebody else holds as well; with none unless given."""
        self._sets: dict[_Key, set[_Value]] = dict(sets or {})
        self._own: set[_Key] = set()

    def copy(self) -> SharedSets[_Key, _Value]:
        """Return a copy; from now on neither changes a set that the other has."""
        self._own = set()
        return SharedSets(self._sets)

    def of(self, key: _Key) -> AbstractSet[_Value]:
        """Return the set of a key."""
        return self._sets.get(key, frozenset())

    def add(self, key: _Key, value: _Value) -> None:
        """Put a value into the set of a key."""
        self._own_set(key).add(value)

    def discard(self, key: _Key, value: _Value) -> None:
        """Take a value out of the set of a key."""
        if value in self.of(key):
            self._own_set(key).discard(value)

    def _own_set(self, key: _Key) -> set[_Value]:
        if key not in self._own:
            self._own.add(key)
            self._sets[key] = set(self._sets.get(key, ()))
        return self._sets[key]


class IdTable:
    """Identities by object, objects by id, ids by the id that they lie in."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.identities: dict[ObjectIdentity, Identity] = {}
        self.shared: dict[str, None] = {}
        self.lost: set[ObjectIdentity] = set()
        self._holders: dict[str, tuple[ObjectIdentity, ...]] = {}
        self._below: SharedSets[str, str] = SharedSets()

    def __copy__(self) -> Self:
        """Return a copy; the rows are shared."""
        copied = type(self).__new__(type(self))
        copied.__dict__ = {name: value.copy() for name, value in self.__dict__.items()}
        return copied

    @property
    def id_keys(self) -> tuple[str, ...]:
        """Return the ids of all objects, in the form equal ids share."""
        return tuple(i.id.key for i in self.identities.values() if i.id is not None)

    def put(self, identity: Identity) -> None:
        """Note who an object is now."""
        who, before = identity.resource.key.identity, self.identities.get(identity.resource.key.identity)
        self.identities[who] = identity
        if before is not None and before.id == identity.id and before.waits == identity.waits:
            return
        self._clear(who, before)
        if identity.id is not None:
            self._hold(identity.id.key, (*self._holders.get(identity.id.key, ()), who))
        elif any(wait.text == NO_SUBSCRIPTION for wait in identity.waits):
            self.lost.add(who)

    def drop(self, who: ObjectIdentity) -> None:
        """Forget an object."""
        self._clear(who, self.identities.pop(who, None))

    def holders(self, key: str) -> tuple[Identity, ...]:
        """Return who stands for an id."""
        return tuple(self.identities[who] for who in sorted(self._holders.get(key, ())))

    def below(self, resource: ArmId) -> frozenset[str]:
        """Return the ids of objects that lie right in a resource."""
        return frozenset(self._below.of(resource.key))

    def _clear(self, who: ObjectIdentity, before: Identity | None) -> None:
        self.lost.discard(who)
        if before is not None and before.id is not None:
            key = before.id.key
            self._hold(key, tuple(other for other in self._holders[key] if other != who))

    def _hold(self, key: str, holders: tuple[ObjectIdentity, ...]) -> None:
        if holders:
            self._holders[key] = holders
            self._below.add(_above(key), key)
        else:
            del self._holders[key]
            self._below.discard(_above(key), key)
        if len(holders) > 1:
            self.shared[key] = None
        else:
            self.shared.pop(key, None)


def _above(key: str) -> str:
    """Return the id that a child's id begins with."""
    return key.rsplit("/", 2)[0]
