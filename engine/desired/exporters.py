"""Which object fills a Secret or ConfigMap: what its ``operatorSpec`` exports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.desired.identity import spec_of
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource

SECRET = "Secret"  # noqa: S105 - the kind
CONFIG_MAP = "ConfigMap"
_NAMED = {"secrets": SECRET, "configMaps": CONFIG_MAP}
_EXPRESSIONS = {"secretExpressions": SECRET, "configMapExpressions": CONFIG_MAP}

Destination = tuple[str, str, str]
"""``Secret`` or ``ConfigMap``, namespace, name."""


def find_exporters(resources: Iterable[CustomResource]) -> dict[Destination, ResourceKey]:
    """Return who fills what; of several objects with one destination the first in order of keys counts."""
    found: dict[Destination, ResourceKey] = {}
    for resource in resources:
        operator = spec_of(resource).get("operatorSpec")
        if not isinstance(operator, dict):
            continue
        for kind, name in _destinations(operator):
            destination = (kind, resource.key.namespace, name)
            found[destination] = min(found.get(destination, resource.key), resource.key)
    return found


def _destinations(operator: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for member, kind in _NAMED.items():
        named = operator.get(member)
        if isinstance(named, dict):
            yield from ((kind, name) for one in named.values() if (name := _name(one)))
    for member, kind in _EXPRESSIONS.items():
        listed = operator.get(member)
        if isinstance(listed, list):
            yield from ((kind, name) for one in listed if (name := _name(one)))


def _name(destination: Any) -> str:
    name = destination.get("name") if isinstance(destination, dict) else None
    return name if isinstance(name, str) else ""
