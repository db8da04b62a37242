"""Numbers of the pod as OpenMetrics text: ASO's names for requests to Azure, and a few of our own."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.model.ids import ArmId

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; those that ASO's histograms have."""


@dataclass(slots=True)
class _Times:
    """How long requests of one kind took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(_BUCKETS, seconds)] += 1
        self.total_s += seconds


class AzureRequests:
    """Counts requests to Azure as ASO does."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._answered: dict[tuple[str, str, str], int] = {}
        self._failed: dict[tuple[str, str], int] = {}
        self._times: dict[tuple[str, str], _Times] = {}

    def note(self, method: str, url: str, status: int, seconds: float) -> None:
        """Count a request; ``status`` is 0 where there was no answer."""
        kind = _type_of(url)
        if status:
            key = (kind, method, str(status))
            self._answered[key] = self._answered.get(key, 0) + 1
        else:
            self._failed[kind, method] = self._failed.get((kind, method), 0) + 1
        self._times.setdefault((kind, method), _Times()).add(seconds)

    def lines(self) -> Iterator[str]:
        """Yield what was counted."""
        yield "# TYPE azure_successful_requests counter"
        yield "# HELP azure_successful_requests Requests to Azure that were answered, errors included."
        for (kind, method, code), count in sorted(self._answered.items()):
            labels = _labels(resource=kind, requestType=method, responseCode=code)
            yield f"azure_successful_requests_total{labels} {count}"
        yield "# TYPE azure_failed_requests counter"
        yield "# HELP azure_failed_requests Requests to Azure that were not answered."
        for (kind, method), count in sorted(self._failed.items()):
            yield f"azure_failed_requests_total{_labels(resource=kind, requestType=method)} {count}"
        yield "# TYPE azure_requests_time_seconds histogram"
        yield "# HELP azure_requests_time_seconds How long requests to Azure took."
        for (kind, method), times in sorted(self._times.items()):
            yield from _histogram(times, resource=kind, requestType=method)


def _histogram(times: _Times, **labels: str) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*map(str, _BUCKETS), "+Inf"), times.counts, strict=True):
        so_far += count
        yield f"azure_requests_time_seconds_bucket{_labels(**labels, le=bound)} {so_far}"
    yield f"azure_requests_time_seconds_sum{_labels(**labels)} {times.total_s:.6f}"
    yield f"azure_requests_time_seconds_count{_labels(**labels)} {so_far}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number that is read when somebody asks, by the value of its one label; empty for none."""

    name: str
    help: str
    label: str
    read: Callable[[], Iterable[tuple[str, float]]]

    def lines(self) -> Iterator[str]:
        """Yield what it is now."""
        yield f"# TYPE {self.name} gauge"
        yield f"# HELP {self.name} {self.help}"
        for value, number in self.read():
            yield f"{self.name}{_labels(**{self.label: value}) if self.label else ''} {number:g}"


def render(requests: AzureRequests, gauges: Iterable[Gauge]) -> str:
    """Return everything as OpenMetrics text."""
    lines = [*requests.lines(), *(line for gauge in gauges for line in gauge.lines()), "# EOF", ""]
    return "\n".join(lines)


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _type_of(url: str) -> str:
    """Return the resource type that a URL is about, lists and actions as what they are listed or called on."""
    path = url.partition("?")[0].partition("://")[2].partition("/")[2] if "://" in url else url.partition("?")[0]
    return ArmId("/" + path.strip("/")).resource_type
