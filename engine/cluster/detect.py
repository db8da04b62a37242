"""Signs of a live ASO controller: its Lease, and what it leaves on objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from engine.cluster.names import LAST_VERSION, OPERATOR_NAMESPACE
from engine.cluster.objects import ClusterObject

ASO_LEASE: Final = "controllers-leader-election-azinfra-generated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who leads.

    Attributes:
        holder: Empty when nobody does.
        renewed: None when it never was.
        lasts: How long one renewal counts.
    """

    holder: str
    renewed: datetime | None
    lasts: timedelta

    def is_live(self, now: datetime) -> bool:
        """Whether the holder is there."""
        return bool(self.holder) and self.renewed is not None and now - self.renewed <= self.lasts


def operator_namespaces(objects: Iterable[ClusterObject]) -> Mapping[str, int]:
    """Return how many objects each operator has claimed, by its namespace, sorted."""
    claimed = (o.resource.annotations.get(OPERATOR_NAMESPACE, "") for o in objects)
    return dict(sorted(Counter(name for name in claimed if name).items()))


def describe_operators(
    objects: Iterable[ClusterObject], leases: Mapping[str, Lease | None], now: datetime
) -> Iterator[str]:
    """Yield one sentence per operator that has claimed objects.

    Args:
        objects: All of them.
        leases: The Lease in each operator's namespace; None where there is none or it may not be read.
        now: The time.
    """
    held = list(objects)
    for namespace, count in operator_namespaces(held).items():
        ours = [o for o in held if o.resource.annotations.get(OPERATOR_NAMESPACE) == namespace]
        versions = sorted({v for o in ours if (v := o.resource.labels.get(LAST_VERSION))})
        name = f"operator {', '.join(versions)}" if versions else "an operator"
        yield f"{name} in namespace {namespace} has {count} of {len(held)} objects; {_life(leases.get(namespace), now)}"


def _life(lease: Lease | None, now: datetime) -> str:
    if lease is None:
        return f"no Lease {ASO_LEASE} can be read there"
    if lease.is_live(now):
        return f"it is live: {lease.holder} holds the Lease"
    since = f" since {lease.renewed:%Y-%m-%dT%H:%M:%SZ}" if lease.renewed is not None else ""
    return f"it is not live: the Lease was not renewed{since}"
