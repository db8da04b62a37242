"""Texts that keep to a receiver's limits; what is left out is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def units(text: str) -> int:
    """Return the length as receivers count that hold texts as UTF-16: what is beyond the basic plane counts twice."""
    return len(text) + sum(c > "\uffff" for c in text)


def units_of(value: Any) -> int:
    """Return the length of a value as JSON, in the same units."""
    return units(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many units; one that is cut ends with a sign."""
    if units(text) <= limit:
        return text
    text = text[: limit - 1]
    while units(text) > limit - 1:
        text = text[:-1]
    return text + "…"


def fit(lines: Sequence[str], limit: int) -> list[str]:
    """Return as many lines as fit, and how many there are besides; a line is cut when it takes more than a tenth."""
    shown: list[str] = []
    left = limit
    for number, line in enumerate(lines):
        text = cut(line, limit // 10)
        left -= units_of(text) + 1
        if left < limit // 10:
            return [*shown, f"and {len(lines) - number:,} more lines"]
        shown.append(text)
    return shown
