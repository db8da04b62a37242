"""Which renderer prints what; where files are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.errors import InvalidSpecError
from engine.model.plan import Plan, Step
from engine.model.result import ApplyResult
from engine.reporting import comparison, events, markdown, text, text_explain, text_results, wire, wire_results
from engine.reporting.comparison import Comparison
from engine.reporting.style import TextOptions
from engine.runtime.executor import Progress


def render_plan_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the plan in the form that ``-o`` names."""
    if form == "json":
        return wire.encode_plan(plan).decode()
    if form == "ndjson":
        return "".join(line.decode() for line in events.plan_lines(plan))
    if form == "markdown":
        return markdown.render_plan(plan, now=style.now)
    return text.render_plan(plan, style)


def render_drift_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the drift in a plan in the form that ``-o`` names."""
    if form == "json":
        return wire_results.encode_drift(plan).decode()
    if form == "ndjson":
        return "".join(line.decode() for line in events.drift_lines(plan))
    if form == "markdown":
        return markdown.render_drift(plan, now=style.now)
    return text_results.render_drift(plan, style)


def render_result_as(form: str, result: ApplyResult, style: TextOptions) -> str:
    """Return how an apply ended in the form that ``-o`` names."""
    if form == "json":
        return wire_results.encode_result(result).decode()
    if form == "ndjson":
        return events.result_line(result).decode()
    if form == "markdown":
        return markdown.render_result(result)
    return text_results.render_result(result, style)


def render_explanation_as(form: str, step: Step, path: str, style: TextOptions) -> str:
    """Return why each difference of one resource counts or does not."""
    if form == "json":
        return wire_results.encode_explanation(step, path).decode()
    return text_explain.render_explanation(step, path, style)


_NAMED = 4


def render_comparison_as(form: str, compared: Comparison, style: TextOptions) -> str:
    """Return how two states of the same resources differ."""
    if form == "json":
        return comparison.encode_comparison(compared).decode()
    if form == "ndjson":
        return "".join(line.decode() for line in comparison.comparison_lines(compared))
    return comparison.render_comparison(compared, style)


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

    def waiting(self) -> str:
        """Say what has begun and not ended; empty when nothing has."""
        names = list(self._under_way)
        if not names:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"waiting for: {', '.join(names[:_NAMED])}{more} ..."


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, readable by its owner alone.

    Raises:
        InvalidSpecError: The place cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise InvalidSpecError(f"{path} cannot be written", detail=str(exc)) from exc
