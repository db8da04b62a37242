"""The object's own status as a memory: what ASO saw right after its last write, where it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from engine.compare.subject import Witness
from engine.desired.status_view import StatusView, body_of_status
from engine.model.document import Body, Document
from engine.model.ids import ResourceKey
from engine.model.path import Segment
from engine.model.policy import ReconcilePolicy
from engine.model.state import Baseline, CustomResource, StatusTrust
from schemas.kinds import Kind


@runtime_checkable
class StatusKeeper(Protocol):
    """A source that drops the status of objects unless told otherwise."""

    def want_status(self, wanted: Callable[[ResourceKey], bool]) -> None:
        """Keep the status of these objects where it proves something."""


def want_status(source: object, baselines: Iterable[Baseline]) -> None:
    """Ask a source for the status of objects that we have no memory of: it may be one."""
    if isinstance(source, StatusKeeper):
        known = frozenset(b.key.identity for b in baselines if b.key is not None)
        source.want_status(lambda key: key.identity not in known)


class SeenStatus:
    """A ``Witness``; the status is parsed when first asked for."""

    __slots__ = ("_kind", "_status", "_view", "is_settled")

    def __init__(self, kind: Kind, status: Document, *, is_settled: bool = True) -> None:
        """Take a status.

        Args:
            kind: In the version the status is written in.
            status: As stored.
            is_settled: The spec of today was written and led to this status.
        """
        self._kind = kind
        self._status = status
        self._view = StatusView(kind)
        self.is_settled = is_settled

    def held(self) -> Body:
        """Return the part of the ARM body that the status holds."""
        status = self._status.value
        return body_of_status(self._kind, status) if isinstance(status, dict) else {}

    def project(self, body: Body) -> Body:
        """Return what a status would show of a body."""
        return self._view.project(body)

    def shows(self, place: Sequence[Segment]) -> bool:
        """Whether the status type has a member there."""
        return self._view.shows(place)


def seen_by(resource: CustomResource, kind: Kind, reconcile: ReconcilePolicy) -> Witness | None:
    """Return the object's status as a witness; None where it proves nothing.

    Under the policy skip Ready says only that the resource was read, not that it was written.
    """
    if resource.status is None or resource.trust is StatusTrust.NONE or reconcile is ReconcilePolicy.SKIP:
        return None
    return SeenStatus(kind, resource.status, is_settled=resource.trust is StatusTrust.SETTLED)
