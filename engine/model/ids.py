"""Distinct types for the things that are named: objects, ARM resources, versions, fingerprints."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NewType

ApiVersion = NewType("ApiVersion", str)
Generation = NewType("Generation", int)
Fingerprint = NewType("Fingerprint", str)
PlanId = NewType("PlanId", str)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ResourceKey:
    """One Kubernetes object: who asks for a resource.

    ``version`` belongs to the key as printed, not to the identity: :attr:`identity` leaves it out.
    """

    namespace: str
    group: str
    kind: str
    name: str
    version: str = field(default="", compare=False)

    @property
    def api_version(self) -> str:
        """Return ``group/version`` as manifests spell it."""
        return f"{self.group}/{self.version}"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what makes the object unique whatever version speaks of it."""
        return (self.namespace, self.group, self.kind, self.name)

    def __str__(self) -> str:
        """Print as people name objects: ``namespace/Kind/name``."""
        return f"{self.namespace}/{self.kind}/{self.name}"


@dataclass(frozen=True, eq=False)
class ArmId:
    """An ARM resource id; compared without letter case, as ARM does.

    Attributes:
        text: The id as first seen, starting with ``/`` and without trailing slash.
    """

    text: str

    @cached_property
    def key(self) -> str:
        """Return the form that two equal ids share."""
        return self.text.lower()

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Return the parts between slashes."""
        return tuple(self.text.strip("/").split("/"))

    @property
    def name(self) -> str:
        """Return the last segment."""
        return self.text.rsplit("/", 1)[-1]

    @cached_property
    def resource_type(self) -> str:
        """Return ``Namespace/type/subtype``; resource groups and subscriptions have theirs too."""
        segments = self.segments
        lowered = [s.lower() for s in segments]
        if "providers" in lowered:
            last = len(lowered) - 1 - lowered[::-1].index("providers")
            rest = segments[last + 1 :]
            return "/".join((rest[0], *rest[1::2])) if rest else ""
        if len(segments) >= 4 and lowered[2] == "resourcegroups":
            return "Microsoft.Resources/resourceGroups"
        return "Microsoft.Resources/subscriptions"

    @property
    def subscription(self) -> str:
        """Return the subscription's id, or an empty text at tenant scope."""
        parts = self.text.split("/", 3)
        return parts[2] if len(parts) > 2 and parts[1].lower() == "subscriptions" else ""

    @property
    def resource_group(self) -> str:
        """Return the resource group's name, or an empty text above that scope."""
        segments = self.segments
        return segments[3] if len(segments) > 3 and segments[2].lower() == "resourcegroups" else ""

    @property
    def parent(self) -> ArmId | None:
        """Return the resource this one lies in, its resource group, or its extension target.

        A resource group's parent is its subscription; None above that.
        """
        segments = self.segments
        if len(segments) < 4:
            return None
        lowered = [s.lower() for s in segments]
        if "providers" in lowered:
            last = len(lowered) - 1 - lowered[::-1].index("providers")
            cut = len(segments) - 2 if len(segments) - last > 4 else last
            return ArmId("/" + "/".join(segments[:cut])) if cut else None
        return ArmId("/" + "/".join(segments[:2]))

    def is_within(self, other: ArmId) -> bool:
        """Whether this id lies below (not at) the other."""
        return self.key.startswith(other.key + "/")

    def __eq__(self, other: object) -> bool:
        """Compare without letter case."""
        return isinstance(other, ArmId) and self.key == other.key

    def __lt__(self, other: ArmId) -> bool:
        """Order by the shared form."""
        return self.key < other.key

    def __hash__(self) -> int:
        """Hash the shared form."""
        return hash(self.key)

    def __str__(self) -> str:
        """Return the text as first seen."""
        return self.text
