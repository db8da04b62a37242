"""Formats of reports."""

from __future__ import annotations

from engine.app import options, output


def test_options_offer_exactly_what_there_is() -> None:
    """``-o`` of the verbs lists the formats that the table of renderers has, in its order."""
    assert options.REPORTS == output.REPORTS
    assert options.COMPARISONS == output.COMPARISONS
