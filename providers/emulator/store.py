"""Everything the emulator holds: resources, running operations, small notes. In memory, with a journal behind it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sys import intern
from typing import Any

import orjson

from providers.emulator.address import parse_address
from providers.emulator.journal import Entry, Journal

_COMPACT_FACTOR = 3
_COMPACT_AT_LEAST = 10_000

_RECORD, _GONE, _NOTE, _NO_NOTE = b"R", b"D", b"N", b"X"


@dataclass(slots=True)
class Record:
    """One resource.

    Attributes:
        id: As Azure spells it in the body.
        key: ``id`` in lower case, from the address it was written to.
        type: Canonical ARM type.
        api: The api-version of the last write.
        created: When it came to be, as Azure writes times.
        body: What GET answers, encoded.
        parent: Key of what it lies in.
    """

    id: str
    key: str
    type: str
    api: str
    parent: str
    etag: str
    created: str
    body: bytes

    @property
    def value(self) -> dict[str, Any]:
        """Parse the body; a fresh copy each time."""
        value: dict[str, Any] = orjson.loads(self.body)
        return value


class Collection:
    """Records of one type in one scope, in the order of their keys."""

    __slots__ = ("_sorted", "records")

    def __init__(self) -> None:
        """Start empty."""
        self.records: dict[str, Record] = {}
        self._sorted: list[str] | None = None

    def add(self, record: Record) -> None:
        """Add or replace."""
        if record.key not in self.records:
            self._sorted = None
        self.records[record.key] = record

    def remove(self, key: str) -> None:
        """Remove what is there."""
        del self.records[key]
        self._sorted = None

    def page(self, after: str, size: int) -> tuple[list[Record], bool]:
        """Return up to ``size`` records behind a key, and whether more follow."""
        keys = self._keys()
        start = bisect.bisect_right(keys, after) if after else 0
        wanted = keys[start : start + size]
        return [self.records[k] for k in wanted], start + size < len(keys)

    def __iter__(self) -> Iterator[Record]:
        """Yield in order; the collection may be changed meanwhile."""
        return iter([self.records[k] for k in self._keys()])

    def _keys(self) -> list[str]:
        if self._sorted is None:
            self._sorted = sorted(self.records)
        return self._sorted


class Store:
    """Resources by id, by list and by parent. Changes reach the journal with :meth:`flush`."""

    def __init__(self, journal: Journal) -> None:
        """Load what the journal holds."""
        self._journal = journal
        self._records: dict[str, Record] = {}
        self._collections: dict[tuple[str, str], Collection] = {}
        self._types_under: dict[str, set[str]] = {}
        self._notes: dict[str, Any] = {}
        self._pending: list[Entry] = []
        for entry in journal.read():
            self._load(entry)
        if journal.lines > _COMPACT_AT_LEAST:
            self._compact_if_worth()

    def __len__(self) -> int:
        """Return how many resources there are."""
        return len(self._records)

    def get(self, key: str) -> Record | None:
        """Return a resource by its id in lower case."""
        return self._records.get(key)

    def put(self, record: Record) -> None:
        """Add or replace a resource."""
        self._insert(record)
        self._pending.append(_record_entry(record))

    def remove(self, key: str) -> None:
        """Remove a resource; its children must be gone already."""
        self._drop(key)
        self._pending.append((_GONE, key.encode()))

    def collection(self, scope_key: str, arm_type: str) -> Collection:
        """Return the list of a type at a subscription, in a group or under a parent; empty when there is none."""
        return self._collections.get((scope_key, arm_type.lower())) or Collection()

    def children(self, key: str) -> Iterator[Record]:
        """Yield what lies directly in a resource, group or subscription, sorted by type and id."""
        for arm_type in sorted(self._types_under.get(key, ())):
            yield from self.collection(key, arm_type)

    def descendants(self, key: str) -> Iterator[Record]:
        """Yield everything below an id, the deepest first."""
        for child in self.children(key):
            yield from self.descendants(child.key)
            yield child

    def referrer(self, key: str, own: str) -> Record | None:
        """Return a resource, not at or below ``own``, whose body holds the id. Linear in everything held."""
        text = key.encode()
        for record in self._records.values():
            if record.key == own or record.key.startswith(own + "/"):
                continue
            body = record.body.lower()
            place = body.find(text)
            if place >= 0 and body[place + len(text) : place + len(text) + 1] in (b'"', b"/"):
                return record
        return None

    def note(self, key: str) -> Any:
        """Return a small remembered value; None when there is none."""
        return self._notes.get(key)

    def notes(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield remembered values by the beginning of their keys."""
        for key in sorted(k for k in self._notes if k.startswith(prefix)):
            yield key, self._notes[key]

    def set_note(self, key: str, value: Any) -> None:
        """Remember a value; None forgets it."""
        if value is None:
            if self._notes.pop(key, None) is not None:
                self._pending.append((_NO_NOTE, key.encode()))
            return
        self._notes[key] = value
        self._pending.append((_NOTE, key.encode(), orjson.dumps(value)))

    def flush(self) -> None:
        """Make everything since the last call durable, as one unit."""
        if self._pending:
            self._journal.append(self._pending)
            self._pending = []
            if self._journal.lines > _COMPACT_AT_LEAST:
                self._compact_if_worth()

    def close(self) -> None:
        """Write what is left and release the journal."""
        self.flush()
        self._journal.close()

    def _compact_if_worth(self) -> None:
        if self._journal.lines > _COMPACT_FACTOR * (len(self._records) + len(self._notes)) + _COMPACT_AT_LEAST:
            self._journal.replace(self._entries())

    def _entries(self) -> Iterator[Entry]:
        for record in self._records.values():
            yield _record_entry(record)
        for key, value in self._notes.items():
            yield _NOTE, key.encode(), orjson.dumps(value)

    def _load(self, entry: Entry) -> None:
        loaders: dict[bytes, Callable[[Entry], None]] = {
            _RECORD: lambda e: self._insert(_read_record(e)),
            _GONE: lambda e: self._drop(e[1].decode()),
            _NOTE: lambda e: self._notes.__setitem__(e[1].decode(), orjson.loads(e[2])),
            _NO_NOTE: lambda e: self._notes.__delitem__(e[1].decode()),
        }
        loaders[entry[0]](entry)

    def _insert(self, record: Record) -> None:
        self._records[record.key] = record
        for scope, arm_type in _memberships(record):
            self._collections.setdefault((scope, arm_type), Collection()).add(record)
        self._types_under.setdefault(record.parent, set()).add(intern(record.type.lower()))

    def _drop(self, key: str) -> None:
        record = self._records.pop(key)
        for place in _memberships(record):
            collection = self._collections[place]
            collection.remove(key)
            if not collection.records:
                del self._collections[place]
                if place[0] == record.parent:
                    self._types_under[record.parent].discard(place[1])


def make_record(resource_id: str, arm_type: str, *, api: str, etag: str, created: str, body: bytes) -> Record:
    """Build a record; key and parent follow from the id."""
    key, parent = resource_id.lower(), _parent_of(resource_id)
    return Record(resource_id, key, intern(arm_type), intern(api), parent, etag, intern(created), body)


_DOWNWARD = "microsoft.authorization/"
"""Role assignments, locks and deny assignments of resources are in the lists of group and subscription too."""


def _parent_of(resource_id: str) -> str:
    return intern(parse_address(resource_id).parent_id.lower())


def _memberships(record: Record) -> list[tuple[str, str]]:
    arm_type = intern(record.type.lower())
    places = [(record.parent, arm_type)]
    segments = record.parent.split("/", 5)
    in_group = len(segments) >= 5 and segments[1] == "subscriptions" and segments[3] == "resourcegroups"
    if in_group and len(segments) == 5:
        places.append((intern("/".join(segments[:3])), arm_type))
    elif in_group and arm_type.startswith(_DOWNWARD):
        places += [(intern("/".join(segments[:n])), arm_type) for n in (3, 5)]
    return places


def _record_entry(record: Record) -> Entry:
    head = orjson.dumps([record.id, record.type, record.api, record.etag, record.created])
    return _RECORD, head, record.body


def _read_record(entry: Entry) -> Record:
    resource_id, arm_type, api, etag, created = orjson.loads(entry[1])
    return make_record(resource_id, arm_type, api=api, etag=etag, created=created, body=entry[2])
