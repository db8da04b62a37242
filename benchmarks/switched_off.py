"""Comparison with one rule or one row of the comparison facts switched off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from engine.compare import compare, facts, finding, notes
from schemas import comparison_facts

_NOTE = "engine.compare.notes.Notes.add"
_CACHED = (comparison_facts.facts_for, comparison_facts.secret_places, facts.table_for, vars(compare)["_plain_frame"])


def forget_tables() -> None:
    """Drop every table made of the rows."""
    for function in _CACHED:
        function.cache_clear()


@contextmanager
def without_facts(dropped: set[int]) -> Iterator[None]:
    """Compare as if the rows at these positions of the table were not there."""
    kept = tuple(row for n, row in enumerate(comparison_facts.all_facts()) if n not in dropped)
    forget_tables()
    with patch.object(comparison_facts, "all_facts", lambda: kept):
        yield
    forget_tables()


@contextmanager
def without_rule(name: str) -> Iterator[None]:
    """Compare as if a generic rule excused nothing: what it would excuse is a difference."""
    note = notes.Notes.add
    judge = compare.judge_bodies

    def open_note(walker: Any, at: Any, there: Any, desired: Any, actual: Any, weight: Any, **more: Any) -> None:
        if more.get("rule") == name:
            more["rule"], weight = "", finding.Weight.OPEN
        note(walker, at, there, desired, actual, weight, **more)

    def show(*args: Any, **more: Any) -> list[Any]:
        verdicts = judge(*args, **more)
        return [replace(v, is_hidden=False, rule="") if v.is_hidden and v.rule == name else v for v in verdicts]

    with patch(_NOTE, open_note), patch.object(compare, "judge_bodies", show):
        yield
