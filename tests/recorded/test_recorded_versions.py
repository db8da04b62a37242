"""A baseline of an older api-version on recorded traffic: nobody moved what only the newer version has."""

from __future__ import annotations

import collections
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.reach import narrow, reach
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ChangeOrigin, FieldChange
from schemas.arm import lookup, versions

pytestmark = pytest.mark.shared


def test_upgraded_objects_have_no_false_origin(shared: Path, record_property: Callable[[str, object], None]) -> None:
    """Bodies remembered at the oldest version, as far as it has them, and read at today's: nobody moved.

    What both versions have is clean; what only today's has is what a first read says. A text that Azure changes where
    both versions have it is drift.
    """
    figures: collections.Counter[str] = collections.Counter()
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rb") as file:
        for pair in map(json.loads, file):
            old = next((v for v in versions(pair["type"]) if v < pair["api"]), None)
            found = lookup(pair["type"], old) if old is not None else None
            if found is None:
                continue
            figures["pairs"] += 1
            desired, actual = pair["desired"], pair["actual"]
            memory = RememberedBodies(narrow(desired, found.body), narrow(actual, found.body), old or "")
            figures["pairs with members that only the new version has"] += memory.desired != desired
            changes = compare(pair, actual, memory)
            assert {c.origin for c in changes} <= {ChangeOrigin.UNKNOWN}, (pair["type"], changes)
            assert all(reach(found.body, c.path.segments) is None for c in changes), (pair["type"], changes)
            figures["clean"] += not changes

            for name in ("location", "kind"):
                is_told = reach(found.body, (name,)) is not None and isinstance(desired.get(name), str)
                if is_told and actual.get(name) == desired[name]:
                    moved = compare(pair, {**actual, name: actual[name] + "x"}, memory)
                    origins = [c.origin for c in moved if c.path.pointer == f"/{name}"]
                    assert origins == [ChangeOrigin.DRIFT], (pair["type"], name)
                    figures["moves told"] += 1

    for name, count in figures.items():
        record_property(name, count)
    sys.stdout.write(f"{dict(figures)}\n")
    assert figures["pairs with members that only the new version has"] > 50
    assert figures["clean"] >= 0.99 * figures["pairs"]


def compare(pair: dict[str, Any], actual: Any, memory: RememberedBodies) -> tuple[FieldChange, ...]:
    """Return the changes of a pair."""
    subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"])
    return compare_bodies(pair["desired"], actual, subject, remembered=memory).changes
