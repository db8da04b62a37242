"""The objects of the cluster as the last events left them: the input of every pass."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from engine.cluster.credentials import CredentialScope, credential_scope
from engine.cluster.misfit import owner_link
from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import RECONCILE_POLICY
from engine.model.document import Secret
from engine.model.policy import ReconcilePolicy
from engine.model.problem import Problem
from engine.model.state import CustomResource
from engine.ports import DesiredSource
from engine.runtime.seen import StatusReader


class ObjectInputs(DesiredSource, StatusReader, Protocol):
    """What passes ask the cluster for beside the objects."""


class Objects:
    """Implements ``DesiredSource``; gives the very same resources as long as they do not change."""

    def __init__(self, inputs: ObjectInputs, *, default_policy: ReconcilePolicy = ReconcilePolicy.MANAGE) -> None:
        """Hold nothing yet.

        Args:
            inputs: Where Secrets and ConfigMaps come from.
            default_policy: Of objects that have none, in namespaces that have none.
        """
        self._inputs = inputs
        self._default = {} if default_policy is ReconcilePolicy.MANAGE else {RECONCILE_POLICY: default_policy.value}
        self._held: dict[ObjectIdentity, ClusterObject] = {}
        self._order: list[ObjectIdentity] = []
        self._in_order: list[CustomResource] = []
        self._listed: tuple[CustomResource, ...] | None = ()
        self._by_credential: dict[CredentialScope, dict[ObjectIdentity, None]] = {}

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self._held)

    def put(self, found: ClusterObject, *, is_listed: bool = False) -> ClusterObject | None:
        """Take an object as it is now; return what it was before.

        News that was overtaken changes nothing; a list always counts, as a cluster may have been set back.
        """
        found = self._with_default(found)
        before = self._held.get(found.identity)
        if before is not None and not is_listed and found.is_older_than(before):
            return before
        if before is not None and _asks_the_same(before.resource, found.resource):
            found = replace(found, resource=before.resource)
        self._held[found.identity] = found
        if before is None or before.resource is not found.resource:
            self._arrange(found.resource, before.resource if before is not None else None)
        return before

    def _arrange(self, resource: CustomResource, before: CustomResource | None) -> None:
        identity = resource.key.identity
        at = bisect_left(self._order, identity)
        if before is None:
            self._order.insert(at, identity)
            self._in_order.insert(at, resource)
        else:
            self._in_order[at] = resource
            self._by_credential[credential_scope(before)].pop(identity, None)
        self._by_credential.setdefault(credential_scope(resource), {})[identity] = None
        self._listed = None

    def _with_default(self, found: ClusterObject) -> ClusterObject:
        named = found.resource.namespace_annotations
        if not self._default or named.get(RECONCILE_POLICY):
            return found
        return replace(found, resource=replace(found.resource, namespace_annotations={**named, **self._default}))

    def drop(self, identity: ObjectIdentity) -> None:
        """Forget an object that is gone."""
        found = self._held.pop(identity, None)
        if found is not None:
            at = bisect_left(self._order, identity)
            del self._order[at], self._in_order[at]
            del self._by_credential[credential_scope(found.resource)][identity]
            self._listed = None

    def find(self, identity: ObjectIdentity) -> ClusterObject | None:
        """Return an object; None when there is none."""
        return self._held.get(identity)

    def owner_of(self, resource: CustomResource) -> ClusterObject | None:
        """Return the object that a resource's spec names as owner; None when it names none, or it is not there."""
        link = owner_link(resource)
        return self._held.get(link) if link is not None else None

    def is_going(self, found: ClusterObject) -> bool:
        """Whether something above an object is going or gone: the cluster deletes the object next.

        It must not be made anew in Azure meanwhile. An owner that left it behind on purpose left no reference to it.
        """
        at, seen = found, {found.identity}
        while (link := owner_link(at.resource)) is not None and link not in seen:
            seen.add(link)
            owner = self._held.get(link)
            if owner is None:
                return any((o.kind, o.name) == (link[2], link[3]) for o in at.owners)
            if owner.resource.deleting:
                return True
            at = owner
        return False

    def all(self) -> Iterable[ClusterObject]:
        """Return every object."""
        return self._held.values()

    def one_per_credential(self) -> Sequence[CustomResource]:
        """Return one object of all that share a credential, of each such set."""
        return [self._held[next(iter(same))].resource for same in self._by_credential.values() if same]

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return what is asked of Azure, by name."""
        if self._listed is None:
            self._listed = tuple(self._in_order)
        return self._listed

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read."""
        return self._inputs.problems()

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none.

        Raises:
            PolicyDeniedError: It may not be read.
        """
        return await self._inputs.fetch_secret(namespace, name)

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's ``data``; None when there is none.

        Raises:
            PolicyDeniedError: It may not be read.
        """
        return await self._inputs.fetch_config_map(namespace, name)

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return those of the objects whose status proves something, with it; who has none is not asked for."""
        asked = [r for r in resources if (found := self._held.get(r.key.identity)) is not None and found.status_print]
        return await self._inputs.reread(asked) if asked else ()


def _asks_the_same(before: CustomResource, now: CustomResource) -> bool:
    """Whether two readings of an object differ in nothing that a pass looks at."""
    return before is now or (
        before.uid == now.uid
        and before.generation == now.generation
        and before.deleting == now.deleting
        and before.key == now.key
        and before.key.version == now.key.version
        and before.annotations == now.annotations
        and before.labels == now.labels
        and before.namespace_annotations == now.namespace_annotations
        and before.spec.raw == now.spec.raw
    )
