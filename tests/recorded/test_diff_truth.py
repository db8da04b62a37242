"""Comparison on recorded Azure traffic: the figures that are asked for, and the laws on every body there is."""

from __future__ import annotations

import json
import lzma
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import Subject
from engine.model.path import FieldPath
from tests.conftest import ROOT

pytestmark = pytest.mark.shared

FIRST_AT_LEAST = 99.0


def pairs(shared: Path) -> Iterator[dict[str, Any]]:
    """Yield bodies sent and read back."""
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rb") as file:
        yield from map(json.loads, file)


def test_every_question_has_its_figure(shared: Path) -> None:
    """The command passes every question of the acceptance check, and more first reads are clean than it asks for."""
    trueup = f"{sys.executable} -m engine"
    check = [sys.executable, str(shared / "checks" / "diff.py"), "--trueup", trueup, "--misses", "0"]

    done = subprocess.run(check, capture_output=True, text=True, cwd=ROOT, check=False)

    first = re.search(r"^first .* ([\d.]+) %  wanted", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert first is not None
    assert float(first.group(1)) >= FIRST_AT_LEAST


def test_no_recorded_body_differs_from_itself(shared: Path) -> None:
    """Each recorded body compared with itself has no changes."""
    for pair in pairs(shared):
        subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"])
        for body in (pair["desired"], pair["actual"]):
            assert compare_bodies(body, body, subject).changes == (), subject


def plain(desired: Any, actual: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where a plain comparison of what was asked for differs."""
    if isinstance(desired, dict) and isinstance(actual, dict):
        for key in desired:
            if key in actual:
                yield from plain(desired[key], actual[key], (*at, key))
            else:
                yield (*at, key)
    elif isinstance(desired, list) and isinstance(actual, list) and len(desired) == len(actual):
        for i, (x, y) in enumerate(zip(desired, actual, strict=True)):
            yield from plain(x, y, (*at, str(i)))
    elif type(desired) is not type(actual) or desired != actual:
        yield at


def test_every_plain_difference_has_a_change_or_a_receipt(shared: Path) -> None:
    """No difference, identity and number form included, goes without a change or a receipt at, above or below it."""
    for pair in pairs(shared):
        diff = compare_bodies(pair["desired"], pair["actual"], Subject(arm_type=pair["type"], api_version=pair["api"]))
        said = [FieldPath.parse_pointer(p.path.pointer).segments for p in (*diff.changes, *diff.suppressed)]
        places = list(plain(pair["desired"], pair["actual"]))

        silent = [at for at in places if not any(s[: len(at)] == at or at[: len(s)] == s for s in said)]
        assert not silent, (pair["type"], silent)
