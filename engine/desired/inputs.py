"""What a spec takes from elsewhere: references, secrets, config maps, role names become values, or stay unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.desired.check import Report
from engine.model.document import UNKNOWN, Secret
from schemas.kind_types import Special

ObjectName = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedInputs:
    """What has to be fetched before bodies can be built; empty for most resources."""

    secrets: frozenset[ObjectName] = frozenset()
    config_maps: frozenset[ObjectName] = frozenset()
    role_names: frozenset[str] = frozenset()

    def __or__(self, other: WantedInputs) -> WantedInputs:
        """Return what either wants."""
        return WantedInputs(
            secrets=self.secrets | other.secrets,
            config_maps=self.config_maps | other.config_maps,
            role_names=self.role_names | other.role_names,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What was fetched. A missing entry and None are the same: not there.

    Attributes:
        role_definitions: Built-in role name in lower case -> id of the role definition, at any scope.
        refused: Kind, namespace and name of a Secret or ConfigMap that may not be read -> why.
        unread_roles: Role name in lower case -> why it could not be looked up; it is not among the definitions then.
    """

    secrets: Mapping[ObjectName, Mapping[str, Secret] | None] = field(default_factory=dict)
    config_maps: Mapping[ObjectName, Mapping[str, str] | None] = field(default_factory=dict)
    refused: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    role_definitions: Mapping[str, str | None] = field(default_factory=dict)
    unread_roles: Mapping[str, str] = field(default_factory=dict)


NO_INPUTS = Inputs()


class Resolver(Protocol):
    """Turns what a spec points at into values. UNKNOWN where that is not known; the resolver remembers why."""

    def reference(self, group: str, kind: str, name: str, report: Report) -> Any:
        """Return the ARM id of an object in the same namespace."""
        ...

    def role(self, name: str, report: Report) -> Any:
        """Return the id of a built-in role definition."""
        ...

    def secret(self, name: str, key: str, report: Report) -> Any:
        """Return one value of a Secret."""
        ...

    def secret_map(self, name: str, report: Report) -> Any:
        """Return all values of a Secret."""
        ...

    def config_value(self, name: str, key: str, report: Report) -> Any:
        """Return one value of a ConfigMap."""
        ...


_REFERENCE = ("group", "kind", "name", "armId")
_DESTINATION = ("name", "key", "annotations", "labels")
_SHAPES: Mapping[Special, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # members, of them required
    Special.REFERENCE: (_REFERENCE, ()),
    Special.WELL_KNOWN_REFERENCE: ((*_REFERENCE, "wellKnownName"), ()),
    Special.SECRET: (("name", "key"), ("name", "key")),
    Special.SECRET_MAP: (("name",), ("name",)),
    Special.CONFIG_MAP: (("name", "key"), ("name", "key")),
    Special.OWNER: (("name", "armId"), ()),
    Special.ARBITRARY_OWNER: (_REFERENCE, ()),
    Special.KUBERNETES_OWNER: (("name",), ("name",)),
    Special.SECRET_DESTINATION: (_DESTINATION, ("name", "key")),
    Special.CONFIG_MAP_DESTINATION: (_DESTINATION, ("name", "key")),
    Special.EXPRESSION: ((*_DESTINATION, "value"), ("name", "value")),
    Special.CONDITION: ((), ()),
}
_OWNERS = {Special.OWNER: ("name",), Special.ARBITRARY_OWNER: ("group", "kind", "name")}
_KIND_MEMBERS = frozenset({"group", "kind"})
_MAPS = frozenset({"annotations", "labels"})


def read_special(special: Special, value: Any, report: Report) -> dict[str, Any] | None:
    """Return the members of a reference-like value, texts only; None when it does not fit and that was noted."""
    names, required = _SHAPES[special]
    if type(value) is not dict:
        report.wrong_type(f"an object with {', '.join(names)}", value)
        return None
    before = len(report.misfits)
    if not value.keys() <= set(names):
        value = report.fold(_without_redundant(special, value, report), names)
    out = {name: item for name, item in value.items() if item is not None and item != ""}
    for name, item in out.items():
        if name not in _MAPS and type(item) is not str:
            report.wrong_type("a text", item, at=name)
        elif name in _MAPS and not _is_text_map(item):
            report.wrong_type("an object of texts", item, at=name)
    for name in required:
        if name not in out:
            report.misfit(f"{name!r} is missing")
    return out if len(report.misfits) == before else None


def _without_redundant(special: Special, value: dict[str, Any], report: Report) -> dict[str, Any]:
    """Leave out group and kind of an owner whose kind is fixed: they may be there, and are compared elsewhere."""
    redundant = value.keys() & _KIND_MEMBERS if special is Special.OWNER else ()
    for name in sorted(redundant):
        report.tolerate(f"{name!r} is not needed: the kind of the owner is fixed", at=name)
    return {name: item for name, item in value.items() if name not in redundant}


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def check_reference(members: Mapping[str, str], needed: Iterable[str], report: Report) -> bool:
    """Note a reference that is neither an armId alone nor complete; say whether it is sound."""
    named = [name for name in _REFERENCE if name in members and name != "armId"]
    if "armId" in members:
        if named:
            report.misfit(f"'armId' excludes {', '.join(map(repr, named))}", hint="keep one form")
        elif not members["armId"].startswith("/"):
            report.misfit("'armId' must begin with '/'", at="armId")
        return not named and members["armId"].startswith("/")
    missing = [name for name in needed if name not in members]
    if missing:
        report.misfit(f"needs {', '.join(map(repr, missing))} or 'armId'")
        return False
    if members["name"].startswith("/"):
        report.misfit("'name' looks like an ARM id", hint="did you mean 'armId'?", at="name")
        return False
    return True


def resolve_special(special: Special, value: Any, report: Report, resolver: Resolver, *, is_role: bool = False) -> Any:
    """Return what a reference-like value becomes in the ARM body; UNKNOWN when not known or not sound."""
    members = read_special(special, value, report)
    if members is None:
        return UNKNOWN
    if special is Special.SECRET:
        return resolver.secret(members["name"], members["key"], report)
    if special is Special.SECRET_MAP:
        return resolver.secret_map(members["name"], report)
    if special is Special.CONFIG_MAP:
        return resolver.config_value(members["name"], members["key"], report)
    if special in (Special.REFERENCE, Special.WELL_KNOWN_REFERENCE):
        return _resolve_reference(members, report, resolver, is_role=is_role)
    if special in _OWNERS:
        check_reference(members, _OWNERS[special], report)
    return None


def _resolve_reference(members: Mapping[str, str], report: Report, resolver: Resolver, *, is_role: bool) -> Any:
    well_known = members.get("wellKnownName")
    if well_known:
        if len(members) > 1:
            report.misfit("'wellKnownName' excludes the other members", hint="keep one form")
        return resolver.role(well_known, report) if is_role else well_known
    if not check_reference(members, ("group", "kind", "name"), report):
        return UNKNOWN
    if "armId" in members:
        return members["armId"]
    return resolver.reference(members["group"], members["kind"], members["name"], report)
