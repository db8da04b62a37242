"""What an object carries once it is ours: finalizer, annotations, labels, references to its owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cluster.names import (
    FINALIZER,
    LABEL_LIMIT,
    LAST_VERSION,
    OPERATOR_NAMESPACE,
    OWNER_GROUP_KIND,
    OWNER_NAME,
    OWNER_UID,
    RESOURCE_ID,
)
from engine.model.ids import ArmId, ResourceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerReference:
    """One entry of ``metadata.ownerReferences``, without the members that ASO leaves unset."""

    api_version: str
    kind: str
    name: str
    uid: str

    def to_wire(self) -> dict[str, str]:
        """Return it as it stands on the object."""
        return {"apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The object that owns another one."""

    key: ResourceKey
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What we hold on an object's metadata; everything else on it is somebody else's.

    Attributes:
        is_claimed: The finalizer stands on it.
        azure_name: The name in Azure, to stand in ``spec.azureName``; empty where the kind has no such member.
    """

    is_claimed: bool = False
    azure_name: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[OwnerReference, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Return the metadata to apply."""
        members: dict[str, Any] = {
            "annotations": dict(self.annotations),
            "labels": dict(self.labels),
            "ownerReferences": [o.to_wire() for o in self.owners],
            "finalizers": [FINALIZER] if self.is_claimed else [],
        }
        return {name: value for name, value in members.items() if value}


def claim(
    resource_id: ArmId | str, *, operator_namespace: str, version: str, owner: Owner | None, owner_name: str
) -> Marks:
    """Return the marks of an object that is about to be written to Azure.

    Args:
        resource_id: Where it will be; empty while that is not known, and for what has no id.
        operator_namespace: Of the pod; another operator that reads it keeps its hands off.
        version: Of this program.
        owner: The owner in the cluster; None for roots and owners named by ARM id.
        owner_name: ``spec.owner.name``; empty when there is none.
    """
    labels = {LAST_VERSION: version}
    if owner_name:
        labels[OWNER_NAME] = _label(owner_name)
    references: tuple[OwnerReference, ...] = ()
    if owner is not None:
        labels[OWNER_GROUP_KIND] = _label(f"{owner.key.kind}.{owner.key.group}")
        labels[OWNER_UID] = owner.uid
        references = (
            OwnerReference(api_version=owner.key.api_version, kind=owner.key.kind, name=owner.key.name, uid=owner.uid),
        )
    return Marks(
        is_claimed=True,
        annotations={
            **({RESOURCE_ID: str(resource_id)} if resource_id else {}),
            OPERATOR_NAMESPACE: operator_namespace,
        },
        labels=labels,
        owners=references,
    )


def _label(text: str) -> str:
    """Cut to what a label may hold; one that is cut must not end in a sign that labels may not end in."""
    return text[:LABEL_LIMIT].rstrip("-_.")


def is_foreign(annotations: Mapping[str, str], operator_namespace: str) -> str:
    """Return the namespace of another operator that manages the object; empty when there is none."""
    holder = annotations.get(OPERATOR_NAMESPACE, "")
    return holder if holder != operator_namespace else ""


def holds(finalizers: Sequence[str]) -> bool:
    """Whether our finalizer stands on the object; an object without it can go at any moment."""
    return FINALIZER in finalizers
