"""Our own sentences for members that Azure's documentation does not know: names, owners, references, exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.kind_types import Kind, ListType, MapType, Member, ObjectType, RuledType, Scope, Special, TypeExpr

ROOT: Final[Mapping[str, str]] = {
    "apiVersion": "Group and version that the object is written in.",
    "kind": "What the object is.",
    "spec": "What is asked for.",
    "status": "What Azure answered last, and how the object is.",
}
_NAMES: Final[Mapping[str, str]] = {
    "azureName": "Name in Azure; the name of the object where it is not set. Once the resource exists, it stays.",
    "operatorSpec": "What is done beside the resource itself: what is exported, and where to. Azure gets none of it.",
    "configMapExpressions": "CEL expressions over self whose results are written to ConfigMaps.",
    "secretExpressions": "CEL expressions over self and secret whose results are written to Secrets.",
    "configMaps": "Values of the resource, and the ConfigMaps that they are written to.",
    "configmaps": "Values of the group, and the ConfigMaps that they are written to.",
    "secrets": "Secrets of the resource, and the Secrets that they are written to.",
    "namingConvention": "How the name in Azure is made where azureName is not set.",
    "conditions": "How the object is; Ready says whether Azure is as asked for.",
    "originalVersion": "Version that the object was written in; set by the operator.",
    "$propertyBag": "Members of other versions, as Azure Service Operator stores them.",
}
"""Members of generated kinds that are ours to explain, whatever Azure says of a member of that name."""
_OUTSIDE: Final[Mapping[str, str]] = {
    "azureName": "Name of the user; the name of the object where it is not set.",
    "hostname": "Host that the user connects from; % is any.",
    "privileges": "Privileges on the whole server.",
    "databasePrivileges": "Database -> privileges on it.",
    "localUser": "A user with a password.",
    "aadUser": "A user of Microsoft Entra.",
    "alias": "Name of the user in the database, where its name in Entra is too long for it.",
    "serverAdminUsername": "Who makes the user: an administrator of the server.",
    "serverAdminPassword": "Password of that administrator.",
    "password": "Password of the user.",
    "roles": "Roles that the user is a member of.",
    "roleOptions": "What the user may do on the server.",
    "login": "Whether it may log in.",
    "createRole": "Whether it may make roles.",
    "createDb": "Whether it may make databases.",
    "replication": "Whether it may replicate.",
    "displayName": "Name of the group as people see it; by it an existing group is found.",
    "mailNickname": "Name of the group in mail addresses.",
    "description": "What the group is for.",
    "membershipType": "Who decides who is a member, for security groups and Microsoft 365 groups.",
    "isAssignableToRole": "Whether roles of Microsoft Entra may be assigned to the group; it has this for life.",
    "creationMode": "Whether a group of that name is taken over.",
    "entraID": "Object id of the group.",
    "groupEmailAddress": "Mail address of the group.",
}
"""Members of the hand-written kinds."""
_BY_TYPE: Final[Mapping[Special, str]] = {
    Special.REFERENCE: "A resource: group, kind and name of its object, or its armId.",
    Special.WELL_KNOWN_REFERENCE: "A resource: group, kind and name of its object, its armId, or a name that all know.",
    Special.SECRET: "A key of a Secret in the object's namespace.",
    Special.SECRET_MAP: "A Secret in the object's namespace; all its keys.",
    Special.CONFIG_MAP: "A key of a ConfigMap in the object's namespace.",
    Special.OWNER: "What the resource belongs to: the name of an object in the namespace, or an armId.",
    Special.ARBITRARY_OWNER: "What the resource belongs to: group, kind and name of its object, or its armId.",
    Special.KUBERNETES_OWNER: "What it belongs to: the name of an object in the namespace.",
    Special.SECRET_DESTINATION: "Secret, and key in it, that the value is written to.",
    Special.CONFIG_MAP_DESTINATION: "ConfigMap, and key in it, that the value is written to.",
}
_REFERENCE: Final[Mapping[str, str]] = {
    "group": "API group of the object.",
    "kind": "Kind of the object.",
    "name": "Name of the object, in the same namespace.",
    "armId": "Id in Azure, of something that has no object here.",
    "wellKnownName": "A name that Azure knows everywhere.",
}
_KEY: Final[Mapping[str, str]] = {"name": "Name of the Secret or ConfigMap.", "key": "Key in it."}
_DESTINATION: Final[Mapping[str, str]] = {
    **_KEY,
    "annotations": "Annotations that it gets.",
    "labels": "Labels that it gets.",
}
_INNER: Final[Mapping[Special, Mapping[str, str]]] = {
    Special.REFERENCE: _REFERENCE,
    Special.WELL_KNOWN_REFERENCE: _REFERENCE,
    Special.OWNER: _REFERENCE,
    Special.ARBITRARY_OWNER: _REFERENCE,
    Special.KUBERNETES_OWNER: _REFERENCE,
    Special.SECRET: _KEY,
    Special.SECRET_MAP: _KEY,
    Special.CONFIG_MAP: _KEY,
    Special.SECRET_DESTINATION: _DESTINATION,
    Special.CONFIG_MAP_DESTINATION: _DESTINATION,
    Special.EXPRESSION: {
        **_DESTINATION,
        "key": "Key in it; left out where the expression gives a map.",
        "value": "The expression.",
    },
    Special.CONDITION: {
        "type": "What the condition is about.",
        "status": "True, False or Unknown.",
        "severity": "Error: needs somebody. Warning: is tried again. Info: goes on. Empty where the status is True.",
        "lastTransitionTime": "Since when it is so.",
        "observedGeneration": "Generation of the object that it is about.",
        "reason": "Why, in a word.",
        "message": "Why, in a sentence.",
    },
}


def kind_text(kind: Kind) -> str:
    """Return what is said of a kind as a whole."""
    if kind.is_arm:
        return f"{kind.arm_type} of Azure, spoken to with api-version {kind.api_version}."
    return "A user of a database." if kind.name == "User" else "A group of Microsoft Entra."


def member_text(member: Member, parent: ObjectType, said: str, *, scope: Scope) -> str:
    """Return what is said of a member: ours where it is ours to say, else Azure's, else what its type says."""
    if scope is Scope.NONE and member.name in _OUTSIDE:
        return _OUTSIDE[member.name]
    special = special_of(member.type)
    if special in (Special.OWNER, Special.ARBITRARY_OWNER, Special.KUBERNETES_OWNER):
        return _BY_TYPE[special]
    if member.name in _NAMES and _is_ours(member, parent):
        return _NAMES[member.name]
    if said:
        return said
    variant = next((value for value, name in parent.variants.items() if name == member.name), "")
    if variant:
        return f"Members of the variant {variant}."
    return _BY_TYPE.get(special, "") if special is not None else ""


def added_text(name: str) -> str:
    """Return what is said of a member that only the stored version has."""
    return _NAMES[name]


def inner_texts(special: Special) -> Mapping[str, str]:
    """Return what is said of the members of a value that is not what it becomes in Azure."""
    return _INNER[special]


def special_of(expr: TypeExpr) -> Special | None:
    """Return the special type of a value, of a list's elements or of a map's values; None for plain ones."""
    while isinstance(expr, ListType | MapType | RuledType):
        expr = expr.base if isinstance(expr, RuledType) else expr.item
    return expr if isinstance(expr, Special) else None


def _is_ours(member: Member, parent: ObjectType) -> bool:
    """Whether a member of a name of ours is that one: Azure has members called secrets and conditions too."""
    in_operator_spec = "secretExpressions" in parent.members or "configmaps" in parent.members
    return member.name == "azureName" or member.place is None or in_operator_spec or special_of(member.type) is not None
