"""What a resource is called in Azure, where the object does not say it."""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from schemas.kind_types import Kind

FROM_CONFIG: Final = "azureNameFromConfig"
"""Member of a spec that says which config map has the name."""

_SPACE: Final = uuid.UUID("9a329043-7ad7-4b1c-812f-9c7a93d6392a")
"""ASO's name space for UUIDv5 names; a different one would name a second resource."""

_UUID_KINDS: Final = frozenset(
    {
        ("authorization.azure.com", "RoleAssignment"),
        ("authorization.azure.com", "RoleDefinition"),
        ("documentdb.azure.com", "SqlRoleAssignment"),
    }
)
_ALWAYS_OLD_SEED: Final = frozenset({"SqlRoleAssignment"})
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_UNFIT = re.compile(r"[/\\?#%\x00-\x1f\x7f]")


def has_uuid_name(kind: Kind) -> bool:
    """Whether the kind's default name is a UUID."""
    return (kind.group, kind.name) in _UUID_KINDS


def wants_random_name(spec: dict[str, Any]) -> bool:
    """Whether the object asks for a name that cannot be worked out."""
    operator = spec.get("operatorSpec")
    convention = operator.get("namingConvention") if isinstance(operator, dict) else None
    return isinstance(convention, str) and convention.lower() == "random"


def build_uuid_name(kind: Kind, namespace: str, name: str, *, owner: tuple[str, str, str] | None, arm_id: str) -> str:
    """Return the name ASO gives: a UUIDv5 of owner, kind and object, or the object's name when that is a UUID.

    Args:
        kind: A kind with UUID names; its version decides between two seeds.
        namespace: Of the object.
        name: Of the object.
        owner: Group, kind and name of an owner in Kubernetes.
        arm_id: The owner's id when it is given as one. Versions ``v1api...`` leave it out of the seed, later ones
            put it in place of the owner.
    """
    if _UUID.fullmatch(name):
        return name
    is_old = kind.version.startswith("v1api") or kind.name in _ALWAYS_OLD_SEED
    if arm_id and not is_old:
        prefix = arm_id
    else:
        group, owner_kind, owner_name = owner if owner is not None and not arm_id else ("", "", "")
        prefix = f"{group}/{owner_kind}:{namespace}/{owner_name}"
    return str(uuid.uuid5(_SPACE, f"{prefix}:{kind.name}/{kind.group}:{namespace}/{name}"))


def unfit_name(name: str) -> str:
    """Return why a text cannot be a name in an ARM id; empty when it can."""
    found = _UNFIT.search(name)
    if found is not None:
        return f"{name!r} holds {found.group()!r}, which no ARM name may"
    return f"{name!r} cannot be a name" if name in (".", "..") else ""
