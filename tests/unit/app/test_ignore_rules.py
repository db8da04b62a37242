"""``--ignore``: what may stand in a file or a config map, and what is said of the rest."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest
import yaml

from engine.app.ignore_rules import read_ignore_rules
from engine.desired.ignore import FleetRule, rules_for
from engine.errors import InvalidSpecError
from engine.model.path import FieldPath
from providers.manifests.source import ManifestSource
from schemas.kinds import lookup_kind
from tests.builders import build_key

LIST = """
- group: storage.azure.com
  kind: StorageAccount
  jsonPointers: [/spec/accessTier]
- types: ["Microsoft.Network/*"]
  namespace: prod-*
  jsonPointers: [/tags/touched, "/properties/subnets/[name=web]/properties"]
  until: 2027-03-01
"""
ARGO_CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  accounts.alice: login
  resource.customizations.ignoreDifferences.all: |
    jsonPointers: [/tags/a]
  resource.customizations.ignoreDifferences.storage.azure.com_StorageAccount: |
    jsonPointers: [/spec/accessTier]
"""
APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  project: default
  ignoreDifferences:
  - {kind: StorageAccount, name: app, jsonPointers: [/spec/accessTier]}
"""


def read(folder: Path, text: str) -> tuple[FleetRule, ...]:
    """Read the rules of one file."""
    (folder / "rules.yaml").write_text(text)
    return asyncio.run(read_ignore_rules([str(folder / "rules.yaml")], ManifestSource([], read_stdin=bytes)))


@pytest.mark.parametrize("text", [LIST, "ignoreDifferences:" + LIST])
def test_list_of_entries(tmp_path: Path, text: str) -> None:
    """Entries stand in a list or under ``ignoreDifferences``."""
    first, second = read(tmp_path, text)

    assert (first.group, first.kind, first.pointers) == ("storage.azure.com", "StorageAccount", ("/spec/accessTier",))
    assert (second.types, second.namespace, second.until) == (("Microsoft.Network/*",), "prod-*", date(2027, 3, 1))
    assert second.source.endswith("rules.yaml: rule 2")


def test_application_of_argo(tmp_path: Path) -> None:
    """The rules of an Argo CD Application are taken from its spec."""
    (rule,) = read(tmp_path, APPLICATION)

    assert (rule.kind, rule.name, rule.pointers) == ("StorageAccount", "app", ("/spec/accessTier",))


def test_settings_of_argo_for_the_fleet(tmp_path: Path) -> None:
    """Of Argo CD's own config map the keys about ignored differences are taken, with the kind they name."""
    everywhere, accounts = read(tmp_path, ARGO_CONFIG)

    assert (everywhere.group, everywhere.kind, everywhere.pointers) == ("", "", ("/tags/a",))
    assert (accounts.group, accounts.kind) == ("storage.azure.com", "StorageAccount")


def test_config_map_of_the_input(tmp_path: Path) -> None:
    """A ConfigMap of the input is named by namespace and name."""
    metadata = {"name": "rules", "namespace": "web"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x.yaml": LIST}}
    (tmp_path / "input.yaml").write_text(yaml.safe_dump(config_map))
    source = ManifestSource([str(tmp_path)], read_stdin=bytes)

    rules = asyncio.run(read_ignore_rules(["configmap/web/rules"], source))

    assert [rule.source for rule in rules] == [
        "configmap/web/rules x.yaml: rule 1",
        "configmap/web/rules x.yaml: rule 2",
    ]
    with pytest.raises(InvalidSpecError, match="configmap/web/other is not in the input"):
        asyncio.run(read_ignore_rules(["configmap/web/other"], source))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {kind: A, jqPathExpressions: [.a]}", "rule 1: jqPathExpressions cannot be used"),
        ("- {kind: A, managedFieldsManagers: [x]}", "managedFieldsManagers cannot be used"),
        ("- {kind: A, jsonPointer: [/a]}", "jsonPointer means nothing"),
        ("- {kind: A}", "names no place"),
        ("- {jsonPointers: [a]}", "'a' is no JSON Pointer"),
        ("- {jsonPointers: [/metadata/labels]}", "is no place in the resource"),
        ("- {jsonPointers: ['']}", "is no place in the resource"),
        ("- {jsonPointers: /a}", "not a list of texts"),
        ("- {jsonPointers: [/a], until: soon}", "until is not a date"),
        ("- {jsonPointers: [/a], kind: [A]}", "kind is not a text"),
        ("- text", "rule 1 is not an object"),
        ("kind: Deployment", "holds no ignore rules|means nothing|is not"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_no_rule_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    """A rule that Trueup does not know is refused as a whole: half a rule would hide the wrong thing."""
    with pytest.raises(InvalidSpecError, match=words):
        read(tmp_path, text)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is named."""
    with pytest.raises(InvalidSpecError, match=r"nowhere\.yaml cannot be read"):
        asyncio.run(read_ignore_rules([str(tmp_path / "nowhere.yaml")], ManifestSource([], read_stdin=bytes)))


def test_rule_becomes_places_of_one_object() -> None:
    """Places below /spec are translated per kind; a rule for other objects means nothing here."""
    kind = lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    assert kind is not None
    fleet = (
        FleetRule(pointers=("/spec/accessTier", "/spec/owner/name", "/tags/a"), source="f", kind="storage*"),
        FleetRule(pointers=("/tags/b",), source="f", types=("Microsoft.Network/*",)),
        FleetRule(pointers=("/tags/c",), source="f", types=("microsoft.storage/*",), namespace="default"),
    )

    rules = rules_for(fleet, build_key(), kind)

    assert [rule.path for rule in rules] == [
        FieldPath(("properties", "accessTier")),
        FieldPath(("tags", "a")),
        FieldPath(("tags", "c")),
    ]
    assert [rule.pointer for rule in rules] == ["/spec/accessTier", "/tags/a", "/tags/c"]
