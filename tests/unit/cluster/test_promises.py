"""What stands on an object until Ready says that it came true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.cluster import condition
from engine.cluster.notes import NOTHING_NEW, Note, noted
from engine.cluster.promises import is_promise, keep_promises, promise, text_of
from engine.desired.policy import BASELINE, OPERATION

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = '{"url": "https://arm/x?a=b;c"}'
PROMISED = {"other": "x", BASELINE: promise("1.abc", 3), OPERATION: promise(TOKEN, 3)}


def test_ready_makes_the_memory_hold_and_ends_the_operation() -> None:
    """From the generation it was promised for on, and with the time at which it came true."""
    for generation in (3, 4):
        ready = replace(condition.succeeded(generation), since=SINCE)

        assert keep_promises(PROMISED, ready) == {"other": "x", BASELINE: "1.abc;at=2026-03-01T12:00:00+00:00"}


@pytest.mark.parametrize(
    "ready", [None, condition.succeeded(2), condition.reconciling(3), condition.error("Conflict", "no", 4)]
)
def test_nothing_else_keeps_a_promise(ready: condition.Condition | None) -> None:
    """Neither an older generation nor anything but Ready True; the annotations are the very same ones then."""
    said = replace(ready, since=SINCE) if ready is not None else None

    assert keep_promises(PROMISED, said) is PROMISED


def test_texts_without_a_promise_mean_what_they_say() -> None:
    """A memory in full and an operation of an update are not touched by Ready."""
    texts = {BASELINE: "1.abc", OPERATION: TOKEN}

    assert keep_promises(texts, replace(condition.succeeded(3), since=SINCE)) is texts
    assert not is_promise(TOKEN)
    assert not is_promise("1.abc;at=2026-03-01T12:00:00+00:00")
    assert text_of(PROMISED[OPERATION]) == text_of(TOKEN) == TOKEN


def test_a_claim_leaves_promises_alone_that_nothing_is_new_about() -> None:
    """A write for another reason does not end an operation that Ready has not ended yet."""
    assert noted(PROMISED, NOTHING_NEW, 3) == {n: t for n, t in PROMISED.items() if n != "other"}


def test_a_memory_in_full_takes_the_place_of_a_promise() -> None:
    """With it the operation goes: what is remembered in full was read after its end."""
    assert noted(PROMISED, Note(memory="1.full"), 3) == {BASELINE: "1.full"}
    assert noted(PROMISED, Note(memory=""), 3) == {}


def test_another_write_drops_a_promise_that_nobody_kept() -> None:
    """What an update finds there was never proven: it must not come true by the update's Ready."""
    found = noted(PROMISED, Note(sends=True, operation="new"), 4)

    assert found == {"serviceoperator.azure.com/latest-reconciled-generation": "4", OPERATION: "new"}
