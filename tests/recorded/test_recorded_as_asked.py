"""A memory of what was asked for alone, on recorded traffic: where Azure took a write as it was, it tells as much."""

from __future__ import annotations

import collections
import json
import lzma
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.compare.as_asked import is_as_asked
from engine.compare.compare import compare
from engine.model.change import FieldChange, ResourceDiff
from engine.model.document import Document
from engine.model.ids import ApiVersion, ArmId
from engine.model.state import ActualState, Baseline, DesiredState, Presence
from engine.runtime.as_asked import compare_with, shorten
from tests.builders import build_key

pytestmark = pytest.mark.shared

KEY = b"k" * 32


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording."""
    with lzma.open(path, "rb") as file:
        yield from map(json.loads, file)


def asked(pair: dict[str, Any], body: Any) -> DesiredState:
    """Return what an object asks for."""
    identity, api = ArmId(pair["id"]), ApiVersion(pair.get("api") or pair["to_api"])
    return DesiredState(key=build_key(), id=identity, arm_type=pair["type"], api_version=api, body=body)


def held(pair: dict[str, Any], body: Any) -> ActualState:
    """Return what Azure holds."""
    return ActualState(id=ArmId(pair["id"]), presence=Presence.PRESENT, document=Document(value=body))


def look(desired: DesiredState, actual: ActualState, memory: Baseline | None = None) -> ResourceDiff:
    """Compare."""
    return compare(desired, actual, memory, secret_key=KEY)


def told(changes: Iterable[FieldChange]) -> list[tuple[str, str, str]]:
    """Return where, how and by whom."""
    return [(c.path.pointer, c.kind.value, c.origin.value) for c in changes]


def full_of(pair: dict[str, Any], desired: Any, actual: Any) -> Baseline:
    """Return the whole memory of a write."""
    return Baseline(
        id=ArmId(pair["id"]),
        api_version=asked(pair, desired).api_version,
        desired=Document(value=desired),
        actual=Document(value=actual),
    )


def looks(pair: dict[str, Any], full: Baseline, desired: Any, actual: Any) -> tuple[ResourceDiff, ResourceDiff]:
    """Return what a whole memory tells, and what is told by what was asked for alone."""
    state, now = asked(pair, desired), held(pair, actual)
    short = shorten(full)
    assert short is not None
    _, told_short = compare_with(short, state, now, secret_key=KEY, compare=look)
    return look(state, now, full), told_short


def test_what_moved_in_azure_is_found_as_with_a_full_baseline(shared: Path, check: ModuleType) -> None:
    """Wherever a write was taken as it was, each later change in Azure is told at the same place, as drift."""
    counts: collections.Counter[str] = collections.Counter()
    differing: list[Any] = []
    for pair in read(shared / "corpus" / "pairs.jsonl.xz"):
        counts["pairs"] += 1
        if not is_as_asked(asked(pair, pair["desired"]), held(pair, pair["actual"])):
            continue
        counts["as asked"] += 1
        full = full_of(pair, pair["desired"], pair["actual"])
        for name, _, after in check.mutations(pair):
            counts["changes"] += 1
            wanted, got = looks(pair, full, pair["desired"], after)
            if told(wanted.changes) != told(got.changes):
                differing.append((pair["type"], pair["api"], name, told(wanted.changes), told(got.changes)))

    assert counts["as asked"] > 0.65 * counts["pairs"]
    assert counts["changes"] > 5900
    sys.stdout.write(f"{dict(counts)}\n")
    assert not differing, (len(differing), differing[:8])


def test_recorded_edits_are_told_as_with_a_full_baseline(shared: Path) -> None:
    """Wherever a write was taken as it was, a later edit of the manifest is the user's, its removals too."""
    counts: collections.Counter[str] = collections.Counter()
    differing: list[Any] = []
    for update in read(shared / "corpus" / "updates.jsonl.xz"):
        for step in update["steps"]:
            pair = {"id": update["id"], "type": update["type"], "api": step["to_api"]}
            before, actual = step["desired_before"], step["actual_before"]
            if not is_as_asked(asked(pair, before), held(pair, actual)):
                continue
            counts["edits"] += 1
            wanted, got = looks(pair, full_of(pair, before, actual), step["desired_after"], actual)
            if told(wanted.changes) != told(got.changes):
                differing.append((pair["type"], pair["api"], told(wanted.changes), told(got.changes)))

    assert counts["edits"] >= 80
    sys.stdout.write(f"{dict(counts)}\n")
    assert not differing, (len(differing), differing[:8])
