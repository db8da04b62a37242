"""What the watches of a cluster tell becomes the input of passes, and work to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.app.credentials import CredentialBook
from engine.app.logs import Log
from engine.cluster.names import CREDENTIAL_FROM, PREFIX
from engine.cluster.objects import ClusterObject
from engine.desired import exporters
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import DRIFT_POLICY, IGNORE, OWN_PREFIX, PROTECT, RECONCILE_POLICY
from engine.model.policy import ALLOW_REPLACE
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.exports import Exporter
from engine.runtime.controller.neighbour import Beside
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.referrers import CONFIG_MAP, SECRET, Referrers
from engine.runtime.controller.tenure import Tenure

if TYPE_CHECKING:
    from providers.kube.cluster import News
    from providers.kube.names import Named
    from providers.kube.stream import Trouble
    from providers.kube.watched import Change, Listing

TRIGGERS: Final = (
    RECONCILE_POLICY, CREDENTIAL_FROM, DRIFT_POLICY, IGNORE, PROTECT, ALLOW_REPLACE, "trueup.dev/reconcile-at",
)  # fmt: skip
"""Annotations whose change leads to a pass over the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Takes news, on the event loop."""

    objects: Objects
    queue: WorkQueue
    referrers: Referrers
    corrections: Corrections
    contract: Contract
    operations: Operations
    book: CredentialBook
    log: Log
    exporter: Exporter
    drift: DriftBook
    tenure: Tenure

    def take(self, news: News) -> None:
        """Bring the objects up to date; what changed in more than what we write ourselves is due."""
        from providers.kube.names import Named
        from providers.kube.stream import Trouble
        from providers.kube.watched import Listing

        match news:
            case Trouble():
                self._tell(news)
            case Named():
                self._take_named(news)
            case Listing():
                self._take_list(news)
            case _:
                self._take_change(news)

    def _tell(self, trouble: Trouble) -> None:
        if trouble.error is not None:
            self.log.error(f"{trouble.doing} {trouble.path}: {trouble.error}")
        else:
            self.log.info(f"{trouble.doing} {trouble.path} again")

    def _take_list(self, listing: Listing) -> None:
        there = {found.identity for found in listing.objects}
        kind = (listing.group, listing.kind)
        for identity in [o.identity for o in self.objects.all() if o.identity[1:3] == kind]:
            if identity not in there and listing.namespace in ("", identity[0]):
                self._drop(identity)
        for found in listing.objects:
            self._put(found, is_listed=True)

    def _take_change(self, change: Change) -> None:
        if change.now is None:
            self._drop(change.identity)
        else:
            self._put(change.now)

    def _drop(self, identity: ObjectIdentity) -> None:
        self.objects.drop(identity)
        self.queue.forget(identity)
        self.referrers.drop(identity)
        self.corrections.forget(identity)
        self.contract.forget(identity)
        self.operations.forget(identity)
        self.drift.drop(identity)

    def _put(self, found: ClusterObject, *, is_listed: bool = False) -> None:
        before = self.objects.put(found, is_listed=is_listed)
        if before is None or before.resource is not found.resource:
            self.referrers.put(found.resource)
        if before is not None and found.told_by_aso > before.told_by_aso and isinstance(self.tenure, Beside):
            self.tenure.wrote(found)
        if before is not None and _is_ready(found) and not _is_ready(before):
            self.queue.succeeded(found.identity)
        if _is_due(before, found):
            self._add([found.identity], is_edit=before is not None)

    def _take_named(self, named: Named) -> None:
        from providers.kube.names import NAMESPACES, SECRETS

        if named.path == NAMESPACES:
            self._take_namespace(named)
            return
        kind = SECRET if named.path == SECRETS else CONFIG_MAP
        self._take_target(exporters.SECRET if kind == SECRET else exporters.CONFIG_MAP, named)
        due = self.referrers.of((kind, named.namespace, named.name)) if named.name else self.referrers.all()
        if due and kind == SECRET:
            self.book.expire()
        self._add(due, is_edit=bool(named.name))

    def _take_target(self, kind: str, named: Named) -> None:
        """Tell the exporter: what changed may be one of its own."""
        if named.name:
            self.exporter.touched((kind, named.namespace, named.name), named.version)
        else:
            self.exporter.touched_any(kind)

    def _take_namespace(self, named: Named) -> None:
        texts = named.annotations or {}
        for found in [o for o in self.objects.all() if o.resource.key.namespace == named.name]:
            held = found.resource.namespace_annotations
            if _ours(held) != _ours(texts):
                resource = replace(found.resource, namespace_annotations=texts)
                self.objects.put(replace(found, resource=resource))
                self._add([found.identity], is_edit=True)

    def _add(self, due: Iterable[ObjectIdentity], *, is_edit: bool) -> None:
        for identity in due:
            if is_edit:
                self.corrections.ask(identity)
            self.queue.add(identity)


def _ours(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that mean something to us."""
    return {name: text for name, text in texts.items() if name.startswith((PREFIX, OWN_PREFIX))}


def _is_ready(found: ClusterObject) -> bool:
    return found.ready is not None and found.ready.is_true


def _is_due(before: ClusterObject | None, now: ClusterObject) -> bool:
    """Whether an event means work: a new object, another generation, another annotation of the user's."""
    if before is None:
        return True
    old, new = before.resource, now.resource
    if (old.uid, old.generation, old.deleting) != (new.uid, new.generation, new.deleting):
        return True
    return any(old.annotations.get(name) != new.annotations.get(name) for name in TRIGGERS)
