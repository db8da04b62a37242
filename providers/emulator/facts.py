"""One door to everything known of a type: its shape per api-version, its operations, its measured habits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

from providers.emulator.answer import RefusedError, gateway_error
from schemas import arm
from schemas.nodes import ObjectNode, ResourceType, UnionNode
from schemas.operations import TypeOperations, lookup_operations

_OWN_NAMESPACES = frozenset({"microsoft.resources", "microsoft.authorization", "microsoft.features"})
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-[a-z0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A type at one api-version.

    Attributes:
        name: As Azure spells it.
        shape: Its body; an object without known members where only its operations are known.
        habits: Row of ``data/readback.json``; empty when the type was never recorded.
        operations: None when there is no evidence.
    """

    name: str
    api: str
    shape: ObjectNode | UnionNode
    habits: Mapping[str, Any]
    operations: TypeOperations | None

    @property
    def is_recorded(self) -> bool:
        """Whether its read-back was measured."""
        return bool(self.habits)

    @property
    def spelling(self) -> str:
        """Return the type as its bodies spell it."""
        return str(self.habits.get("type") or self.name)

    @property
    def can_delete(self) -> bool:
        """Whether the API has a DELETE; true when nothing is known."""
        return self.operations is None or "DELETE" in self.operations.methods

    @property
    def is_tracked(self) -> bool:
        """Whether the resource has a location of its own, so that ARM itself knows of it."""
        location = _property(self.shape, "location")
        return location is not None and location.is_required

    @property
    def takes_etag(self) -> bool:
        """Whether If-Match and If-None-Match mean anything to it."""
        if _property(self.shape, "etag") or _property(self.shape, "eTag"):
            return True
        known = self.operations
        return known is not None and bool(known.etag_path or known.etag_required or any(known.etag.values()))

    @property
    def etag_path(self) -> tuple[str, ...]:
        """Return where the body carries the etag; empty when it does not."""
        if self.operations is not None and self.operations.etag_path:
            return self.operations.etag_path
        return ("etag",) if _property(self.shape, "etag") else ()


def type_facts(arm_type: str, api: str, *, location: str | None = None) -> TypeFacts:
    """Return what is known of a type at an api-version.

    Raises:
        RefusedError: The type, or the type at that version, does not exist; in ARM's words.
    """
    _check_version(api)
    found = _type_facts(arm_type.lower(), api)
    if found is None:
        raise _refuse(arm_type, api, location)
    return found


def canonical_type(arm_type: str) -> str:
    """Return the type as Azure spells it; the text itself for an unknown one."""
    known = lookup_operations(arm_type)
    return arm.canonical_name(arm_type) or (known.arm_type if known else arm_type)


def supported_versions(arm_type: str) -> tuple[str, ...]:
    """Return the api-versions the emulator answers to, newest first."""
    known = lookup_operations(arm_type)
    extra = {v for v in known.by_version if v} | {known.evidence} if known else set()
    extra |= _READ_VERSIONS.get(arm_type.lower(), frozenset())
    return tuple(sorted(extra | set(arm.versions(arm_type)), key=arm.version_key, reverse=True))


_READ_VERSIONS: Mapping[str, frozenset[str]] = {
    "microsoft.authorization/denyassignments": frozenset({"2018-07-01-preview", "2022-04-01"})
}
"""Versions that only read: type definitions hold those that write."""


@cache
def own_versions() -> frozenset[str]:
    """Return the api-versions of ARM's own paths: subscriptions, resources, tags, locks."""
    types = [t for t in arm.type_names() if t.split("/")[0].lower() in _OWN_NAMESPACES]
    return frozenset(v for t in types for v in arm.versions(t)) | frozenset({"2014-04-01", "2016-06-01", "2022-12-01"})


def check_own_version(api: str) -> None:
    """Check the api-version of one of ARM's own paths.

    Raises:
        RefusedError: It is missing or unknown.
    """
    _check_version(api)
    if api not in own_versions():
        newest = ", ".join(sorted(own_versions(), reverse=True)[:20])
        raise gateway_error(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{api}' is invalid. The supported versions are '{newest}'.",
        )


def _check_version(api: str) -> None:
    if not api:
        raise gateway_error(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not _VERSION.fullmatch(api):
        raise gateway_error(400, "InvalidApiVersionParameter", f"The api-version '{api}' is invalid.")


@lru_cache(maxsize=4096)
def _type_facts(folded: str, api: str) -> TypeFacts | None:
    operations = lookup_operations(folded)
    shape: ResourceType | None = arm.lookup(folded, api)
    is_known = operations is not None or folded in _READ_VERSIONS
    if shape is None and is_known and api in supported_versions(folded):
        nearest = arm.lookup_nearest(folded, api)
        shape = nearest.type if nearest else None
        if shape is None and operations is not None:
            shape = ResourceType(operations.arm_type, api, ObjectNode({}))
    if shape is None:
        return None
    return TypeFacts(shape.name, api, shape.body, _habits().get(folded, {}), operations)


@cache
def _habits() -> Mapping[str, Any]:
    return load_table("readback.json")


def load_table(name: str) -> Mapping[str, Any]:
    """Return one of the tables in ``data``."""
    table: Mapping[str, Any] = orjson.loads(files("providers.emulator").joinpath("data", name).read_bytes())
    return table


def _refuse(arm_type: str, api: str, location: str | None) -> RefusedError:
    namespace, _, rest = arm_type.partition("/")
    known = supported_versions(arm_type)
    if known:
        where = f"location '{location}' and " if location else ""
        return gateway_error(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for {where}API version '{api}' for type '{rest}'. The supported "
            f"api-versions are '{', '.join(known)}'.",
        )
    if not any(n.lower().startswith(namespace.lower() + "/") for n in arm.type_names()):
        return gateway_error(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
    return gateway_error(
        404,
        "InvalidResourceType",
        f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version '{api}'.",
    )


def _property(shape: ObjectNode | UnionNode, name: str) -> Any:
    return (shape.base if isinstance(shape, UnionNode) else shape.properties).get(name)
