"""The shape of one ARM type as a graph of nodes; recursive types are possible, so children resolve on demand."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property


class Flag(enum.IntFlag):
    """What Azure says of a property."""

    NONE = 0
    REQUIRED = 1
    READ_ONLY = 2
    WRITE_ONLY = 4
    DEPLOY_TIME = 8


@dataclass(frozen=True, slots=True)
class TextNode:
    """A string.

    Attributes:
        arm_id: The value is an ARM id by the type's own description (verdict made at build time).
        location: The value is an Azure region.
        sensitive: The value is a secret.
    """

    sensitive: bool = False
    arm_id: bool = False
    location: bool = False
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class NumberNode:
    """An integer or, where ASO knows it, a float. ``is_float`` None: not known, so 1 and 1.0 are equal."""

    is_float: bool | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class BooleanNode:
    """true or false."""


@dataclass(frozen=True, slots=True)
class AnyNode:
    """Anything: no schema to guide below this place."""


@dataclass(frozen=True)
class EnumNode:
    """Literals. ``is_open``: other texts are allowed too; Azure may return another letter case in both."""

    values: tuple[str | int | bool, ...]
    is_open: bool = False
    sensitive: bool = False

    @cached_property
    def folded(self) -> frozenset[str]:
        """Return the texts in lower case."""
        return frozenset(v.lower() for v in self.values if isinstance(v, str))


@dataclass(frozen=True)
class ListNode:
    """A list.

    Attributes:
        identifiers: Members that together name an element, some of which elements may lack; empty when the
            table has none for this place. Nothing promises that they are unique in a given list.
        is_ordered: Order is significant by fact.
        is_set: Order is insignificant by fact although elements have no identifier.
    """

    resolve: Callable[[], Node] = field(repr=False, compare=False)
    identifiers: tuple[str, ...] = ()
    is_ordered: bool = False
    is_set: bool = False
    min_length: int | None = None
    max_length: int | None = None

    @cached_property
    def item(self) -> Node:
        """Return the shape of the elements."""
        return self.resolve()


@dataclass(frozen=True)
class Property:
    """One member of an object."""

    name: str
    flags: Flag
    resolve: Callable[[], Node] = field(repr=False, compare=False)

    @cached_property
    def node(self) -> Node:
        """Return the shape of the value."""
        return self.resolve()

    @cached_property
    def is_read_only(self) -> bool:
        """Whether the server owns it."""
        return bool(self.flags & Flag.READ_ONLY)

    @cached_property
    def is_write_only(self) -> bool:
        """Whether reads leave it out; a hint: when a value is there, compare it."""
        return bool(self.flags & Flag.WRITE_ONLY)

    @cached_property
    def is_required(self) -> bool:
        """Whether a PUT must have it."""
        return bool(self.flags & Flag.REQUIRED)


@dataclass(frozen=True)
class ObjectNode:
    """An object with known members; ``additional`` gives the shape of other keys (None: none are known).

    A node without ``properties`` and with ``additional`` is a free map (tags, settings).
    """

    properties: Mapping[str, Property]
    resolve_additional: Callable[[], Node] | None = field(default=None, repr=False, compare=False)
    sensitive: bool = False

    @cached_property
    def additional(self) -> Node | None:
        """Return the shape of keys that are not members."""
        return self.resolve_additional() if self.resolve_additional else None

    @cached_property
    def is_map(self) -> bool:
        """Whether keys are data, not members."""
        return not self.properties and self.resolve_additional is not None

    @cached_property
    def folded(self) -> Mapping[str, Property]:
        """Return the members by their names in lower case."""
        return {name.lower(): member for name, member in self.properties.items()}

    def find(self, name: str) -> Property | None:
        """Return the member of that name, in any letter case when none is spelled exactly so."""
        return self.properties.get(name) or self.folded.get(name.lower())


@dataclass(frozen=True)
class UnionNode:
    """An object whose members depend on the value of ``discriminator``; letter case of the value is ignored."""

    discriminator: str
    base: Mapping[str, Property]
    variants: Mapping[str, Callable[[], ObjectNode]] = field(repr=False, compare=False)

    def select(self, value: object) -> ObjectNode:
        """Return base plus the variant's members; base alone for an unknown value. Made once per variant."""
        key = value.lower() if isinstance(value, str) else ""
        if key not in self._selected:
            key = key if key in self.variants else ""
        if key not in self._selected:
            self._selected[key] = self._merge(self.variants.get(key))
        return self._selected[key]

    @cached_property
    def _selected(self) -> dict[str, ObjectNode]:
        return {}

    def _merge(self, resolve: Callable[[], ObjectNode] | None) -> ObjectNode:
        if resolve is None:
            return ObjectNode(self.base)
        variant = resolve()
        members = {**self.base, **variant.properties}
        return ObjectNode(members, variant.resolve_additional, variant.sensitive)


Node = TextNode | NumberNode | BooleanNode | AnyNode | EnumNode | ListNode | ObjectNode | UnionNode
ANY = AnyNode()


@dataclass(frozen=True)
class ResourceType:
    """One type@version. ``body`` is the whole resource: name, location, properties, tags ...

    Attributes:
        scopes: Names out of tenant, managementGroup, subscription, resourceGroup, extension.
        readable_only: Azure answers for it but takes no PUT.
    """

    name: str
    api_version: str
    body: ObjectNode | UnionNode
    scopes: frozenset[str] = frozenset()
    readable_only: bool = False
