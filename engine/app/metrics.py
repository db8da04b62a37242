"""What counts, and what is read when somebody asks; names and labels are those of a family."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from engine.app.metric_names import LIMIT, Family

OTHER: Final = "other"
Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """One measured value, the plan it came from, and the trace where one was kept."""

    plan_id: str
    value: float
    at: float
    trace_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line.

    Attributes:
        suffix: What follows the family's name.
        bound: Upper bound of a bucket; empty for other lines.
    """

    suffix: str
    labels: Labels
    number: float
    bound: str = ""
    exemplar: Exemplar | None = None


class Metric(Protocol):
    """One family with its numbers."""

    @property
    def family(self) -> Family:
        """Return name, kind and labels."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Yield the numbers as they are now."""
        ...


class Counter:
    """Only grows."""

    def __init__(self, family: Family) -> None:
        """Count nothing yet."""
        self.family = family
        self._counts: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Count one more, or several."""
        key = _bounded(self._counts, labels)
        self._counts[key] = self._counts.get(key, 0) + by

    def samples(self) -> Iterator[Sample]:
        """Yield a line for each combination of labels."""
        for labels, number in sorted(self._counts.items()):
            yield Sample(suffix="_total", labels=labels, number=number)


@dataclass(slots=True)
class _Times:
    counts: list[int]
    total: float = 0.0
    exemplars: dict[int, Exemplar] = field(default_factory=dict)


class Histogram:
    """Counts measured values by size."""

    def __init__(self, family: Family) -> None:
        """Count nothing yet."""
        self.family = family
        self._times: dict[Labels, _Times] = {}

    def observe(self, value: float, *labels: str, exemplar: Exemplar | None = None) -> None:
        """Count a value; the last exemplar of each bucket is kept."""
        key = _bounded(self._times, labels)
        times = self._times.setdefault(key, _Times([0] * (len(self.family.buckets) + 1)))
        place = bisect.bisect_left(self.family.buckets, value)
        times.counts[place] += 1
        times.total += value
        if exemplar is not None:
            times.exemplars[place] = exemplar

    def samples(self) -> Iterator[Sample]:
        """Yield, for each combination of labels, the buckets, the sum and the count."""
        bounds = (*map(str, self.family.buckets), "+Inf")
        for labels, times in sorted(self._times.items()):
            so_far = 0
            for place, (bound, count) in enumerate(zip(bounds, times.counts, strict=True)):
                so_far += count
                exemplar = times.exemplars.get(place)
                yield Sample(suffix="_bucket", labels=labels, number=so_far, bound=bound, exemplar=exemplar)
            yield Sample(suffix="_sum", labels=labels, number=times.total)
            yield Sample(suffix="_count", labels=labels, number=so_far)


@dataclass(frozen=True, slots=True)
class Gauge:
    """Is read when somebody asks."""

    family: Family
    read: Callable[[], Iterable[tuple[Labels, float]]]

    def samples(self) -> Iterator[Sample]:
        """Yield what it is now; once there are too many, the sum of the others as ``other``."""
        found = list(self.read())
        for labels, number in found[:LIMIT]:
            yield Sample(suffix="", labels=labels, number=number)
        if others := found[LIMIT:]:
            yield Sample(suffix="", labels=_others(others[0][0]), number=sum(number for _, number in others))


def single(family: Family, read: Callable[[], float]) -> Gauge:
    """Return a gauge without labels."""
    return Gauge(family, lambda: [((), read())])


def _bounded(known: dict[Labels, float] | dict[Labels, _Times], labels: Labels) -> Labels:
    """Return the labels, or ``other`` for each once there are too many."""
    return labels if labels in known or len(known) < LIMIT else _others(labels)


def _others(labels: Labels) -> Labels:
    return (OTHER,) * len(labels)
