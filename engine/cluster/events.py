"""Events on objects; types, reasons and texts are ASO's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.desired.policy import RECONCILE_POLICY
from engine.model.ids import ArmId, ResourceKey

NOT_DELETABLE: Final = (
    f"Resource does not support deletion in Azure; set annotation '{RECONCILE_POLICY}: detach-on-delete' "
    "to permit deletion in Kubernetes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to one object.

    Attributes:
        type: ``Normal`` or ``Warning``.
        reason: One word.
    """

    type: str
    reason: str
    message: str


def credential_from(credential: str) -> Event:
    """Say which credential is used; ``credential`` is namespace and name of a Secret."""
    return Event(type="Normal", reason="CredentialFrom", message=f'Using credential from "{credential}"')


def sent(resource: ArmId) -> Event:
    """Say that Azure took a write."""
    message = f'Successfully sent resource to Azure with ID "{resource}"'
    return Event(type="Normal", reason="BeginCreateOrUpdate", message=message)


def delete_begins() -> Event:
    """Say that a delete is about to be sent."""
    return Event(type="Normal", reason="BeginDelete", message="Starting delete of resource")


def delete_goes_on() -> Event:
    """Say that a delete is being waited for."""
    return Event(type="Normal", reason="MonitorDelete", message="Continue monitoring deletion")


def write_failed(cause: str, *, deleting: bool) -> Event:
    """Say why a write did not succeed, with everything that Azure said."""
    return Event(type="Warning", reason="DeleteActionError" if deleting else "CreateOrUpdateActionError", message=cause)


def not_possible() -> Event:
    """Say that Azure cannot delete the resource."""
    return Event(type="Normal", reason="NotPossibleInAzure", message=NOT_DELETABLE)


def drift_detected() -> Event:
    """Say that Azure is no longer as we left it; the text is always the same, so that events are counted, not piled."""
    message = "Azure was changed since the last apply; the DriftReport of the namespace says what, and who"
    return Event(type="Warning", reason="DriftDetected", message=message)


def drift_resolved() -> Event:
    """Say that Azure is as it should be again."""
    message = "Azure is as it should be again; the DriftReport of the namespace says what had changed"
    return Event(type="Normal", reason="DriftResolved", message=message)


def not_converging() -> Event:
    """Say that a difference came back after it was put right, and is left so."""
    message = "A difference that was put right came back; it is left as it is, and the Ready condition says where"
    return Event(type="Warning", reason="NotConverging", message=message)


def misread(what: str) -> Event:
    """Say that an annotation means nothing, and what it is taken for."""
    return Event(type="Warning", reason="AnnotationNotUnderstood", message=what)


def overlap(mine: str, other: str) -> Event:
    """Say that two operators are meant to manage one object."""
    message = f'Operators in "{mine}" and "{other}" are both configured to manage this resource'
    return Event(type="Warning", reason="Overlap", message=message)


def source_of(key: ResourceKey) -> str:
    """Return who says it: ASO's controller of that kind, ``resources_resourcegroup``."""
    return f"{key.group.removesuffix('.azure.com').replace('.', '')}_{key.kind}".lower()
