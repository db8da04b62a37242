"""The object's own status as a memory: what ASO saw right after its last write, where it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from engine.desired.identity import ObjectIdentity
from engine.desired.status_view import StatusView, body_of_status
from engine.model.change import DiffState
from engine.model.document import Body, Document
from engine.model.ids import ArmId
from engine.model.path import Segment
from engine.model.policy import ReconcilePolicy
from engine.model.state import ActualState, Baseline, CustomResource, Presence, StatusTrust
from schemas.kind_types import Kind


@runtime_checkable
class StatusReader(Protocol):
    """A source that reads the status of objects only when it is asked for."""

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those of the objects whose status proves something, with it; changed objects are left out."""
        ...


async def reread(source: object, resources: Sequence[CustomResource]) -> Mapping[ObjectIdentity, CustomResource]:
    """Ask a source for the status of these objects; empty for sources that gave it at once, or have none."""
    if not resources or not isinstance(source, StatusReader):
        return {}
    return {r.key.identity: r for r in await source.reread(resources)}


class SeenStatus:
    """A ``Witness``; the status is parsed when first asked for."""

    __slots__ = ("_kind", "_resource", "_status", "_view", "is_settled")

    def __init__(self, kind: Kind, status: Document, *, is_settled: bool = True, resource: ArmId | None = None) -> None:
        """Take a status.

        Args:
            kind: In the version the status is written in.
            status: As stored.
            is_settled: The spec of today was written and led to this status.
            resource: What is compared; a status of another one (a file taken elsewhere) says nothing. None: any.
        """
        self._kind = kind
        self._status = status
        self._view = StatusView(kind)
        self._resource = resource
        self.is_settled = is_settled

    @property
    def is_about_it(self) -> bool:
        """Whether the status is of the resource that is compared."""
        status = self._status.value
        if not isinstance(status, dict):
            return False
        written = status.get("id")
        return self._resource is None or not isinstance(written, str) or ArmId(written) == self._resource

    def held(self) -> Body:
        """Return the part of the ARM body that the status holds."""
        return body_of_status(self._kind, self._status.value)

    def project(self, body: Body) -> Body:
        """Return what a status would show of a body."""
        return self._view.project(body)

    def shows(self, place: Sequence[Segment]) -> bool:
        """Whether the status type has a member there."""
        return self._view.shows(place) and self.is_about_it


def seen_by(
    resource: CustomResource, kind: Kind, reconcile: ReconcilePolicy, arm_id: ArmId | None
) -> SeenStatus | None:
    """Return the object's status as a witness; None where it proves nothing.

    Under the policy skip Ready says only that the resource was read, not that it was written.
    """
    if resource.status is None or resource.trust is StatusTrust.NONE or reconcile is ReconcilePolicy.SKIP:
        return None
    return SeenStatus(kind, resource.status, is_settled=resource.trust is StatusTrust.SETTLED, resource=arm_id)


def state_without_body(actual: ActualState | None, baseline: Baseline | None, seen: SeenStatus | None) -> DiffState:
    """Return how a resource stands of which there is no body: not there yet, deleted since, or not to be read."""
    if actual is not None and actual.presence is Presence.UNREADABLE:
        return DiffState.UNREADABLE
    gone = actual is not None and _was_there(baseline, seen)
    return DiffState.DRIFTED if gone else DiffState.CHANGED


def _was_there(baseline: Baseline | None, seen: SeenStatus | None) -> bool:
    """Whether it is remembered that the resource was in Azure."""
    return baseline.is_of_what_stays if baseline is not None else seen is not None and seen.is_about_it
