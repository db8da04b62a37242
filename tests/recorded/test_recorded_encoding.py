"""Baselines as short texts, on recorded traffic: what fits, and what is told when hardly anything does."""

from __future__ import annotations

import collections
import copy
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.decoding import decode_baseline
from engine.compare.encoding import DEFAULT_LIMIT, encode_baseline
from engine.compare.subject import Subject, remembered_of
from engine.model.change import ChangeOrigin, FieldChange
from engine.model.document import Document
from engine.model.ids import ApiVersion, ArmId
from engine.model.state import Baseline

pytestmark = pytest.mark.shared

SMALL = 2_000


def test_recorded_baselines_fit_and_tell(shared: Path, record_property: Callable[[str, object], None]) -> None:
    """All fit into an annotation whole; squeezed to 2,000 characters, what stayed is no change and moves are told."""
    figures: collections.Counter[str] = collections.Counter()
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rb") as file:
        for pair in map(json.loads, file):
            baseline = Baseline(
                id=ArmId(pair["id"]),
                api_version=ApiVersion(pair["api"]),
                desired=Document(value=pair["desired"]),
                actual=Document(value=pair["actual"]),
            )
            whole = encode_baseline(baseline)
            assert decode_baseline(whole.text) == baseline
            assert len(whole.text) <= DEFAULT_LIMIT
            small = encode_baseline(baseline, SMALL)
            assert len(small.text) <= SMALL
            figures["pairs"] += 1
            figures["whole in 64 KiB"] += not whole.lost
            figures["largest"] = max(figures["largest"], len(whole.text))
            figures[f"with losses in {SMALL}"] += bool(small.lost)
            squeezed = decode_baseline(small.text)
            assert compare(pair, pair["actual"], squeezed) == (), pair["type"]
            moved = move(pair)
            if small.lost and moved is not None:
                wanted = [c.path for c in compare(pair, moved, baseline) if c.origin is ChangeOrigin.DRIFT]
                found = [c.path for c in compare(pair, moved, squeezed) if c.origin is ChangeOrigin.DRIFT]
                assert set(wanted) <= set(found), pair["type"]
                figures["moves told with losses"] += bool(wanted)
                figures["of them nothing else told"] += wanted == found

    for name, count in figures.items():
        record_property(name, count)
    sys.stdout.write(f"{dict(figures)}\n")
    assert figures["whole in 64 KiB"] == figures["pairs"]
    assert figures["moves told with losses"] > 0


def move(pair: dict[str, Any]) -> Any:
    """Return Azure's body with another text where it holds one as it was asked for; None where it holds none."""
    actual = copy.deepcopy(pair["actual"])
    asked, held = pair["desired"].get("properties") or {}, actual.get("properties") or {}
    name = next((n for n, v in sorted(asked.items()) if isinstance(v, str) and held.get(n) == v), None)
    if name is None:
        return None
    held[name] += "x"
    return actual


def compare(pair: dict[str, Any], actual: Any, baseline: Baseline) -> tuple[FieldChange, ...]:
    """Return the changes of a pair."""
    subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"])
    return compare_bodies(pair["desired"], actual, subject, remembered=remembered_of(baseline)).changes
