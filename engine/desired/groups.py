"""Objects that ask for groups of Microsoft Entra."""

from __future__ import annotations

from typing import Any, Final

from engine.desired.identity import find_member, spec_of
from engine.errors import InvalidSpecError
from engine.model.group import Membership, WantedGroup
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource

_GROUP: Final = ("entra.azure.com", "SecurityGroup")
_ADOPT, _ALWAYS = "AdoptOrCreate", "AlwaysCreate"


def is_group(key: ResourceKey) -> bool:
    """Whether an object asks for a group of the directory."""
    return (key.group, key.kind) == _GROUP


def read_group(resource: CustomResource) -> WantedGroup:
    """Return what an object asks for.

    Raises:
        InvalidSpecError: A member is missing or cannot be used.
    """
    spec, key = spec_of(resource), resource.key
    operator = find_member(spec, "operatorSpec")
    mode = operator.get("creationMode", _ADOPT) if isinstance(operator, dict) else _ADOPT
    if mode not in (_ADOPT, _ALWAYS):
        raise InvalidSpecError(f"{key}: operatorSpec.creationMode is {_ADOPT} or {_ALWAYS}", detail=ascii(mode))
    assignable = spec.get("isAssignableToRole")
    return WantedGroup(
        unique_name=f"trueup-{resource.uid}",
        display_name=_text(resource, "displayName"),
        mail_nickname=_text(resource, "mailNickname"),
        description=_text(resource, "description") if spec.get("description") else None,
        membership=_membership(key, spec.get("membershipType")),
        is_assignable_to_role=assignable if isinstance(assignable, bool) else None,
        adopts=mode == _ADOPT,
        id_goes_to=_destination(resource, operator),
    )


def _destination(resource: CustomResource, operator: object) -> tuple[str, str] | None:
    maps = operator.get("configmaps") if isinstance(operator, dict) else None
    target = maps.get("entraID") if isinstance(maps, dict) else None
    if target is None:
        return None
    name, entry = (target.get("name"), target.get("key")) if isinstance(target, dict) else (None, None)
    if not (isinstance(name, str) and name and isinstance(entry, str) and entry):
        raise InvalidSpecError(f"{resource.key}: operatorSpec.configmaps.entraID must name a ConfigMap and a key")
    return (name, entry)


def _text(resource: CustomResource, member: str) -> str:
    value: Any = spec_of(resource).get(member)
    if not isinstance(value, str) or not value:
        raise InvalidSpecError(f"{resource.key}: {member} must be a text that is not empty")
    return value


def _membership(key: ResourceKey, value: object) -> Membership | None:
    if value is None:
        return None
    found = next((m for m in Membership if m.value == value), None)
    if found is None:
        raise InvalidSpecError(f"{key}: membershipType is one of {', '.join(Membership)}", detail=ascii(value))
    return found
