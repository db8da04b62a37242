"""Objects whose subscription is not the one their credential speaks in; ASO's words."""

from __future__ import annotations

from engine.cluster import condition
from engine.cluster.condition import Condition
from engine.cluster.names import RESOURCE_ID
from engine.desired.identity import ObjectIdentity, read_owner
from engine.model.ids import ArmId
from engine.model.state import CustomResource
from schemas.kinds import lookup_kind


def owner_link(resource: CustomResource) -> ObjectIdentity | None:
    """Return the object that the spec names as owner; None when it names none."""
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    return read_owner(resource, kind).object if kind is not None else None


def misfit(
    resource: CustomResource, subscription: str, credential: str, owner: CustomResource | None
) -> Condition | None:
    """Return the condition of an object that its credential cannot be used for; None when it can.

    Args:
        resource: The object.
        subscription: Of its credential.
        credential: Where the credential came from.
        owner: Its owner in the cluster, if it has one.
    """
    there = _subscription_of(resource) or _subscription_of_owner_id(resource)
    if not _same(there, subscription):
        text = (
            f'SubscriptionID "{there}" for "{resource.key.name}" resource does not match with Client Credential: '
            f'"{credential}"'
        )
        return condition.error("SubscriptionMismatch", text, resource.generation)
    above = _subscription_of(owner) if owner is not None else ""
    if not _same(above, subscription):
        text = f'resource subscription "{subscription}" does not match parent subscription "{above}"'
        return condition.error("Failed", text, resource.generation)
    return None


def _same(one: str, other: str) -> bool:
    """Whether two subscriptions are one; what is not known speaks against nothing."""
    return not one or not other or one.lower() == other.lower()


def _subscription_of(resource: CustomResource) -> str:
    return ArmId(resource.annotations.get(RESOURCE_ID, "")).subscription


def _subscription_of_owner_id(resource: CustomResource) -> str:
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    link = read_owner(resource, kind) if kind is not None and kind.is_arm else None
    return ArmId(link.arm_id).subscription if link is not None and link.arm_id else ""
