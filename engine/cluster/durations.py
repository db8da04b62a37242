"""Durations as Go writes them: ``1h30m``, ``15s``, ``250ms``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from engine.errors import InvalidSpecError

_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_go_duration(text: str) -> timedelta:
    """Return what a text means.

    Raises:
        InvalidSpecError: It means nothing, as ``5``, ``1d`` and ``1h 30m`` do.
    """
    unsigned = text.removeprefix("-").removeprefix("+")
    sign = -1 if text.startswith("-") else 1
    if unsigned == "0":
        return timedelta(0)
    if not unsigned or _PART.sub("", unsigned):
        raise InvalidSpecError(f"{text!r} is not a duration", hint="for example 1h, 15m or 1h30m")
    try:
        return timedelta(seconds=sign * sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(unsigned)))
    except OverflowError as exc:
        raise InvalidSpecError(f"{text!r} is too long a duration") from exc
