"""The object's own status as a memory, on recorded traffic: no false change where it can tell, and no missed one."""

from __future__ import annotations

import collections
import json
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import Memories, RememberedBodies, Subject, Witness
from engine.desired.status import convert_status
from engine.desired.status_view import StatusView
from engine.model.change import ChangeOrigin, FieldChange
from engine.model.document import Document
from engine.runtime.seen import SeenStatus
from schemas.kind_types import Kind
from schemas.kinds import all_kinds

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def kinds() -> Mapping[tuple[str, str], Kind]:
    """Return one kind for each ARM type and version."""
    return {(kind.arm_type.lower(), kind.api_version.lower()): kind for kind in all_kinds() if kind.is_arm}


def pairs(shared: Path, kinds: Mapping[tuple[str, str], Kind]) -> Iterator[tuple[dict[str, Any], Kind]]:
    """Yield bodies sent and read back, with the kind that stands for them."""
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rb") as file:
        for line in file:
            pair = json.loads(line)
            kind = kinds.get((pair["type"].lower(), pair["api"].lower()))
            if kind is not None:
                yield pair, kind


def compare_seen(pair: Mapping[str, Any], actual: Any, memory: Memories | None) -> tuple[FieldChange, ...]:
    """Return the changes of a pair under a memory."""
    subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"])
    return compare_bodies(pair["desired"], actual, subject, remembered=memory).changes


def memory_of(pair: Mapping[str, Any], kind: Kind) -> Witness:
    """Return the memory that the status right after the write is; stored and read again, as a cluster does."""
    return SeenStatus(kind, Document(json.dumps(convert_status(kind, pair["actual"])).encode()))


def test_first_reads_are_clean_wherever_the_status_can_tell(
    shared: Path, kinds: Mapping[tuple[str, str], Kind], record_property: Callable[[str, object], None]
) -> None:
    """Right after the write nothing differs but what the status type has no member for, and nothing is drift."""
    figures: collections.Counter[str] = collections.Counter()
    for pair, kind in pairs(shared, kinds):
        view = StatusView(kind)
        changes = compare_seen(pair, pair["actual"], memory_of(pair, kind))
        figures["pairs"] += 1
        figures["clean"] += not changes
        for change in changes:
            assert change.origin is ChangeOrigin.UNKNOWN, (pair["type"], change)
            assert not view.shows(change.path.segments), (pair["type"], change)

    for name, count in figures.items():
        record_property(name, count)
    sys.stdout.write(f"{dict(figures)}\n")
    assert figures["pairs"] > 1800
    assert figures["clean"] >= 0.995 * figures["pairs"]


def test_what_moved_since_is_found_as_with_a_full_baseline(
    shared: Path,
    kinds: Mapping[tuple[str, str], Kind],
    check: ModuleType,
    record_property: Callable[[str, object], None],
) -> None:
    """A change in Azure since the status is drift at the very places a full baseline finds, where the status can tell.

    Places the status type lacks stay what a first read says of them.
    """
    total: collections.Counter[str] = collections.Counter()
    found: collections.Counter[str] = collections.Counter()
    differing: list[tuple[str, str, Any]] = []
    for pair, kind in pairs(shared, kinds):
        view, seen = StatusView(kind), memory_of(pair, kind)
        full = RememberedBodies(pair["desired"], pair["actual"])
        for name, at, after in check.mutations(pair):
            if not view.shows(at):
                total[f"{name}, not in the status"] += 1
                continue
            total[name] += 1
            wanted, got = compare_seen(pair, after, full), compare_seen(pair, after, seen)
            is_same = told(wanted) == told(c for c in got if view.shows(c.path.segments))
            found[name] += is_same
            if not is_same:
                differing.append((f"{pair['type']}@{pair['api']}", name, (at, told(wanted), told(got))))

    for name, count in sorted(total.items()):
        record_property(name, f"{found[name]} of {count}")
        sys.stdout.write(f"{name}: {found[name]} of {count}\n")
    assert not differing, differing[:5]


def told(changes: Iterable[FieldChange]) -> list[tuple[str, str, str]]:
    """Return where, how and by whom."""
    return [(c.path.pointer, c.kind.value, c.origin.value) for c in changes]
