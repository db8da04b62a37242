"""Which ARM resource one object stands for, given its owner's id: its name, its id, what is wrong with either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.desired.check import Misfit
from engine.desired.inputs import Inputs
from engine.desired.naming import FROM_CONFIG, build_uuid_name, has_uuid_name, unfit_name, wants_random_name
from engine.model.ids import ArmId, ResourceKey
from engine.model.path import FieldPath
from engine.model.state import CustomResource, Wait
from schemas.kind_types import Kind, Scope

RESOURCE_ID: Final = "serviceoperator.azure.com/resource-id"
CHILD_ID_OVERRIDE: Final = "serviceoperator.azure.com/child-resource-id-override"
NO_SUBSCRIPTION: Final = "the subscription is not known: give --subscription or set AZURE_SUBSCRIPTION_ID"
_GROUP_TYPE: Final = "Microsoft.Resources/resourceGroups"
_SEGMENTS = r"/providers/[^/]+(?:/[^/]+/[^/]+)+"
_SCOPE = r"/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?"
_ARM_ID = re.compile(rf"(?:{_SCOPE})?(?:{_SEGMENTS})+|{_SCOPE}", re.IGNORECASE)
_UNFIT_ID = re.compile(r"[?#%\\\s\x00-\x1f\x7f]")
_LONGEST_WHY: Final = 400
_NAME_PATH = FieldPath(("spec", "azureName"))
_CONFIG_PATH = FieldPath(("spec", FROM_CONFIG))
_OWNER_PATH = FieldPath(("spec", "owner", "armId"))

ObjectIdentity = tuple[str, str, str, str]
"""Namespace, group, kind, name: what makes an object unique whatever version speaks of it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of one object's ARM resource.

    Attributes:
        id: None while it cannot be known; then ``waits`` says why, unless the object itself is wrong.
        name: The ARM name; while that is not known the object's own, as a stand-in that is never sent.
        owner: The owning object, where the input has it.
        misfits: What is wrong with name or owner.
    """

    resource: CustomResource
    kind: Kind
    id: ArmId | None
    name: str
    owner: ResourceKey | None = None
    waits: tuple[Wait, ...] = ()
    misfits: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """An ARM name, or why it is not known or not usable."""

    text: str
    wait: Wait | None = None
    misfit: Misfit | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """The id that an object's own segments are appended to, or why it is not known or not usable."""

    id: str | None = None
    owner: ResourceKey | None = None
    wait: Wait | None = None
    misfit: Misfit | None = None


@dataclass(frozen=True, slots=True)
class OwnerLink:
    """Who owns an object: an object of the same namespace, or a resource by its id; neither for roots."""

    object: ObjectIdentity | None = None
    arm_id: str = ""


def read_owner(resource: CustomResource, kind: Kind) -> OwnerLink:
    """Return the owner as the spec names it; nothing when it names none or names it wrongly."""
    rule = kind.owner
    owner = find_member(spec_of(resource), "owner") if rule is not None else None
    if rule is None or not isinstance(owner, dict):
        return OwnerLink()
    arm_id = find_member(owner, "armId")
    if isinstance(arm_id, str) and arm_id:
        return OwnerLink(arm_id=arm_id.rstrip("/"))
    group = find_member(owner, "group") if rule.is_any else rule.group
    owner_kind = find_member(owner, "kind") if rule.is_any else rule.kind
    name = find_member(owner, "name")
    if isinstance(group, str) and isinstance(owner_kind, str) and isinstance(name, str) and name:
        return OwnerLink((resource.key.namespace, group, owner_kind, name))
    return OwnerLink()


def check_owner_kind(resource: CustomResource, kind: Kind) -> Misfit | None:
    """Return what is wrong with an owner that names group or kind although its kind is fixed."""
    rule = kind.owner
    owner = find_member(spec_of(resource), "owner") if rule is not None and not rule.is_any else None
    if rule is None or not isinstance(owner, dict):
        return None
    for member, wanted in (("group", rule.group), ("kind", rule.kind)):
        if owner.get(member, wanted) != wanted:
            return Misfit(FieldPath(("spec", "owner", member)), f"the owner must be a {rule.kind} of {rule.group}")
    return None


def resolve_name(resource: CustomResource, kind: Kind, owner: OwnerLink, inputs: Inputs) -> Name:
    """Return what the resource is called in Azure.

    In this order: the kind's constant name, ``azureName``, the value ``azureNameFromConfig`` points at, a UUID for
    the kinds that have those, the object's own name.
    """
    if kind.fixed_name:
        return Name(kind.fixed_name)
    spec = spec_of(resource)
    given = find_member(spec, "azureName")
    if isinstance(given, str) and given:
        return _checked_name(given, _NAME_PATH)
    source = spec.get(FROM_CONFIG)
    if isinstance(source, dict) and FROM_CONFIG in kind.spec.members:
        return _configured_name(resource.key, source, inputs)
    key = resource.key
    if not has_uuid_name(kind):
        return _checked_name(key.name, FieldPath(("metadata", "name")))
    if wants_random_name(spec):
        return Name(key.name, Wait(text="the name is random and nothing here remembers it: set spec.azureName"))
    named = owner.object[1:] if owner.object is not None else None
    return Name(build_uuid_name(kind, key.namespace, key.name, owner=named, arm_id=owner.arm_id))


def _checked_name(name: str, path: FieldPath) -> Name:
    why = unfit_name(name)
    return Name(name, misfit=Misfit(path, why) if why else None)


def _configured_name(key: ResourceKey, source: Mapping[str, Any], inputs: Inputs) -> Name:
    name, entry = str(source.get("name", "")), str(source.get("key", ""))
    value = (inputs.config_maps.get((key.namespace, name)) or {}).get(entry, "")
    if value:
        return _checked_name(value, _CONFIG_PATH)
    text = f"its name is known after ConfigMap {key.namespace}/{name} has the key {entry!r}"
    return Name(key.name, Wait(text=text))


def base_of_root(kind: Kind, subscription: str) -> Base | None:
    """Return the base of a kind that no object owns; None for all others."""
    if kind.scope is Scope.TENANT:
        return Base("")
    if kind.scope is not Scope.LOCATION:
        return None
    if subscription:
        return Base(f"/subscriptions/{subscription}")
    return Base(wait=Wait(text=NO_SUBSCRIPTION))


def base_by_id(kind: Kind, arm_id: str, subscription: str) -> Base:
    """Return the base of an object whose owner is given by id, after checking that id."""
    if not _ARM_ID.fullmatch(arm_id) or _UNFIT_ID.search(arm_id):
        return Base(misfit=Misfit(_OWNER_PATH, f"{arm_id!r} is not an ARM id"))
    owner = ArmId(arm_id)
    wanted = _owner_type(kind)
    if wanted and owner.resource_type.lower() != wanted.lower():
        return Base(misfit=Misfit(_OWNER_PATH, f"is a {owner.resource_type}, the owner must be a {wanted}"))
    if subscription and owner.subscription and owner.subscription.lower() != subscription.lower():
        text = f"lies in subscription {owner.subscription}, this run is for {subscription}"
        return Base(misfit=Misfit(_OWNER_PATH, text, "run once per subscription, with --subscription"))
    return Base(arm_id)


def base_by_owner(wanted: ObjectIdentity, owner: Identity | None) -> Base:
    """Return the base of an object whose owner is an object; ``owner`` is None when the input has none of that name."""
    if owner is None:
        key = ResourceKey(namespace=wanted[0], group=wanted[1], kind=wanted[2], name=wanted[3])
        return Base(
            wait=Wait(
                text=f"known after its owner {key} exists: it is not in the input (add it, or name it by owner.armId)",
                on=key,
            )
        )
    key = owner.resource.key
    override = owner.resource.annotations.get(CHILD_ID_OVERRIDE, "")
    if override and _ARM_ID.fullmatch(override):
        return Base(override, key)
    if owner.id is None:
        why = owner.waits[0].text if owner.waits else "its name or owner is wrong"
        why = why if len(why) <= _LONGEST_WHY else f"{why[:_LONGEST_WHY]}…"
        return Base(None, key, Wait(text=f"known after the id of its owner {key} is known ({why})", on=key))
    return Base(owner.id.text, key)


def build_id(kind: Kind, base: str, name: str) -> ArmId:
    """Return the id of a resource below ``base``: its owner's id or, for a resource group, its subscription."""
    if kind.scope is Scope.LOCATION:
        return ArmId(f"{base}/resourceGroups/{name}")
    if kind.scope is not Scope.RESOURCE_GROUP or kind.arm_type.count("/") == 1:
        return ArmId(f"{base}/providers/{kind.arm_type}/{name}")
    return ArmId(f"{base}/{kind.arm_type.rsplit('/', 1)[1]}/{name}")


def recorded_id(resource: CustomResource, kind: Kind, name: str, subscription: str) -> ArmId | None:
    """Return the id ASO wrote on an object, where it fits; for objects whose owner is not in the input."""
    text = resource.annotations.get(RESOURCE_ID, "")
    if not _ARM_ID.fullmatch(text):
        return None
    recorded = ArmId(text)
    fits = (
        recorded.resource_type.lower() == kind.arm_type.lower()
        and recorded.name.lower() == name.lower()
        and (not subscription or recorded.subscription.lower() in ("", subscription.lower()))
    )
    return recorded if fits else None


def _owner_type(kind: Kind) -> str:
    if kind.owner is None or kind.owner.is_any:
        return ""
    return _GROUP_TYPE if kind.arm_type.count("/") == 1 else kind.arm_type.rsplit("/", 1)[0]


def spec_of(resource: CustomResource) -> dict[str, Any]:
    """Return the spec; an empty object when it is something else (the conversion complains)."""
    spec = resource.spec.value
    return spec if isinstance(spec, dict) else {}


def find_member(value: Mapping[str, Any], name: str) -> Any:
    """Return a member, in whatever letter case it is spelled; None when there is none."""
    if name in value:
        return value[name]
    folded = name.lower()
    return next((item for key, item in value.items() if key.lower() == folded), None)
