"""What the kind catalog says: kinds with their names, owners and types, and each member's place in the ARM body."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class Scope(enum.StrEnum):
    """Where a resource lies in ARM; children count as RESOURCE_GROUP. NONE: not an ARM resource."""

    RESOURCE_GROUP = "ResourceGroup"
    EXTENSION = "Extension"
    TENANT = "Tenant"
    LOCATION = "Location"
    NONE = ""


class Scalar(enum.StrEnum):
    """A JSON value without parts; ANY is everything."""

    TEXT = "string"
    INTEGER = "int"
    NUMBER = "number"
    BOOLEAN = "bool"
    ANY = "any"


class Special(enum.StrEnum):
    """A value that is not what it becomes in the ARM body."""

    REFERENCE = "$ResourceReference"
    WELL_KNOWN_REFERENCE = "$WellKnownResourceReference"
    SECRET = "$SecretReference"  # noqa: S105 - a type name
    SECRET_MAP = "$SecretMapReference"  # noqa: S105 - a type name
    CONFIG_MAP = "$ConfigMapReference"
    OWNER = "$KnownResourceReference"
    ARBITRARY_OWNER = "$ArbitraryOwnerReference"
    KUBERNETES_OWNER = "$KubernetesOwnerReference"
    SECRET_DESTINATION = "$SecretDestination"  # noqa: S105 - a type name
    CONFIG_MAP_DESTINATION = "$ConfigMapDestination"
    EXPRESSION = "$DestinationExpression"
    CONDITION = "$Condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a value must be like beyond its type; None where there is no rule."""

    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    values: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of a closed set of texts, or of integers."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class RuledType:
    """A named scalar or list with rules of its own."""

    base: TypeExpr
    rules: Rules


@dataclass(frozen=True, slots=True)
class ListType:
    """A list."""

    item: TypeExpr


@dataclass(frozen=True, slots=True)
class MapType:
    """An object whose keys are data."""

    item: TypeExpr


@dataclass(frozen=True)
class Member:
    """One property of an object.

    Attributes:
        place: Path in the ARM object; None: not part of it; empty: merged into the object itself (a union's variant).
        is_id_map: A list of ``{reference}`` that becomes a map from ARM id to an empty object.
        default: What an API server would fill in; None where there is no default.
    """

    name: str
    place: tuple[str, ...] | None
    resolve: Callable[[], TypeExpr] = field(repr=False, compare=False)
    rules: Rules | None = None
    is_id_map: bool = False
    default: Any = None

    @cached_property
    def type(self) -> TypeExpr:
        """Return the type of the value."""
        return self.resolve()


@dataclass(frozen=True, eq=False)
class ObjectType:
    """An object with known members. Two objects of one group with the same shape are the same instance.

    Attributes:
        discriminator: For a union: the ARM property that tells variants apart; empty otherwise.
        variants: For a union: discriminator value -> name of the member that holds the variant.
        always_sent: Place in the ARM object -> value that is sent when the spec does not set it.
    """

    members: Mapping[str, Member]
    required: frozenset[str] = frozenset()
    discriminator: str = ""
    variants: Mapping[str, str] = field(default_factory=dict)
    always_sent: Mapping[tuple[str, ...], Any] = field(default_factory=dict)


TypeExpr = Scalar | Special | EnumType | RuledType | ListType | MapType | ObjectType


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """What may own a kind. ``kind`` is ``*`` when any resource may. ``kubernetes_only``: no armId."""

    group: str
    kind: str
    kubernetes_only: bool = False

    @property
    def is_any(self) -> bool:
        """Whether any resource may be the owner."""
        return self.kind == "*"


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind at one version.

    Attributes:
        arm_type: Empty for the few kinds that are not ARM resources.
        fixed_name: The ARM name is this constant; empty otherwise.
        operations: Of Get, Put, Delete, Head.
        hooks: Names of what the kind does beside plain requests; facts for readers, not to branch on.
        config_map_exports: Key below ``operatorSpec.configMaps`` -> path in status.
    """

    group: str
    version: str
    name: str
    arm_type: str
    api_version: str
    scope: Scope
    owner: OwnerRule | None
    fixed_name: str
    operations: frozenset[str]
    plural: str
    categories: tuple[str, ...]
    is_hub: bool
    hooks: tuple[str, ...]
    config_map_exports: Mapping[str, str]
    resolve: Callable[[str], ObjectType] = field(repr=False)

    @property
    def is_arm(self) -> bool:
        """Whether the kind stands for an ARM resource."""
        return bool(self.arm_type)

    @cached_property
    def spec(self) -> ObjectType:
        """Return the type of ``spec``."""
        return self.resolve("spec")

    @cached_property
    def status(self) -> ObjectType:
        """Return the type of ``status``."""
        return self.resolve("status")

    def __str__(self) -> str:
        """Print as manifests name it."""
        return f"{self.group}/{self.version} {self.name}"
