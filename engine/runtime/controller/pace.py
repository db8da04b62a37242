"""How soon a write that failed is tried again."""

from __future__ import annotations

from datetime import timedelta

from engine.cluster.condition import Condition, Severity
from engine.errors import Remedy
from engine.model.result import StepResult
from engine.runtime.controller.queue import FAST, SLOW, VERY_SLOW


def pace_of(result: StepResult, said: Condition | None) -> tuple[timedelta, timedelta | None]:
    """Return the longest wait between tries, and the shortest that Azure asks for.

    1. What only a person can mend, and what Azure refuses without saying why: up to an hour.
    2. What waits for something else: up to half a minute, as it may be there any moment.
    3. Everything else: up to three minutes.
    """
    asked = result.retry_after
    if (said is not None and said.severity is Severity.ERROR) or (asked is not None and asked >= VERY_SLOW):
        return VERY_SLOW, None
    return (FAST if result.remedy is Remedy.WAIT else SLOW), asked
