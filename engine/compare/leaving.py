"""Drift that its owner wants left alone, beside an edit that is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from engine.compare.finding import Place
from engine.compare.verdict import Verdict
from engine.model.change import ChangeOrigin
from engine.model.path import ByKey, Segment

RULE: Final = "drift-policy"
"""Name of the rule on receipts: what it is on is drift, but not written."""
_EDITS: Final = (ChangeOrigin.USER, ChangeOrigin.BOTH)


def leave_drift(verdicts: Sequence[Verdict], why: str) -> list[Verdict]:
    """Hide what Azure alone moved where an edit of something else is written; drift alone stays a change.

    Drift above, below or at the place of an edit cannot be told from it in a request: it counts with it.

    Args:
        verdicts: One per difference.
        why: Why drift stays, in words; empty where it is corrected.
    """
    edits = [v.finding.at for v in verdicts if not v.is_hidden and v.origin in _EDITS]
    if not why or not edits:
        return list(verdicts)
    return [_leave(v, why) if _is_left(v, edits) else v for v in verdicts]


def _is_left(verdict: Verdict, edits: Sequence[Place]) -> bool:
    is_drift = not verdict.is_hidden and verdict.origin is ChangeOrigin.DRIFT
    return is_drift and not any(_meet(verdict.finding.at, place) for place in edits)


def _leave(verdict: Verdict, why: str) -> Verdict:
    return replace(verdict, is_hidden=True, rule=RULE, why=f"moved in Azure and left so: {why}")


def _meet(one: Place, other: Place) -> bool:
    return all(_plain(a) == _plain(b) for a, b in zip(one, other, strict=False))


def _plain(segment: Segment) -> Segment:
    return segment.index if isinstance(segment, ByKey) else segment
