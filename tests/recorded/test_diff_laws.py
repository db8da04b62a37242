"""The laws of comparison on every recorded pair and update."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ChangeOrigin
from tests.apply_diff import apply_changes

pytestmark = pytest.mark.shared


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording."""
    with lzma.open(path, "rb") as file:
        yield from map(json.loads, file)


def asked_and_held(shared: Path) -> Iterator[tuple[Subject, dict[str, Any], dict[str, Any]]]:
    """Yield every two bodies between which a write may be due: settled pairs, and updates before and after."""
    for pair in read(shared / "corpus" / "pairs.jsonl.xz"):
        subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"])
        yield subject, pair["desired"], pair["actual"]
    for update in read(shared / "corpus" / "updates.jsonl.xz"):
        for step in update["steps"]:
            subject = Subject(arm_type=update["type"], api_version=step["to_api"], id=update["id"])
            yield subject, step["desired_after"], step["actual_before"]
            yield subject, step["desired_before"], step["actual_after"]


def test_applying_a_recorded_diff_leads_to_what_was_desired(shared: Path) -> None:
    """Once the changes of a pair or an update were made, nothing differs on the members that are managed."""
    for subject, desired, actual in asked_and_held(shared):
        after = apply_changes(compare_bodies(desired, actual, subject), actual, desired)

        assert compare_bodies(desired, after, subject).changes == (), subject


def test_no_recorded_body_differs_from_itself_or_its_memory(shared: Path) -> None:
    """Nothing differs between a body and itself, nor between any two that are remembered just so."""
    for subject, desired, actual in asked_and_held(shared):
        memory = RememberedBodies(desired, actual)

        assert compare_bodies(desired, desired, subject).changes == (), subject
        assert compare_bodies(actual, actual, subject).changes == (), subject
        assert compare_bodies(desired, actual, subject, remembered=memory).changes == (), subject


def test_recorded_updates_are_the_users(shared: Path) -> None:
    """Where the manifest alone moved, every change is the user's."""
    for update in read(shared / "corpus" / "updates.jsonl.xz"):
        for step in update["steps"]:
            subject = Subject(arm_type=update["type"], api_version=step["to_api"], id=update["id"])
            memory = RememberedBodies(step["desired_before"], step["actual_before"])

            diff = compare_bodies(step["desired_after"], step["actual_before"], subject, remembered=memory)

            assert {c.origin for c in diff.changes} <= {ChangeOrigin.USER}, subject
