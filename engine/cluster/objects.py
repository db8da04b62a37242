"""One object as a controller sees it: the resource, and what stands on its metadata and status already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.cluster.claim import OwnerReference, holds
from engine.cluster.condition import Condition
from engine.cluster.promises import keep_promises
from engine.desired.identity import ObjectIdentity
from engine.model.ids import Fingerprint
from engine.model.state import CustomResource


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterObject:
    """One custom resource.

    Attributes:
        resource: What is asked of Azure.
        ready: The Ready condition; None while there is none.
        others: Conditions of other types, as they stand on it.
        status_print: Fingerprint of the status without conditions; empty while there is none.
        version: Grows with every change of the object; 0 when it is not known.
        told_by_aso: When ASO last wrote its status, as the cluster wrote it down; empty where it did not.
        is_proven: Ready made true what its annotations promise; what stands on it says so only together with Ready.
    """

    resource: CustomResource
    finalizers: tuple[str, ...] = ()
    owners: tuple[OwnerReference, ...] = ()
    ready: Condition | None = None
    status_print: Fingerprint = Fingerprint("")
    others: tuple[Any, ...] = ()
    version: int = 0
    told_by_aso: str = ""
    is_proven: bool = False

    @property
    def identity(self) -> ObjectIdentity:
        """Return what names the object whatever version speaks of it."""
        return self.resource.key.identity

    @property
    def has_status(self) -> bool:
        """Whether there is a status at all."""
        return self.ready is not None or bool(self.status_print or self.others)

    def is_older_than(self, other: ClusterObject) -> bool:
        """Whether this is an earlier reading of the same object."""
        return self.resource.uid == other.resource.uid and 0 < self.version < other.version

    @property
    def is_claimed(self) -> bool:
        """Whether the finalizer stands on it: it cannot go before we let it."""
        return holds(self.finalizers)

    def with_promises_kept(self) -> ClusterObject:
        """Return the object with its annotations as its Ready condition makes them."""
        texts = keep_promises(self.resource.annotations, self.ready)
        if texts is self.resource.annotations:
            return self
        return replace(self, resource=replace(self.resource, annotations=texts), is_proven=True)
