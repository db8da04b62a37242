"""Formats of reports."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from engine.app import options, output
from engine.reporting.style import TextOptions
from tests.report_cases import guarded


def test_options_offer_exactly_what_there_is() -> None:
    """``-o`` of the verbs lists the formats that the table of renderers has, in its order."""
    assert options.REPORTS == output.REPORTS
    assert options.COMPARISONS == output.COMPARISONS


def test_file_has_no_colour_and_every_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed may have colour and leaves out problems that were told; a file of ``--report`` stands alone."""
    plan, file = guarded(), tmp_path / "plan.txt"
    style = TextOptions(colour=True, told=frozenset(plan.problems))
    args = argparse.Namespace(output="text", report=[("text", str(file))])

    output.print_report(args, style, lambda form, how: output.render_plan_as(form, plan, how))
    printed = capsys.readouterr().out

    assert "\x1b[" in printed
    assert plan.problems[0] not in printed
    assert file.read_text() == output.render_plan_as("text", plan, TextOptions())
    assert plan.problems[0] in file.read_text()
