"""Values as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.document import ABSENT, REDACTED, UNKNOWN, Secret
from engine.model.path import FieldPath
from engine.reporting.values import diff_lines, format_value, iterate_leaves, printable, shorten, shorten_pair


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        ("1", '"1"'),
        ({}, "{}"),
        ([], "[]"),
        ({"b": 1, "a": [None, "x"]}, '{"a": [null, "x"], "b": 1}'),
        (ABSENT, "(none)"),
        (UNKNOWN, "(known after apply)"),
        (REDACTED, "(secret)"),
        ({"k": Secret("s")}, '{"k": (secret)}'),
        ('say "\\"', '"say \\"\\\\\\""'),
    ],
    ids=repr,
)
def test_format(value: Any, text: str) -> None:
    """Each kind of value has its own look; text is never taken for a number or for nothing."""
    assert format_value(value) == text


def test_unknown_values_are_asked_for_at_their_place() -> None:
    """What an unknown value waits for is looked up where it stands."""
    formatted = format_value({"a": [UNKNOWN]}, path=FieldPath(("x",)), known_after=lambda p: f"<{p.pointer}>")

    assert formatted == '{"a": [</x/a/0>]}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü →", "plain ü →"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\x9b31m", "\\u009b31m"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
    ids=ascii,
)
def test_printable(text: str, shown: str) -> None:
    """Whatever a terminal could obey is shown as an escape."""
    assert printable(text) == shown


def test_shorten_says_how_long_it_was() -> None:
    """A cut text tells its length; a short one is left alone."""
    assert shorten("x" * 30, 10) == "xxxxxxxxxx… (30 characters)"
    assert shorten("short", 10) == "short"


def test_long_pairs_are_cut_around_their_difference() -> None:
    """Where two long texts part stays in sight."""
    before, after = shorten_pair("a" * 50 + "OLD" + "b" * 50, "a" * 50 + "NEW" + "b" * 50, 24)

    assert "OLD" in before
    assert "NEW" in after
    assert before.startswith("…")


def test_short_pairs_stay_whole() -> None:
    """Two texts that fit are not cut."""
    assert shorten_pair("a", "b", 10) == ("a", "b")


def test_diff_lines_show_gaps_and_the_rest() -> None:
    """Lines far from a difference become one gap, lines beyond the limit are counted."""
    old = "\n".join(str(n) for n in range(20))
    new = old.replace("10", "ten")

    assert diff_lines(old, new, limit=10) == [("@", "…"), (" ", "9"), ("-", "10"), ("+", "ten"), (" ", "11")]
    assert diff_lines(ABSENT, old, limit=3) == [("+", "0"), ("+", "1"), ("@", "… 18 more lines")]


def test_very_long_texts_are_not_paired_line_by_line() -> None:
    """Where two texts of many lines part is shown, and how much is left out; the cost stays linear."""
    old = "\n".join(f"a{n}" for n in range(50_000))
    new = "a0\n" + "\n".join(f"b{n}" for n in range(50_000))

    lines = diff_lines(old, new, limit=4)

    assert lines[:5] == [("@", "…"), ("-", "a1"), ("-", "a2"), ("+", "b0"), ("+", "b1")]
    assert lines[5][1] == "… up to 99,995 more lines"


def test_leaves_are_sorted_and_keep_empty_containers() -> None:
    """Every scalar, empty container and list of scalars is a leaf."""
    leaves = [(p.pointer, v) for p, v in iterate_leaves({"b": [{"x": 1}, 2], "a": {}, "c": [1, 2]})]

    assert leaves == [("/a", {}), ("/b/0/x", 1), ("/b/1", 2), ("/c", [1, 2])]
