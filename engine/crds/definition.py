"""One kind in all its versions as a CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from engine.crds.schema import Schema, SchemaWriter
from engine.crds.union import Unifier
from schemas.kind_types import Kind, Scope
from schemas.kinds import groups, kinds_of, lookup_kind, versions

_TEXT: Final[Schema] = {"type": "string"}
COLUMNS: Final = (("Ready", "status"), ("Severity", "severity"), ("Reason", "reason"), ("Message", "message"))
STORAGE_SUFFIX: Final = "storage"
_ANYTHING: Final[Schema] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def define(
    group: str, kind: str, *, version: str, newest_only: bool = False, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the definition of a kind.

    The storage version is the one ASO's hub is made from; it holds every member of every version, so that an object
    written in any of them is stored whole, and is served like the others.

    Args:
        group: API group.
        kind: Kind name.
        version: Of this program; written as a label, as ASO does.
        newest_only: Serve nothing but the storage version.
        labels: More labels.
    """
    kinds = [k for v in versions(group, kind) if (k := lookup_kind(group, v, kind)) is not None]
    hub = next((k for k in kinds if k.is_hub), kinds[-1])
    served = [hub] if newest_only else kinds
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{hub.plural}.{group}",
            "labels": {
                **(labels or {}),
                "app.kubernetes.io/name": "azure-service-operator",
                "app.kubernetes.io/version": version,
                "app.kubernetes.io/managed-by": "trueup",
            },
        },
        "spec": {
            "group": group,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": hub.plural,
                "singular": kind.lower(),
                "categories": list(hub.categories),
            },
            "scope": "Namespaced",
            "versions": [_version(k, kinds, hub) for k in served],
        },
    }


def _version(kind: Kind, kinds: Sequence[Kind], hub: Kind) -> dict[str, Any]:
    schema = _union(hub, kinds) if kind is hub else _schema(kind)
    return {
        "name": kind.version,
        "served": True,
        "storage": kind is hub,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": "string", "jsonPath": f".status.conditions[?(@.type=='Ready')].{member}"}
            for name, member in COLUMNS
        ],
    }


def _schema(kind: Kind) -> Schema:
    spec, status = SchemaWriter(checks=True).write(kind.spec), SchemaWriter(checks=False).write(kind.status)
    return _root(spec, status)


def _union(hub: Kind, kinds: Sequence[Kind]) -> Schema:
    others = [k for k in kinds if k is not hub]
    unifier = Unifier()
    spec = unifier.unite([hub.spec, *(k.spec for k in others)], leads=True)
    status = unifier.unite([hub.status, *(k.status for k in others)])
    written = SchemaWriter(checks=True, with_bag=unifier.with_bag).write(spec)
    if hub.scope is not Scope.NONE:
        written["properties"] = {**written["properties"], "originalVersion": _TEXT}
    return _root(written, SchemaWriter(checks=False, with_bag=unifier.with_bag).write(status))


def _root(spec: Schema, status: Schema) -> Schema:
    properties = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}, "spec": spec, "status": status}
    return {"type": "object", "properties": properties}


def keep_stored(definition: dict[str, Any], stored: Iterable[str]) -> dict[str, Any]:
    """Return the definition with the versions that objects are stored in and that it lacks.

    They are not served; whatever such an object holds is read through the versions that are.
    """
    spec = definition["spec"]
    known = {v["name"] for v in spec["versions"]}
    more = [
        {"name": name, "served": False, "storage": False, "schema": {"openAPIV3Schema": _ANYTHING}}
        for name in stored
        if name not in known
    ]
    return {**definition, "spec": {**spec, "versions": [*spec["versions"], *more]}} if more else definition


def all_names() -> Iterator[tuple[str, str]]:
    """Yield group and kind of everything that can be defined, sorted."""
    for group in groups():
        for kind in kinds_of(group):
            yield group, kind
