"""What a plan spends, in public JSON and back."""

from __future__ import annotations

from typing import Any

from engine.model.plan import Budget, Expectation, Spending
from engine.reporting.wire_reader import Reader
from engine.reporting.wire_values import decode_object, object_json


def budget_json(budget: Budget) -> dict[str, Any]:
    """Return the counts; ``spending`` and ``expectation`` only where something is sent."""
    encoded: dict[str, Any] = {"writes": budget.writes, "deletes": budget.deletes, "floorSeconds": budget.floor_s}
    if budget.spending:
        encoded["spending"] = [
            {"kind": s.kind, "requests": s.requests, "atOnce": s.at_once, "perSecond": s.per_s} for s in budget.spending
        ]
    if budget.expectation is not None:
        encoded["expectation"] = _expectation_json(budget.expectation)
    return encoded


def _expectation_json(expectation: Expectation) -> dict[str, Any]:
    return {
        "seconds": expectation.expected_s,
        "slowSeconds": expectation.slow_s,
        "longestPath": [object_json(k) for k in expectation.path],
        "recordings": expectation.recordings,
        "assumed": expectation.assumed,
    }


def decode_budget(where: Reader) -> Budget:
    """Read it back; files of earlier releases lack the later keys."""
    return Budget(
        writes=where.integer("writes", 0),
        deletes=where.integer("deletes", 0),
        floor_s=where.number("floorSeconds", 0.0),
        spending=tuple(
            Spending(
                kind=s.string("kind"),
                requests=s.integer("requests"),
                at_once=s.integer("atOnce"),
                per_s=s.number("perSecond"),
            )
            for s in where.items("spending")
        ),
        expectation=_decode_expectation(where.child("expectation")) if where.has("expectation") else None,
    )


def _decode_expectation(where: Reader) -> Expectation:
    return Expectation(
        expected_s=where.number("seconds"),
        slow_s=where.number("slowSeconds"),
        path=tuple(decode_object(o) for o in where.items("longestPath")),
        recordings=where.integer("recordings", 0),
        assumed=where.integer("assumed", 0),
    )
