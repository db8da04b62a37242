"""How much of what there is was read and compared, by subscription, and since when; what differed in form only."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Iterable, Sequence
from typing import Final

from engine.app import metric_names as names
from engine.app.metrics import Gauge, Labels, Metric
from engine.model.ids import ArmId
from engine.model.plan import Action, Step

_NOWHERE: Final = "unknown"


class Coverage:
    """Keeps a time for each subscription, and a number for each rule."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._whole_since: dict[str, float] = {}
        self._suppressed: Count[str] = Count()

    def looked(self, steps: Sequence[Step], now: float) -> None:
        """Note a full pass: subscriptions of which nothing was unreadable are whole as of now."""
        tried: dict[str, bool] = {}
        suppressed: Count[str] = Count()
        for step in steps:
            if step.id is not None:
                where = subscription_of(step.id)
                tried[where] = tried.get(where, True) and step.action is not Action.UNREADABLE
            if step.diff.suppressed:
                suppressed.update([s.rule for s in step.diff.suppressed])
        before = self._whole_since
        self._whole_since = {s: now if is_whole else before.get(s, now) for s, is_whole in tried.items()}
        self._suppressed = suppressed

    def metrics(self) -> Sequence[Metric]:
        """Return what full passes saw."""
        return (
            Gauge(names.SNAPSHOT, lambda: [((s,), at) for s, at in sorted(self._whole_since.items())]),
            Gauge(names.SUPPRESSED, lambda: [((rule,), n) for rule, n in sorted(self._suppressed.items())]),
        )


def subscription_of(where: ArmId | None) -> str:
    """Return the subscription in small letters, as Azure takes any."""
    return (where.subscription.lower() if where is not None else "") or _NOWHERE


def shares(objects: Iterable[tuple[str, bool]]) -> list[tuple[Labels, float]]:
    """Return, by subscription, the share of objects that were compared."""
    known, compared = Count[str](), Count[str]()
    for where, is_compared in objects:
        known[where] += 1
        compared[where] += is_compared
    return [((where,), compared[where] / number) for where, number in sorted(known.items())]
