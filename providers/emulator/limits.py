"""ARM's request limits: a token bucket per subscription, principal and kind of request.

Numbers: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.emulator.answer import RefusedError

_KINDS: Mapping[str, tuple[str, int, int]] = {
    "GET": ("reads", 250, 25),
    "HEAD": ("reads", 250, 25),
    "PUT": ("writes", 200, 10),
    "PATCH": ("writes", 200, 10),
    "POST": ("writes", 200, 10),
    "DELETE": ("deletes", 200, 10),
}
_GLOBAL_FACTOR = 15
"""The figures of a whole subscription are 15 times those of one principal."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limits:
    """All buckets. With scale 0 nothing is refused and the headers show full buckets."""

    def __init__(self, scale: float) -> None:
        """Set the factor on size and refill of every bucket."""
        self._scale = scale
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def take(self, method: str, subscription: str, principal: str, now: float) -> dict[str, str]:
        """Take a token and return the headers that tell what is left.

        Raises:
            RefusedError: 429 with Retry-After; the bucket is empty.
        """
        kind, size, refill = _KINDS.get(method, _KINDS["GET"])
        if not self._scale:
            return _headers(kind, size - 1)
        most, rate = size * self._scale, refill * self._scale
        bucket = self._buckets.setdefault((subscription, principal, kind), _Bucket(most, now))
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < 1:
            wait = max(1, round((1 - bucket.tokens) / rate + 0.5))
            raise _throttled(kind, subscription, wait)
        bucket.tokens -= 1
        return _headers(kind, int(bucket.tokens))


def _headers(kind: str, left: int) -> dict[str, str]:
    return {
        f"x-ms-ratelimit-remaining-subscription-{kind}": str(left),
        f"x-ms-ratelimit-remaining-subscription-global-{kind}": str(left * _GLOBAL_FACTOR),
    }


def _throttled(kind: str, subscription: str, wait: int) -> RefusedError:
    return RefusedError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{subscription}' actor exceeded. Please try again after "
        f"'{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
        headers={"Retry-After": str(wait), "x-ms-failure-cause": "gateway"} | _headers(kind, 0),
    )
