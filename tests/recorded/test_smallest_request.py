"""Requests for recorded updates: each leads from what Azure held to what was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.smallest_request import PAGE, Chosen, count_puts, load_updates, render
from engine.compare.compare import compare
from engine.model.document import Document, encode_wire, parse_json
from engine.model.state import ActualState, Presence
from engine.planning.decide import create_only_paths
from providers.emulator.bodies import merge_patch
from providers.emulator.tags import merge_tags
from schemas.operations import lookup_operations

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def chosen(shared: Path) -> tuple[Chosen, ...]:
    """Return every recorded update, planned."""
    return tuple(load_updates(shared))


def carry_out(one: Chosen, actual: Any) -> Any:
    """Return what ARM makes of the request."""
    if one.request is None:
        return actual
    body = parse_json(encode_wire(one.request.body))
    if one.kind == "tags":
        return actual | {"tags": merge_tags(body["operation"], actual.get("tags") or {}, body["properties"]["tags"])}
    return merge_patch(actual, body) if one.kind == "PATCH" else body


def test_every_request_leads_to_what_was_asked_for(chosen: tuple[Chosen, ...]) -> None:
    """A merge patch, an operation on tags, or a PUT, applied to the recorded body, leaves nothing that differs."""
    for one in chosen:
        desired, before = one.finding.desired, one.finding.actual
        assert before is not None
        assert before.document is not None
        assert desired.id is not None
        held = carry_out(one, before.document.value)

        after = ActualState(id=desired.id, presence=Presence.PRESENT, document=Document(value=held))

        assert compare(desired, after, None).changes == (), (desired.id, one.kind)


def test_no_recorded_update_is_taken_for_a_replace(chosen: tuple[Chosen, ...]) -> None:
    """Azure took each of these updates: none of their members is create-only."""
    fixed = {
        (one.finding.desired.arm_type, path)
        for one in chosen
        for path in create_only_paths(one.finding, lookup_operations(one.finding.desired.arm_type))
    }

    assert fixed == set()


def test_most_updates_need_no_put(chosen: tuple[Chosen, ...]) -> None:
    """More than half of the PUTs that were sent become tags, a PATCH or nothing, and never grow."""
    smaller = [one for one in chosen if one.kind != "PUT"]

    assert len(smaller) > len(chosen) / 2
    assert all(one.bytes < one.put_bytes for one in smaller)


def test_the_page_is_current(shared: Path, chosen: tuple[Chosen, ...]) -> None:
    """The page of the docs says what a run says."""
    assert PAGE.read_text(encoding="utf-8") == render(chosen, count_puts(shared))
