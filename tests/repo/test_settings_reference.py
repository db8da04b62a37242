"""The page on settings is made from the chart and held to the code: each name stands there once, with a meaning."""

from __future__ import annotations

import os

from tests.settings_page import ANNOTATIONS, PAGE, VARIABLES, chart_values, names_in_code, render_page


def test_the_page_is_current() -> None:
    """The committed page is what the tables and the chart say today."""
    if os.environ.get("TRUEUP_GOLDEN_ACCEPT"):
        PAGE.write_text(render_page())

    assert PAGE.read_text() == render_page()


def test_every_name_in_the_code_is_on_the_page() -> None:
    """Variables, annotations and labels: what the code speaks of, and nothing else."""
    variables, annotations = names_in_code()

    assert sorted(variables) == sorted(name for table in VARIABLES.values() for name in table)
    assert sorted(annotations) == sorted(name for table in ANNOTATIONS.values() for name in table)


def test_every_value_of_the_chart_has_a_meaning() -> None:
    """A comment above it says what it does."""
    assert [value.name for value in chart_values() if not value.text] == []
