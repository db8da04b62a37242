"""Which secrets, config maps and role names objects ask for, without converting anything.

A type whose members cannot ask for any compiles to nothing, so most objects cost one dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from engine.desired.check import Report
from engine.desired.convert import role_place_of
from engine.desired.inputs import WantedInputs
from engine.model.state import CustomResource
from schemas.kind_types import ListType, MapType, ObjectType, Special, TypeExpr
from schemas.kinds import lookup_kind


class _Found:
    __slots__ = ("config_maps", "namespace", "roles", "secrets")

    def __init__(self) -> None:
        self.namespace = ""
        self.secrets: set[tuple[str, str]] = set()
        self.config_maps: set[tuple[str, str]] = set()
        self.roles: set[str] = set()


_Walk = Callable[[Any, _Found], None]


def wanted_inputs(resources: Iterable[CustomResource]) -> WantedInputs:
    """Return everything that has to be fetched before the bodies of these objects can be built."""
    found = _Found()
    for resource in resources:
        key = resource.key
        walk = _compile_kind(key.group, key.version, key.kind)
        if walk is not None:
            found.namespace = key.namespace
            walk(resource.spec.value, found)
    return WantedInputs(
        secrets=frozenset(found.secrets),
        config_maps=frozenset(found.config_maps),
        role_names=frozenset(found.roles),
    )


def inputs_of_selected(chosen: Iterable[CustomResource], others: Iterable[CustomResource]) -> WantedInputs:
    """Return what has to be fetched before the bodies of some objects can be built.

    Args:
        chosen: The objects whose bodies are built.
        others: Objects whose names, and with them ids, come from config maps.
    """
    needs = wanted_inputs(chosen)
    return replace(needs, config_maps=needs.config_maps | wanted_inputs(others).config_maps)


@cache
def _compile_kind(group: str, version: str, name: str) -> _Walk | None:
    kind = lookup_kind(group, version, name)
    if kind is None or not kind.is_arm:
        return None
    role_place = role_place_of(kind)
    roles = {n: _role for n, m in kind.spec.members.items() if role_place and m.place == role_place}
    return _compile_members(kind.spec, roles)


@cache
def _compile(expr: TypeExpr) -> _Walk | None:
    if isinstance(expr, Special):
        return _SPECIALS.get(expr)
    if isinstance(expr, ListType | MapType):
        item = _compile(expr.item)
        return _each(item) if item is not None else None
    return _compile_members(expr, {}) if isinstance(expr, ObjectType) else None


def _compile_members(expr: ObjectType, roles: Mapping[str, _Walk]) -> _Walk | None:
    walks = dict(roles)
    walks |= {name: walk for name, m in expr.members.items() if (walk := _compile(m.type)) and m.place is not None}
    walks |= {name: _config_map for name, m in expr.members.items() if m.type is Special.CONFIG_MAP}
    if not walks:
        return None
    names = expr.members.keys()

    def walk_members(value: Any, found: _Found) -> None:
        if not isinstance(value, dict):
            return
        members = value if value.keys() <= names else Report().fold(value, names)
        for name, walk in walks.items():
            item = members.get(name)
            if item is not None:
                walk(item, found)

    return walk_members


def _each(walk: _Walk) -> _Walk:
    def walk_all(value: Any, found: _Found) -> None:
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                walk(item, found)

    return walk_all


def _name(value: Any, member: str = "name") -> str:
    name = value.get(member) if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def _secret(value: Any, found: _Found) -> None:
    if name := _name(value):
        found.secrets.add((found.namespace, name))


def _config_map(value: Any, found: _Found) -> None:
    if name := _name(value):
        found.config_maps.add((found.namespace, name))


def _role(value: Any, found: _Found) -> None:
    if name := _name(value, "wellKnownName"):
        found.roles.add(name)


_SPECIALS: dict[Special, _Walk] = {
    Special.SECRET: _secret,
    Special.SECRET_MAP: _secret,
    Special.CONFIG_MAP: _config_map,
}
