"""Our definitions against the list of ASO's kinds: names, versions, columns, and every member of every version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.crds.definition import all_names, define

pytestmark = pytest.mark.shared

HAND_WRITTEN = {
    ("dbformysql.azure.com", "User"),
    ("dbforpostgresql.azure.com", "User"),
    ("entra.azure.com", "SecurityGroup"),
    ("sql.azure.com", "User"),
}
OURS = {"originalVersion", "$propertyBag"}
"""What ASO's storage versions have beside the members of the hub."""
COLUMNS = (("Ready", "status"), ("Severity", "severity"), ("Reason", "reason"), ("Message", "message"))
SCALARS = {"string": "string", "int": "integer", "number": "number", "bool": "boolean"}
SPECIALS = {
    "$ResourceReference": {"armId", "group", "kind", "name"},
    "$WellKnownResourceReference": {"armId", "group", "kind", "name", "wellKnownName"},
    "$SecretReference": {"key", "name"},
    "$SecretMapReference": {"name"},
    "$ConfigMapReference": {"key", "name"},
    "$KnownResourceReference": {"armId", "name"},
    "$ArbitraryOwnerReference": {"armId", "group", "kind", "name"},
    "$KubernetesOwnerReference": {"name"},
    "$SecretDestination": {"annotations", "key", "labels", "name"},
    "$ConfigMapDestination": {"annotations", "key", "labels", "name"},
    "$DestinationExpression": {"annotations", "key", "labels", "name", "value"},
    "$Condition": {
        "lastTransitionTime",
        "message",
        "observedGeneration",
        "reason",
        "severity",
        "status",
        "type",
    },
}


class Catalogue:
    """One group, read as its format says and by nothing of the product."""

    def __init__(self, path: Path) -> None:
        self.document: dict[str, Any] = orjson.loads(path.read_bytes())
        self.group: str = self.document["group"]

    def kinds(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield version, kind and what is said of it."""
        for version, held in self.document["versions"].items():
            for kind, facts in held["kinds"].items():
                yield version, kind, facts

    def gaps(self, expr: Any, schema: Mapping[str, Any], at: str, *, more: bool) -> Iterator[str]:
        """Yield where a schema has other members or types than a type; ``more`` allows more members and wider types."""
        if expr == "any" or (more and schema.get("x-kubernetes-preserve-unknown-fields")):
            return
        found = self.document["types"][expr] if isinstance(expr, int) else expr
        if isinstance(found, str):
            yield from self._plain(found, schema, at, more=more)
        elif "[]" in found:
            yield from self.gaps(found["[]"], schema.get("items", {"type": "nothing"}), f"{at}[]", more=more)
        elif "{}" in found:
            inner = schema.get("additionalProperties", {"type": "nothing"})
            yield from self.gaps(found["{}"], inner, f"{at}{{}}", more=more)
        elif found["k"] == "o":
            yield from self._object(found, schema, at, more=more)
        elif found["k"] == "s":
            yield from self.gaps(found["t"], schema, at, more=more)
        elif found["k"] == "e" and not more and set(schema.get("enum", found["v"])) != set(found["v"]):
            yield f"{at}: enum is {schema['enum']}"

    def _plain(self, name: str, schema: Mapping[str, Any], at: str, *, more: bool) -> Iterator[str]:
        if name in SPECIALS:
            if set(schema["properties"]) != SPECIALS[name]:
                yield f"{at}: {name} has {sorted(schema['properties'])}"
        elif schema.get("type") != SCALARS[name] and not (more and (name, schema.get("type")) == ("int", "number")):
            yield f"{at}: is {schema.get('type')}, not {name}"

    def _object(self, found: Mapping[str, Any], schema: Mapping[str, Any], at: str, *, more: bool) -> Iterator[str]:
        members, has = found["p"], schema.get("properties", {})
        if missing := members.keys() - has.keys():
            yield f"{at}: lacks {sorted(missing)}"
        if not more and (extra := has.keys() - members.keys()):
            yield f"{at}: has {sorted(extra)} as well"
        for name in members.keys() & has.keys():
            member = members[name]
            expr = member["t"] if isinstance(member, dict) and "t" in member else member
            yield from self.gaps(expr, has[name], f"{at}/{name}", more=more)


@pytest.fixture(scope="module")
def catalogues(shared: Path) -> list[Catalogue]:
    return [Catalogue(path) for path in sorted((shared / "aso" / "catalog").glob("*.json"))]


@pytest.fixture(scope="module")
def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    return {(group, kind): define(group, kind, version="v1") for group, kind in all_names()}


def test_kinds_and_versions_are_those_of_the_catalog(
    catalogues: list[Catalogue], definitions: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """777 generated kind-versions of 290 kinds and the four hand-written ones: no more, no fewer, all served."""
    listed = {(c.group, kind, version) for c in catalogues for version, kind, _ in c.kinds()}
    ours = {
        (group, kind, v["name"])
        for (group, kind), definition in definitions.items()
        for v in definition["spec"]["versions"]
        if v["served"]
    }

    assert ours == listed
    assert len({one for one in ours if one[:2] not in HAND_WRITTEN}) == 777
    assert {one[:2] for one in ours} >= HAND_WRITTEN


def test_names_categories_and_storage_are_those_of_the_catalog(
    catalogues: list[Catalogue], definitions: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """Plural, categories and list kind are ASO's; stored is the hub; there are no short names."""
    for catalogue in catalogues:
        for version, kind, facts in catalogue.kinds():
            spec = definitions[catalogue.group, kind]["spec"]
            names = spec["names"]
            (stored,) = [v["name"] for v in spec["versions"] if v["storage"]]

            assert (names["plural"], names["listKind"]) == (facts["plural"], f"{kind}List")
            assert set(names["categories"]) == set(facts.get("categories", names["categories"])), kind
            assert "shortNames" not in names
            assert (stored == version) >= bool(facts.get("hub")), f"{kind}: {version} is the hub"


def test_printer_columns_are_aso_s(definitions: dict[tuple[str, str], dict[str, Any]]) -> None:
    """``kubectl get`` prints the Ready condition, in every version of every kind."""
    columns = tuple((name, f".status.conditions[?(@.type=='Ready')].{member}") for name, member in COLUMNS)
    printed = {
        tuple((c["name"], c["jsonPath"]) for c in version["additionalPrinterColumns"])
        for definition in definitions.values()
        for version in definition["spec"]["versions"]
    }

    assert printed == {columns}


def test_every_member_of_every_version_is_there(
    catalogues: list[Catalogue], definitions: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """Specs and statuses have the catalog's members with its types; the stored version has those of all versions."""
    gaps: list[str] = []
    for catalogue in catalogues:
        for version, kind, facts in catalogue.kinds():
            by_name = {v["name"]: v for v in definitions[catalogue.group, kind]["spec"]["versions"]}
            stored = next(v for v in by_name.values() if v["storage"])
            for of, is_union in ((by_name[version], by_name[version] is stored), (stored, True)):
                members = of["schema"]["openAPIV3Schema"]["properties"]
                for part in ("spec", "status"):
                    at = f"{catalogue.group}/{version} {kind} {part}"
                    gaps += catalogue.gaps(facts[part], members[part], at, more=is_union)

    assert gaps == []
