"""The name in Azure as objects carry it: worked out in memory, then written down where others read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.desired.naming import FROM_CONFIG, has_uuid_name, wants_random_name
from engine.model.ids import ArmId
from engine.model.state import CustomResource
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind

_MEMBER: Final = "azureName"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredName:
    """What is to stand in ``spec.azureName``.

    Attributes:
        name: Empty where nothing is to stand there.
        is_new: It does not stand there yet: the object gets another generation.
        is_from_config: The name is a config map's; it is kept in an annotation.
    """

    name: str = ""
    is_new: bool = False
    is_from_config: bool = False


def given_name(resource: CustomResource) -> str:
    """Return the name that stands in the object's spec; empty when none does."""
    spec = resource.spec.value
    name = spec.get(_MEMBER) if isinstance(spec, dict) else None
    return name if isinstance(name, str) else ""


def stored_name(resource: CustomResource, resource_id: ArmId) -> StoredName:
    """Return what is to stand in an object's spec, whose resource has this id."""
    given = given_name(resource)
    kind = _kind_of(resource)
    if given or kind is None or _MEMBER not in kind.spec.members:
        return StoredName(name=given)
    if FROM_CONFIG in resource.spec.value:
        return StoredName(is_from_config=True)
    return StoredName(name=resource_id.name, is_new=True)


def needs_random_name(resource: CustomResource) -> bool:
    """Whether the object asks for a name that is drawn, and has none yet."""
    kind = _kind_of(resource)
    spec = resource.spec.value
    if given_name(resource) or kind is None or not isinstance(spec, dict):
        return False
    return has_uuid_name(kind) and wants_random_name(spec)


def _kind_of(resource: CustomResource) -> Kind | None:
    return lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
