"""How long writes of a type really took, read off recordings (``schemas/build/durations.py`` says how)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from schemas.store import DATA

_AS = {"PUT": "PUT", "PATCH": "PUT", "POST": "PUT", "DELETE": "DELETE"}
"""No PATCH and no POST of the kind that is planned was recorded: a PATCH takes what a PUT takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typical:
    """One write of one type, from the request to the answer that showed its end.

    Attributes:
        recordings: Writes that were measured; 0: none of this type, the values are those between all types.
        median_s: Half of them were done by then.
        slow_s: Nine of ten were done by then.
        polls: Polls that half of them needed at most.
    """

    recordings: int
    median_s: float
    slow_s: float
    polls: int


def lookup_duration(arm_type: str, method: str) -> Typical:
    """Return how long a write of the type takes; what no recording shows is taken for the middle of all types."""
    verb = _AS.get(method, "PUT")
    rows = _types().get(arm_type.lower(), {})
    return rows.get(verb) or _default()[verb]


_Row = Mapping[str, tuple[int, float, float, int]]


@cache
def _types() -> Mapping[str, Mapping[str, Typical]]:
    types: Mapping[str, _Row] = _read()["types"]
    return {name.lower(): _decode(row) for name, row in types.items()}


@cache
def _default() -> Mapping[str, Typical]:
    return _decode(_read()["default"])


def _decode(row: _Row) -> dict[str, Typical]:
    return {
        verb: Typical(recordings=recordings, median_s=median, slow_s=slow, polls=polls)
        for verb, (recordings, median, slow, polls) in row.items()
    }


@cache
def _read() -> Mapping[str, Any]:  # Any: the two members have different shapes
    content: Mapping[str, Any] = orjson.loads((DATA / "durations.json").read_bytes())
    return content
