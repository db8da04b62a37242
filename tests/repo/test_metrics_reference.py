"""The page on metrics is made from the code, and says all of it."""

from __future__ import annotations

import os

from engine.app.metric_names import ALL
from tests.metrics_page import PAGE, render_page


def test_the_page_is_current() -> None:
    """The committed page is what the families say today."""
    if os.environ.get("TRUEUP_GOLDEN_ACCEPT"):
        PAGE.write_text(render_page())

    assert PAGE.read_text() == render_page()


def test_names_are_prometheus_names() -> None:
    """Each family has a name of its own; durations say their unit, and counters do not say that they are ones."""
    names = [family.name for family in ALL]

    assert len(set(names)) == len(names)
    assert [n for n in names if n.endswith("_total")] == []
    assert all(f.name.endswith("_seconds") for f in ALL if f.buckets)
