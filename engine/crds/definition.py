"""One kind in all its versions as a CustomResourceDefinition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from engine.crds import texts
from engine.crds.schema import Schema, SchemaWriter
from engine.crds.union import Unifier
from schemas.descriptions import NOTHING, Notes, notes_of
from schemas.kind_types import Kind
from schemas.kinds import groups, kinds_of, lookup_kind, versions

_TEXT: Final[Schema] = {"type": "string"}
COLUMNS: Final = (("Ready", "status"), ("Severity", "severity"), ("Reason", "reason"), ("Message", "message"))
_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_ANYTHING: Final[Schema] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def define(
    group: str,
    kind: str,
    *,
    version: str,
    newest_only: bool = False,
    labels: Mapping[str, str] | None = None,
    descriptions: bool = False,
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
        descriptions: Say of each member what it is for: what ``kubectl explain`` prints, twice the size.
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
                _MANAGED_BY: "trueup",
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
            "versions": [_version(k, kinds, hub, descriptions=descriptions) for k in served],
        },
    }


def _version(kind: Kind, kinds: Sequence[Kind], hub: Kind, *, descriptions: bool) -> dict[str, Any]:
    others = [k for k in kinds if k is not hub] if kind is hub else []
    return {
        "name": kind.version,
        "served": True,
        "storage": kind is hub,
        "schema": {"openAPIV3Schema": _schema(kind, others, stored=kind is hub, descriptions=descriptions)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": "string", "jsonPath": f".status.conditions[?(@.type=='Ready')].{member}"}
            for name, member in COLUMNS
        ],
    }


def _schema(kind: Kind, others: Sequence[Kind], *, stored: bool, descriptions: bool) -> Schema:
    """Return the schema of a kind, with the members of other versions of it."""
    unifier = Unifier()
    spec = unifier.unite([kind.spec, *(k.spec for k in others)], leads=True)
    status = unifier.unite([kind.status, *(k.status for k in others)])
    explains = kind.scope if descriptions else None
    for_spec, for_status = _notes(kind, others) if descriptions else (NOTHING, NOTHING)
    bags = unifier.with_bag
    writer = SchemaWriter(checks=True, with_bag=bags, explains=explains)
    written = writer.write(spec, for_spec)
    if stored and kind.is_arm:
        original = writer.added("originalVersion", _TEXT)
        written["properties"] = {**written["properties"], "originalVersion": original}
    seen = SchemaWriter(checks=False, with_bag=bags, explains=explains).write(status, for_status)
    root = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}, "spec": written, "status": seen}
    if descriptions:
        root |= {name: {**root[name], "description": text} for name, text in texts.ROOT.items()}
        return {"type": "object", "description": texts.kind_text(kind), "properties": root}
    return {"type": "object", "properties": root}


def _notes(kind: Kind, others: Sequence[Kind]) -> tuple[Notes, Notes]:
    """Return what is said of spec and status by this version, else by the newest other one."""
    names = [kind.version, *(k.version for k in reversed(others))]
    return notes_of(kind.group, kind.name, names, "spec"), notes_of(kind.group, kind.name, names, "status")


def is_described(definition: Mapping[str, Any] | None) -> bool:
    """Whether an installed definition is ours and says of its members what they are for."""
    if definition is None or (definition["metadata"].get("labels") or {}).get(_MANAGED_BY) != "trueup":
        return False
    schemas = ((v.get("schema") or {}).get("openAPIV3Schema") or {} for v in definition["spec"]["versions"])
    return any("description" in schema for schema in schemas)


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
