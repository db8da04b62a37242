"""What carrying out a plan costs, in words: requests against ARM's limits, and time with what says so."""

from __future__ import annotations

import math
from datetime import timedelta

from engine.model.ids import ResourceKey
from engine.model.plan import Budget, Expectation, Spending
from engine.reporting.phrases import duration_text, plural
from engine.reporting.values import printable

_SHOWN = 4
"""Of a longer path the first and the last objects are named."""


def spending_lines(budget: Budget) -> list[str]:
    """Return a line on requests and a line on time; none where nothing is sent."""
    used = [s for s in budget.spending if s.requests]
    lines = [f"Requests: {', '.join(_spending_text(s) for s in used)}."] if used else []
    if budget.expectation is not None:
        lines.append(f"Duration: {_expectation_text(budget.expectation)}.")
    return lines


def _spending_text(spending: Spending) -> str:
    count = plural(spending.requests, spending.kind.removesuffix("s"))
    about = "about " if spending.kind == "reads" else ""
    return f"{about}{count} (Azure takes {spending.at_once:,} at once, then {spending.per_s:g}/s)"


def _expectation_text(expectation: Expectation) -> str:
    slow, expected = about_text(expectation.slow_s), about_text(expectation.expected_s)
    slower = f", {slow} when Azure is slow" if slow != expected else ""
    basis = "; ".join(_basis(expectation))
    return f"about {expected}{slower} ({basis})"


def _basis(expectation: Expectation) -> list[str]:
    """Return what the figure rests on; nothing that no recording shows is said to be recorded."""
    recorded = f"typical operation times from {plural(expectation.recordings, 'recording')}"
    of = f"{expectation.assumed:,} of {plural(len(expectation.path), 'object')}"
    assumed = f"{of} on it taken for the middle of all types, as none of its type was recorded"
    return [
        *([recorded] if expectation.recordings else []),
        f"longest path: {_path_text(expectation.path)}",
        *([assumed] if expectation.assumed else []),
    ]


def _path_text(path: tuple[ResourceKey, ...]) -> str:
    names = [printable(f"{k.kind}/{k.name}") for k in path]
    if len(names) > _SHOWN:
        half = _SHOWN // 2
        names = [*names[:half], f"{len(names) - _SHOWN:,} more", *names[-half:]]
    return " -> ".join(names)


def about_text(seconds: float) -> str:
    """Return a rounded duration: ``5 s``, ``40 s``, ``6 min``, ``1 h 20 min``; never less than a second."""
    if seconds < 10:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 90:
        return f"{math.ceil(seconds / 10) * 10} s"
    if seconds < 3_600:
        return f"{round(seconds / 60)} min"
    return duration_text(timedelta(minutes=round(seconds / 600) * 10))
