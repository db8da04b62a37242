"""The reference of the JSON formats names what the formats have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.reporting import comparison, events, wire, wire_results
from engine.reporting.wire_values import encode_path
from tests.report_cases import PLANS, applied, compared, drifted

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "plan-json.md").read_text()
FREE = {
    "body",
    "value",
    "before",
    "after",
    "baseline",
    "headers",
    "actions",
    "methods",
    "outcomes",
    "heldBack",
    "segments",
}


def keys_of(value: Any) -> Iterator[str]:
    """Yield every key of the format itself, not those of values it carries."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys_of(item if key not in FREE else None)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


def documents() -> list[bytes]:
    """Return documents that together have every key."""
    plans = [plan() for plan in PLANS.values()]
    step = drifted().steps[0]
    result = applied()
    return [
        *(wire.encode_plan(p) for p in plans),
        *(wire_results.encode_drift(p) for p in plans),
        *(line for p in plans for line in (*events.plan_lines(p), *events.drift_lines(p))),
        wire_results.encode_result(result),
        wire_results.encode_explanation(step),
        events.progress_line(step, None, done=0, total=1),
        events.progress_line(step, result.results[0], done=1, total=1),
        events.result_line(result),
        comparison.encode_comparison(compared()),
        *comparison.comparison_lines(compared()),
        orjson.dumps(encode_path(step.changes[0].path)),
    ]


def test_every_key_is_in_the_reference() -> None:
    """A key that docs/plan-json.md does not name is not public, so it must not be printed."""
    keys = {key for raw in documents() for key in keys_of(orjson.loads(raw))}

    assert {key for key in keys if f"`{key}`" not in REFERENCE} == set()


@pytest.mark.parametrize("name", ["PLAN", "DRIFT", "RESULT", "EXPLAIN", "EVENTS", "DIFF"])
def test_every_format_is_in_the_reference(name: str) -> None:
    """Each format has its chapter."""
    formats = {**vars(wire), **vars(wire_results), **vars(events), **vars(comparison)}

    assert f"## `{formats[f'{name}_FORMAT']}`" in REFERENCE


def test_every_event_is_in_the_reference() -> None:
    """Each event type has its row."""
    kinds = {orjson.loads(line)["type"] for plan in PLANS.values() for line in events.plan_lines(plan())}
    kinds |= {orjson.loads(line)["type"] for plan in PLANS.values() for line in events.drift_lines(plan())}
    kinds |= {orjson.loads(line)["type"] for line in comparison.comparison_lines(compared())}

    assert {kind for kind in kinds if f"`{kind}`" not in REFERENCE} == set()
