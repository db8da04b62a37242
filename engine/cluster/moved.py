"""Objects whose name or owner was changed after their resource was made: in Azure that would be another resource.

Where the admission policy is installed it refuses most of this; names from config maps it cannot see, and objects that
were changed while it was not there it cannot mend.
"""

from __future__ import annotations

from engine.cluster import condition
from engine.cluster.condition import Condition
from engine.cluster.named import given_name
from engine.cluster.names import OWNER_NAME, RESOURCE_ID
from engine.desired.identity import CHILD_ID_OVERRIDE, find_member, read_owner, spec_of
from engine.desired.naming import FROM_CONFIG, has_uuid_name
from engine.model.ids import ArmId
from engine.model.state import CustomResource
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind


def config_of_name(resource: CustomResource) -> tuple[str, str] | None:
    """Return config map and key that an object takes its name from; None for all but a few."""
    source = spec_of(resource).get(FROM_CONFIG)
    if not isinstance(source, dict) or given_name(resource):
        return None
    return str(source.get("name", "")), str(source.get("key", ""))


def moved(resource: CustomResource, owner: CustomResource | None, configured: str = "") -> Condition | None:
    """Return the condition of an object that would stand for another resource than the one it made; None otherwise.

    Args:
        resource: The object.
        owner: Its owner in the cluster, if it is there.
        configured: The name that a config map has for it; empty where none has.
    """
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    made = ArmId(resource.annotations.get(RESOURCE_ID, ""))
    if kind is None or not kind.is_arm or not made.text:
        return None
    why = _name_change(resource, kind, made, configured) or _owner_change(resource, kind, made, owner)
    if not why:
        return None
    back = f"{why}; its resource is {made}: put that back, or make another object"
    return condition.error("Failed", back, resource.generation)


def _name_change(resource: CustomResource, kind: Kind, made: ArmId, configured: str) -> str:
    if kind.fixed_name:
        return ""
    given = given_name(resource)
    if config_of_name(resource) is not None and configured:
        if _ends_with(made, configured):
            return ""
        return (
            f'cannot change AzureName for {resource.key}: ConfigMap value changed from "{made.name}" to "{configured}"'
        )
    if not given and (config_of_name(resource) is not None or has_uuid_name(kind)):
        return ""
    return "" if _ends_with(made, given or resource.key.name) else _refused(resource, "updating 'spec.azureName'")


def _ends_with(made: ArmId, name: str) -> bool:
    return made.key.endswith(f"/{name.lower()}")


def _owner_change(resource: CustomResource, kind: Kind, made: ArmId, owner: CustomResource | None) -> str:
    above = made.parent
    if kind.owner is None or above is None:
        return ""
    link = read_owner(resource, kind)
    if link.arm_id:
        return "" if ArmId(link.arm_id) == above else _refused(resource, "updating 'spec.owner.armId'")
    if link.object is None:
        return (
            "" if find_member(spec_of(resource), "owner") is not None else _refused(resource, "removing 'spec.owner'")
        )
    there = _id_of(owner) if owner is not None else ""
    if there:
        return "" if ArmId(there) == above else _refused(resource, "updating 'spec.owner.name'")
    held = resource.labels.get(OWNER_NAME, "")
    is_same = not held or link.object[3].startswith(held)
    return "" if is_same else _refused(resource, "updating 'spec.owner.name'")


def _id_of(owner: CustomResource) -> str:
    return owner.annotations.get(CHILD_ID_OVERRIDE, "") or owner.annotations.get(RESOURCE_ID, "")


def _refused(resource: CustomResource, what: str) -> str:
    """Return ASO's sentence, with the quotation mark at its end that ASO forgets."""
    key = resource.key
    return f"{what} is not allowed for '{key.api_version}, Kind={key.kind} : {key.name}'"
