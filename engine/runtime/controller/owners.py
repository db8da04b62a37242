"""Which new objects have to wait for their owner: Azure refuses a child whose parent is not made yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import parse_policy
from engine.model.policy import ReconcilePolicy
from engine.runtime.controller.objects import Objects


def find_waiting(together: Collection[ObjectIdentity], objects: Objects) -> Mapping[ObjectIdentity, ClusterObject]:
    """Return the objects that nothing may be sent for yet, each with the owner that it waits for.

    As ASO: an object that was not claimed yet waits until its owner is Ready. An owner in the same pass is not waited
    for: the plan sees to the order.

    Args:
        together: What one pass is to work on.
        objects: All of them.
    """
    wanted = {i: owner for i in together if (owner := _owner_not_ready(i, objects)) is not None}
    waiting: dict[ObjectIdentity, ClusterObject] = {}
    going = set(together)
    while more := {i: owner for i, owner in wanted.items() if i in going and owner.identity not in going}:
        waiting |= more
        going -= more.keys()
    return waiting


def _owner_not_ready(identity: ObjectIdentity, objects: Objects) -> ClusterObject | None:
    """Return the owner of an object that was not claimed yet, if it is there and not Ready."""
    found = objects.find(identity)
    if found is None or found.is_claimed or found.resource.deleting:
        return None
    owner = objects.owner_of(found.resource)
    if owner is None or (owner.ready is not None and owner.ready.is_true):
        return None
    policy = parse_policy(found.resource.annotations, found.resource.namespace_annotations)
    return owner if policy.reconcile is not ReconcilePolicy.SKIP else None
