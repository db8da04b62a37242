"""Secrets that were never sent."""

from __future__ import annotations

from typing import Any

from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.compare.unsent import has_unsent, mark_unsent
from engine.model.document import Secret
from engine.model.path import FieldPath
from engine.model.state import Baseline
from tests.builders import build_actual, build_desired

KEY = b"k" * 32
HELD = {"location": "westeurope", "properties": {}}


def body(password: str, *keys: str) -> dict[str, Any]:
    listed = [{"name": str(n), "key": Secret(key)} for n, key in enumerate(keys)]
    return {"location": "westeurope", "properties": {"password": Secret(password), "keys": listed}}


def remember(asked: dict[str, Any]) -> Baseline:
    return make_baseline(build_desired(body=asked), build_actual(HELD), secret_key=KEY)


def never(_path: FieldPath) -> bool:
    return False


def test_a_secret_that_was_not_sent_is_unknown_until_it_is_another_one() -> None:
    """The same value is no change and not compared; another value is the user's change."""
    baseline = mark_unsent(remember(body("one")), None, never)

    same = compare(build_desired(body=body("one")), build_actual(HELD), baseline, secret_key=KEY)
    other = compare(build_desired(body=body("two")), build_actual(HELD), baseline, secret_key=KEY)

    assert "/properties/password" not in {c.path.pointer for c in same.changes}
    assert "/properties/password" in {c.path.pointer for c in other.changes}
    assert has_unsent(body("one"), HELD, baseline)


def test_what_an_earlier_write_sent_stays_known() -> None:
    """Each secret counts for itself; one of another value at the same place was never sent."""
    sent = remember(body("one", "a"))

    kept = mark_unsent(remember(body("one", "a")), sent, never)
    other = mark_unsent(remember(body("two", "a")), sent, never)
    again = mark_unsent(remember(body("two", "a")), other, never)

    assert not has_unsent(body("one", "a"), HELD, kept)
    assert has_unsent(body("two", "a"), HELD, other)
    assert again.desired == other.desired


def test_what_this_write_sent_is_known() -> None:
    """Places are asked for up to the first list."""
    asked: list[str] = []

    def is_sent(path: FieldPath) -> bool:
        asked.append(path.pointer)
        return path.pointer == "/properties/keys"

    baseline = mark_unsent(remember(body("one", "a", "b")), None, is_sent)

    assert asked == ["/properties/password", "/properties/keys", "/properties/keys"]
    assert has_unsent(body("one"), HELD, baseline)
    assert not has_unsent({"properties": {"keys": [{"key": Secret("a")}]}}, HELD, baseline)


def test_a_secret_that_azure_shows_is_compared() -> None:
    """Nothing has to be remembered of what can be read; a body without secrets has nothing to compare."""
    assert not has_unsent(body("one"), {"properties": {"password": "one"}}, None)
    assert has_unsent(body("one"), HELD, None)
    assert not has_unsent(HELD, HELD, None)
