"""Memories that hold what was asked for alone."""

from __future__ import annotations

from typing import Any

import pytest

from engine.cluster.promises import promise
from engine.compare.as_asked import is_as_asked
from engine.compare.compare import compare
from engine.compare.decoding import decode_baseline
from engine.model.change import ResourceDiff
from engine.model.document import Secret
from engine.model.state import ActualState, DesiredState
from engine.runtime.as_asked import lengthen
from engine.runtime.controller.store import ControllerStore
from tests.builders import build_actual, build_baseline, build_desired, build_id

KEY = b"k" * 32
BODY: dict[str, Any] = {"location": "westeurope", "properties": {"accessTier": "Hot"}, "tags": {"app": "shop"}}
NOTHING: dict[str, Any] = {}


def look(desired: DesiredState, actual: ActualState) -> ResourceDiff:
    return compare(desired, actual, None, secret_key=KEY)


def promised(store: ControllerStore, body: Any = BODY) -> str | None:
    """Return the text for an object that a create was begun for."""
    store.save(build_baseline(body, NOTHING, id=build_id()))
    return store.promise(build_id())


def test_a_promise_is_read_back_as_what_was_asked_for() -> None:
    """It is no mere intent: once it holds, the resource was there."""
    text = promised(ControllerStore(KEY))
    assert text is not None

    found = decode_baseline(f"{text};at=2026-03-01T12:00:00+00:00", secret_key=KEY)

    assert (found.desired.value, found.as_asked, found.is_intent) == (BODY, True, False)
    assert found.is_of_what_stays
    assert found.at is not None
    assert found.at.isoformat() == "2026-03-01T12:00:00+00:00"


def test_azure_then_is_azure_now_but_for_what_is_not_as_asked() -> None:
    """Where Azure holds something else than was asked for it has moved since: there it held what was asked for."""
    short = decode_baseline(str(promised(ControllerStore(KEY))), secret_key=KEY)
    held = {**BODY, "properties": {"accessTier": "Cool", "state": "ok"}, "tags": {"app": "shop", "more": "x"}}

    full = lengthen(short, build_desired(body=BODY), build_actual(held), secret_key=KEY, compare=look)

    assert full.actual.value == {**BODY, "properties": {"accessTier": "Hot", "state": "ok"}}
    diff = compare(build_desired(body=BODY), build_actual(held), full, secret_key=KEY)
    assert {(c.path.text, c.origin.value) for c in diff.changes} == {
        ("properties.accessTier", "drift"),
        ("tags.more", "drift"),
    }


def test_a_memory_in_full_stays_as_it_is() -> None:
    """Only what was shortened is completed."""
    full = build_baseline(BODY, BODY, id=build_id())

    assert lengthen(full, build_desired(body=BODY), build_actual(BODY), secret_key=KEY, compare=look) is full


def test_secrets_are_promised_nothing() -> None:
    """Whether a secret was sent is known only afterwards."""
    body = {**BODY, "properties": {"password": {"$hash": "00"}}}

    assert promised(ControllerStore(KEY), body) is None


def test_what_was_taken_as_asked_is_not_handed_over_again() -> None:
    """The object carries it already; anything else that is known of the write is handed over in full."""
    store = ControllerStore(KEY)
    whole = build_baseline(BODY, {**BODY, "id": "x"}, id=build_id())

    kept, others = [], []
    for as_asked in (True, False):
        promised(store)
        store.save(build_baseline(BODY, {**BODY, "id": "x"}, id=build_id(), as_asked=as_asked))
        (kept if as_asked else others).append(store.hand_over(build_id()))
    promised(store)
    of_nothing = store.hand_over(build_id())

    assert kept == [None]
    assert decode_baseline(str(others[0]), secret_key=KEY).actual == whole.actual
    assert of_nothing == ""


def test_what_azure_sets_or_never_shows_is_not_as_asked() -> None:
    """Another form of a value outside lists is; what counts as no change only while it stays so is not."""
    is_same = is_as_asked(build_desired(body=BODY), build_actual({**BODY, "location": "West Europe"}))
    secret = {**BODY, "properties": {**BODY["properties"], "administratorLoginPassword": Secret("x")}}
    is_unseen = is_as_asked(build_desired(body=secret), build_actual(BODY))
    is_other = is_as_asked(build_desired(body=BODY), build_actual({**BODY, "tags": NOTHING}))

    assert (is_same, is_unseen, is_other) == (True, False, False)


def test_a_promise_that_is_not_kept_is_no_memory() -> None:
    """Read as it stands it is refused, so that nobody takes it for one."""
    text = promise(str(promised(ControllerStore(KEY))), 1)

    with pytest.raises(ValueError, match="damaged"):
        decode_baseline(text, secret_key=KEY)
