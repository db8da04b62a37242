"""Which renderer prints what; where files are written."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from engine.app.page_parts import load_page_parts
from engine.errors import InvalidSpecError
from engine.model.plan import Plan, Step
from engine.model.result import ApplyResult
from engine.reporting import (
    comparison,
    events,
    html,
    junit,
    markdown,
    page,
    sarif,
    text,
    text_explain,
    text_results,
    wire,
    wire_results,
)
from engine.reporting.comparison import Comparison
from engine.reporting.style import TextOptions
from engine.runtime.executor import Progress

_What = TypeVar("_What", contravariant=True)
_Render = Callable[[_What, TextOptions], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """What prints each kind of report; None where a format has no use for it."""

    plan: _Render[Plan]
    drift: _Render[Plan]
    result: _Render[ApplyResult]
    comparison: _Render[Comparison] | None


_FORMATS: Final[Mapping[str, _Format]] = {
    "text": _Format(
        plan=text.render_plan,
        drift=text_results.render_drift,
        result=text_results.render_result,
        comparison=comparison.render_comparison,
    ),
    "json": _Format(
        plan=lambda plan, _: wire.encode_plan(plan).decode(),
        drift=lambda plan, _: wire_results.encode_drift(plan).decode(),
        result=lambda result, _: wire_results.encode_result(result).decode(),
        comparison=lambda compared, _: comparison.encode_comparison(compared).decode(),
    ),
    "ndjson": _Format(
        plan=lambda plan, _: b"".join(events.plan_lines(plan)).decode(),
        drift=lambda plan, _: b"".join(events.drift_lines(plan)).decode(),
        result=lambda result, _: events.result_line(result).decode(),
        comparison=lambda compared, _: b"".join(comparison.comparison_lines(compared)).decode(),
    ),
    "markdown": _Format(
        plan=lambda plan, style: markdown.render_plan(plan, now=style.now),
        drift=lambda plan, style: markdown.render_drift(plan, now=style.now),
        result=lambda result, _: markdown.render_result(result),
        comparison=lambda compared, _: markdown.render_comparison(compared),
    ),
    "html": _Format(
        plan=lambda plan, style: html.render_page(page.plan_page(plan, style), load_page_parts()),
        drift=lambda plan, style: html.render_page(page.drift_page(plan, style), load_page_parts()),
        result=lambda result, style: html.render_page(page.result_page(result, style), load_page_parts()),
        comparison=lambda compared, style: html.render_page(page.comparison_page(compared, style), load_page_parts()),
    ),
    "junit": _Format(
        plan=junit.render_plan,
        drift=junit.render_drift,
        result=junit.render_result,
        comparison=junit.render_comparison,
    ),
    "sarif": _Format(plan=sarif.render_plan, drift=sarif.render_drift, result=sarif.render_result, comparison=None),
}
REPORTS: Final = tuple(_FORMATS)
COMPARISONS: Final = tuple(name for name, form in _FORMATS.items() if form.comparison is not None)
"""What ``engine.app.options`` offers; there it is written out, as these modules are not imported for ``--help``."""


def render_plan_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the plan in the form that ``-o`` names."""
    return _FORMATS[form].plan(plan, style)


def render_drift_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the drift in a plan in the form that ``-o`` names."""
    return _FORMATS[form].drift(plan, style)


def render_result_as(form: str, result: ApplyResult, style: TextOptions) -> str:
    """Return how an apply ended in the form that ``-o`` names."""
    return _FORMATS[form].result(result, style)


def render_comparison_as(form: str, compared: Comparison, style: TextOptions) -> str:
    """Return how two states of the same resources differ."""
    render = _FORMATS[form].comparison
    assert render is not None  # -o offers only what there is
    return render(compared, style)


def print_report(args: argparse.Namespace, style: TextOptions, render: Callable[[str, TextOptions], str]) -> None:
    """Print a report in the format of ``-o``, and write it to the files of ``--report``.

    A file is read apart from what is on the terminal: it has no colour, and every problem.

    Raises:
        InvalidSpecError: A file cannot be written; the report is printed then.
    """
    sys.stdout.write(render(args.output, style))
    sys.stdout.flush()
    plain = replace(style, colour=False, told=frozenset())
    for form, file in args.report:
        write_atomically(Path(file), render(form, plain).encode("utf-8", "backslashreplace"), is_private=False)


def render_explanation_as(form: str, step: Step, path: str, style: TextOptions) -> str:
    """Return why each difference of one resource counts or does not."""
    if form == "json":
        return wire_results.encode_explanation(step, path).decode()
    return text_explain.render_explanation(step, path, style)


_NAMED = 4


class ProgressPrinter:
    """Prints news of an apply: lines for people on standard error, NDJSON events on standard output."""

    def __init__(self, form: str, style: TextOptions) -> None:
        """Choose where news goes."""
        self._form = form
        self._style = style
        self._under_way: dict[str, None] = {}
        if form == "ndjson":
            sys.stdout.write(events.version_line().decode())

    def report(self, news: Progress) -> None:
        """Print one line, at once."""
        name = f"{news.step.action} {news.step.key}"
        if news.result is None:
            self._under_way[name] = None
        else:
            self._under_way.pop(name, None)
        if self._form == "ndjson":
            sys.stdout.write(
                events.progress_line(news.step, news.result, done=news.finished, total=news.total).decode()
            )
            sys.stdout.flush()
            return
        out = sys.stdout if self._form == "text" else sys.stderr
        if news.result is not None:
            line = text_results.render_progress(news.result, done=news.finished, total=news.total, options=self._style)
            out.write(line + "\n")
            out.flush()

    @property
    def under_way(self) -> list[str]:
        """Return the steps that have begun and not ended."""
        return list(self._under_way)

    def waiting(self) -> str:
        """Say what has begun and not ended; empty when nothing has."""
        names = list(self._under_way)
        if not names:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"waiting for: {', '.join(names[:_NAMED])}{more} ..."


def write_atomically(path: Path, content: bytes, *, is_private: bool = True) -> None:
    """Write a file as a whole or not at all; a private one is readable by its owner alone.

    Raises:
        InvalidSpecError: The place cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.touch(mode=0o600 if is_private else 0o666)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise InvalidSpecError(f"{path} cannot be written", detail=str(exc)) from exc
