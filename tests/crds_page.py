"""The reference of definitions: DriftReport, and the kinds of Azure Service Operator that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.crds.definition import define
from engine.drift.definition import drift_report_definition
from schemas.behaviours import lookup_kind_behaviour
from schemas.kinds import groups, kinds_of, versions
from tests.conftest import ROOT

PAGE: Final = ROOT / "docs" / "crds.md"
_HEAD: Final = """# Definitions

<!-- Made from the code by TRUEUP_GOLDEN_ACCEPT=1 pytest tests/repo/test_crds_reference.py -->

Trueup has one kind of its own, `DriftReport`; all others are those of Azure Service Operator, with the same names,
groups and versions, so that objects and manifests stay as they are. `trueup crds` prints, installs, compares and trims
definitions: [the command line](cli.md). The pod installs what `--crd-pattern` names and upgrades what is there; nothing
deletes a definition.
"""

OPERATOR_SPEC: Final = {
    "secrets": "by name of a value that the kind has, see below: `name` and `key` of the Secret that it is written to",
    "configMaps": "the same, to a ConfigMap",
    "secretExpressions": "`name`, `key` and `value`: what a CEL expression over `self` and `secret` gives, to a Secret",
    "configMapExpressions": "the same over `self`, to a ConfigMap",
    "namingConvention": "of RoleAssignment and RoleDefinition: `stable` (worked out of the object's) or `random`",
    "creationMode": "of SecurityGroup: `AdoptOrCreate` or `AlwaysCreate`",
    "configmaps": "of SecurityGroup: `entraID` with `name` and `key` of the ConfigMap that its id is written to",
}
"""Member -> meaning."""


def render_page() -> str:
    """Return the page."""
    return "".join([_HEAD, *_drift_report(), *_kinds(), *_operator_spec()])


def _drift_report() -> Iterator[str]:
    spec = drift_report_definition()["spec"]
    (version,) = spec["versions"]
    names = spec["names"]
    yield f"\n## {names['kind']}\n\n"
    yield f"`{spec['group']}/{version['name']}`, `{names['plural']}`, short `{names['shortNames'][0]}`; one in each "
    yield "namespace, named `drift`, written by the pod alone. [Drift in a cluster](drift.md) says how to read it.\n\n"
    yield "| column | from |\n|---|---|\n"
    for column in version["additionalPrinterColumns"]:
        wide = " (`-o wide`)" if column.get("priority") else ""
        yield f"| {column['name']}{wide} | `{column['jsonPath']}` |\n"
    yield "\n| member | type | meaning |\n|---|---|---|\n"
    schema = version["schema"]["openAPIV3Schema"]["properties"]
    for name in (n for n in schema if n not in ("apiVersion", "kind", "metadata")):
        yield from _member(name, schema[name])


def _member(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    kind, inner = _type_of(schema), schema.get("items", schema)
    yield f"| `{path}` | {kind} | {schema.get('description', '')} |\n"
    mark = "[]" if schema["type"] == "array" else ""
    for name, below in inner.get("properties", {}).items():
        yield from _member(f"{path}{mark}.{name}", below)


def _type_of(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    return {"date-time": "time", "int64": "count"}.get(schema.get("format", ""), schema["type"])


def _kinds() -> Iterator[str]:
    every = {group: kinds_of(group) for group in groups()}
    count = sum(map(len, every.values()))
    yield f"\n## Kinds of Azure Service Operator\n\n{count} kinds in {len(every)} groups. The version that is "
    yield "stored is named; it holds every member of every version, so that objects of the others lose nothing.\n"
    yield "\n| group | kinds, with the stored version and how many others are served |\n|---|---|\n"
    for group, kinds in every.items():
        yield f"| `{group}` | {', '.join(_kind(group, kind) for kind in kinds)} |\n"


def _kind(group: str, kind: str) -> str:
    found = define(group, kind, version="v0")["spec"]["versions"]
    (stored,) = [v["name"] for v in found if v["storage"]]
    others = len(versions(group, kind)) - 1
    return f"{kind} ({stored}{f' and {others}' if others else ''})"


def _operator_spec() -> Iterator[str]:
    yield "\n## operatorSpec\n\nWhat is done beside the resource; Azure gets none of it. "
    yield "[`run`](cli.md#run) says when it is written.\n\n| member | meaning |\n|---|---|\n"
    for member, meaning in OPERATOR_SPEC.items():
        yield f"| `{member}` | {meaning} |\n"
    yield "\nA destination of the first four also takes `annotations` and `labels` for the Secret or ConfigMap. A name "
    yield "that a kind does not have is refused.\n\n| kind | `secrets` | `configMaps` |\n|---|---|---|\n"
    for group in groups():
        for kind in kinds_of(group):
            yield from _exports(group, kind)


def _exports(group: str, kind: str) -> Iterator[str]:
    found = lookup_kind_behaviour(group, kind)
    if found is not None and (found.secrets or found.config_maps):
        texts = [", ".join(f"`{key.name}`" for key in keys) for keys in (found.secrets, found.config_maps)]
        yield f"| {kind} ({group}) | {' | '.join(texts)} |\n"


def operator_members() -> set[str]:
    """Return what the specs of all kinds and versions have below ``operatorSpec``."""
    found: set[str] = set()
    for group in groups():
        for kind in kinds_of(group):
            for version in define(group, kind, version="v0")["spec"]["versions"]:
                spec = version["schema"]["openAPIV3Schema"]["properties"].get("spec", {}).get("properties", {})
                found |= spec.get("operatorSpec", {}).get("properties", {}).keys()
    return found
