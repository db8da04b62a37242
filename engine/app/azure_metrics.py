"""Requests to Azure, counted as ASO counts them and in our own words."""

from __future__ import annotations

from collections.abc import Sequence

from engine.app import metric_names as names
from engine.app.metrics import Counter, Histogram, Metric
from engine.model.ids import ArmId

_TOO_MANY = 429


class AzureRequests:
    """Is told of every request."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._answered, self._failed = Counter(names.ASO_ANSWERED), Counter(names.ASO_FAILED)
        self._times = Histogram(names.ASO_TIMES)
        self._requests, self._throttled = Counter(names.REQUESTS), Counter(names.THROTTLED)
        self._durations = Histogram(names.REQUEST_TIMES)

    def note(self, method: str, url: str, status: int, seconds: float) -> None:
        """Count a request; ``status`` is 0 where there was no answer."""
        kind = _type_of(url)
        provider = kind.partition("/")[0]
        if status:
            self._answered.add(kind, method, str(status))
        else:
            self._failed.add(kind, method)
        self._times.observe(seconds, kind, method)
        self._requests.add(method, str(status or "none"), provider)
        self._durations.observe(seconds, method, provider)
        if status == _TOO_MANY:
            self._throttled.add(provider)

    def metrics(self) -> Sequence[Metric]:
        """Return what was counted."""
        return self._answered, self._failed, self._times, self._requests, self._durations, self._throttled


def _type_of(url: str) -> str:
    """Return the resource type that a URL is about, lists and actions as what they are listed or called on."""
    path = url.partition("?")[0].partition("://")[2].partition("/")[2] if "://" in url else url.partition("?")[0]
    return ArmId("/" + path.strip("/")).resource_type
