"""Which renderer prints what; where files are written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from engine.errors import InvalidSpecError
from engine.model.plan import Plan, Step
from engine.model.result import ApplyResult
from engine.reporting import comparison, events, markdown, text, text_explain, text_results, wire, wire_results
from engine.reporting.comparison import Comparison
from engine.reporting.style import TextOptions
from engine.runtime.executor import Progress

_What = TypeVar("_What")
_Forms = Mapping[str, Callable[[_What, TextOptions], str]]

_PLAN: Final[_Forms[Plan]] = {
    "text": text.render_plan,
    "json": lambda plan, _: wire.encode_plan(plan).decode(),
    "ndjson": lambda plan, _: b"".join(events.plan_lines(plan)).decode(),
    "markdown": lambda plan, style: markdown.render_plan(plan, now=style.now),
}
_DRIFT: Final[_Forms[Plan]] = {
    "text": text_results.render_drift,
    "json": lambda plan, _: wire_results.encode_drift(plan).decode(),
    "ndjson": lambda plan, _: b"".join(events.drift_lines(plan)).decode(),
    "markdown": lambda plan, style: markdown.render_drift(plan, now=style.now),
}
_RESULT: Final[_Forms[ApplyResult]] = {
    "text": text_results.render_result,
    "json": lambda result, _: wire_results.encode_result(result).decode(),
    "ndjson": lambda result, _: events.result_line(result).decode(),
    "markdown": lambda result, _: markdown.render_result(result),
}
_COMPARISON: Final[_Forms[Comparison]] = {
    "text": comparison.render_comparison,
    "json": lambda compared, _: comparison.encode_comparison(compared).decode(),
    "ndjson": lambda compared, _: b"".join(comparison.comparison_lines(compared)).decode(),
}


def render_plan_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the plan in the form that ``-o`` names."""
    return _PLAN[form](plan, style)


def render_drift_as(form: str, plan: Plan, style: TextOptions) -> str:
    """Return the drift in a plan in the form that ``-o`` names."""
    return _DRIFT[form](plan, style)


def render_result_as(form: str, result: ApplyResult, style: TextOptions) -> str:
    """Return how an apply ended in the form that ``-o`` names."""
    return _RESULT[form](result, style)


def render_comparison_as(form: str, compared: Comparison, style: TextOptions) -> str:
    """Return how two states of the same resources differ."""
    return _COMPARISON[form](compared, style)


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
