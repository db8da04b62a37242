"""Which limit an answer speaks of: ARM's own, a resource provider's, or none."""

from __future__ import annotations

import enum
from typing import Final

from providers.arm.answer import Answer
from providers.arm.bucket import RequestKind
from providers.arm.errors import explain

_ARM_CODES: Final = frozenset({"subscriptionrequeststhrottled", "tenantrequeststhrottled"})
_NO_RATE: Final = frozenset(
    {"retryableerror", "retryableerrorduetoanotheroperation", "referencedresourcenotprovisioned"}
)


class Limit(enum.StrEnum):
    """Who refused for rate."""

    NONE = "none"
    ARM = "arm"
    PROVIDER = "provider"


def refused_by(answer: Answer, kind: RequestKind, provider: str) -> Limit:
    """Return whose limit a 429 means.

    1. Network says 429 where a referenced resource is not ready: that is no rate (18 of 19 recorded ones).
    2. ARM's own codes, its mark as the cause, or nothing left in its headers: ARM.
    3. A provider's own count, its mark as the cause, or plenty left in ARM's headers: the provider.
    4. Without any sign it is the provider, where the address names one: ARM always shows its counts.

    Args:
        answer: Any answer.
        kind: What the request counts as.
        provider: Namespace of the resource provider asked; empty for ARM's own resources.
    """
    if answer.status != 429:
        return Limit.NONE
    code, _ = explain(answer.decode())
    if code.lower() in _NO_RATE:
        return Limit.NONE
    cause, left = answer.header("x-ms-failure-cause").lower(), remaining(answer, kind)
    if not provider or code.lower() in _ARM_CODES or cause == "gateway":
        return Limit.ARM
    is_arm = left == 0 and cause != "service" and remaining_of_provider(answer) is None
    return Limit.ARM if is_arm else Limit.PROVIDER


def remaining(answer: Answer, kind: RequestKind) -> int | None:
    """Return the smallest count of what ARM has left; None where the answer has none."""
    left = [
        int(value)
        for name in (f"subscription-{kind}", f"subscription-global-{kind}", f"tenant-{kind}")
        if (value := answer.header(f"x-ms-ratelimit-remaining-{name}")).isdigit()
    ]
    return min(left, default=None)


def remaining_of_provider(answer: Answer) -> int | None:
    """Return the smallest count that a provider tells; None where it tells none.

    Compute sends ``Microsoft.Compute/PutVM3Min;239,Microsoft.Compute/PutVM30Min;1199``.
    """
    counts = [part.rpartition(";")[2].strip() for part in answer.header("x-ms-ratelimit-remaining-resource").split(",")]
    return min((int(count) for count in counts if count.isdigit()), default=None)
