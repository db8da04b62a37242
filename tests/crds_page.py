"""The reference of definitions: DriftReport, and the kinds of Azure Service Operator that there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.crds.definition import define
from engine.drift.definition import drift_report_definition
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


def render_page() -> str:
    """Return the page."""
    return "".join([_HEAD, *_drift_report(), *_kinds()])


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
