"""Whole reports in every format, compared byte by byte with the files beside this test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.app.page_parts import load_page_parts
from engine.model.plan import Plan
from engine.reporting import events, html, junit, markdown, page, sarif, text_results, wire, wire_results
from engine.reporting.style import TextOptions
from engine.reporting.text import render_plan
from engine.reporting.text_explain import render_explanation
from tests.golden_files import check_golden
from tests.report_cases import PLANS, applied, compared, drifted

COLOUR = TextOptions(colour=True)
VERBOSE = TextOptions(verbose=True, width=160)
READ = TextOptions(now=datetime(2026, 3, 1, 12, 30, tzinfo=UTC))

SHELL = replace(load_page_parts(), style="", script="")
"""The page without style and script; one golden file holds it whole."""
HOLES = ("title", "line", "made", "notes", "states", "data")
PARTS = replace(SHELL, template="".join(f"-- {name}\n{{{{{name}}}}}\n" for name in HOLES))
"""What differs from page to page."""

FORMATS: dict[str, Callable[[Plan], str | bytes]] = {
    "plan.txt": render_plan,
    "plan-colour.txt": lambda plan: render_plan(plan, COLOUR),
    "plan-verbose.txt": lambda plan: render_plan(plan, VERBOSE),
    "plan.json": wire.encode_plan,
    "plan.ndjson": lambda plan: b"".join(events.plan_lines(plan)),
    "plan.md": markdown.render_plan,
    "plan.page.txt": lambda plan: html.render_page(page.plan_page(plan, TextOptions()), PARTS),
    "drift.page.txt": lambda plan: html.render_page(page.drift_page(plan, TextOptions()), PARTS),
    "plan.junit.xml": junit.render_plan,
    "plan.sarif": sarif.render_plan,
    "drift.junit.xml": junit.render_drift,
    "drift.sarif": sarif.render_drift,
    "drift.txt": text_results.render_drift,
    "drift.json": wire_results.encode_drift,
    "drift.ndjson": lambda plan: b"".join(events.drift_lines(plan)),
    "drift.md": markdown.render_drift,
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", PLANS)
def test_plan_and_drift(case: str, form: str) -> None:
    """A plan is printed in each format exactly as its golden file says."""
    check_golden(f"reports/{case}/{form}", FORMATS[form](PLANS[case]()))


def progress() -> str:
    """Return the lines of an apply as a person sees them."""
    results = applied().results
    lines = [text_results.render_progress(r, done=n, total=len(results)) for n, r in enumerate(results, 1)]
    return "\n".join(lines) + "\n"


def event_lines() -> bytes:
    """Return the same apply as events."""
    result = applied()
    total = len(result.results)
    step = result.results[0].step
    lines = [events.version_line(), events.progress_line(step, None, done=0, total=total)]
    lines += [events.progress_line(r.step, r, done=n, total=total) for n, r in enumerate(result.results, 1)]
    return b"".join([*lines, events.result_line(result)])


RESULTS: dict[str, Callable[[], str | bytes]] = {
    "progress.txt": progress,
    "progress.ndjson": event_lines,
    "result.txt": lambda: text_results.render_result(applied()),
    "result.json": lambda: wire_results.encode_result(applied()),
    "result.md": lambda: markdown.render_result(applied()),
    "result.page.txt": lambda: html.render_page(page.result_page(applied(), TextOptions()), PARTS),
    "result.junit.xml": lambda: junit.render_result(applied()),
    "result.sarif": lambda: sarif.render_result(applied()),
}


@pytest.mark.parametrize("form", RESULTS)
def test_apply(form: str) -> None:
    """An apply is printed in each format exactly as its golden file says."""
    check_golden(f"reports/applied/{form}", RESULTS[form]())


COMPARED: dict[str, Callable[[], str | bytes]] = {
    "diff.md": lambda: markdown.render_comparison(compared()),
    "diff.html": lambda: html.render_page(page.comparison_page(compared(), READ), SHELL),
    "diff.junit.xml": lambda: junit.render_comparison(compared()),
}


@pytest.mark.parametrize("form", COMPARED)
def test_comparison(form: str) -> None:
    """Two states are compared in each format exactly as the golden file says."""
    check_golden(f"reports/compared/{form}", COMPARED[form]())


def test_explanation() -> None:
    """One resource is explained exactly as its golden files say."""
    step = drifted().steps[0]

    check_golden("reports/explained/explain.txt", render_explanation(step))
    check_golden("reports/explained/explain.json", wire_results.encode_explanation(step))
