"""Facts per type: what each effect excuses, what it does not, and that the table is sound."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import Subject
from engine.model.document import Secret
from schemas import arm
from schemas.comparison_facts import ComparisonFact, Effect, all_facts, facts_for, secret_members
from tests.compare_cases import TAGS, TEXT, fact, find, open_places, rules_at, shape

GENERATED = fact("a", Effect.GENERATED, pattern=r"\{\{.+\}\}")
ALIAS = fact("a", Effect.ALIAS, values={"utf8": "utf8mb3", "custom": 1})
ADDED = fact("l[]", Effect.ADDED_ELEMENT, match={"kind": "Default"})
ID = "/subscriptions/0/resourceGroups/{}/providers/Microsoft.X/y/z"

EXCUSED: list[tuple[ComparisonFact, Any, Any]] = [
    (fact("a", Effect.NOT_RETURNED), {"a": "x"}, {}),
    (fact("a", Effect.NOT_RETURNED), {"a": {"b": 1}}, {"a": None}),
    (fact("a", Effect.NOT_RETURNED, sent=(False,)), {"a": False}, {}),
    (fact("a", Effect.NOT_RETURNED, sent=({"unique": False},)), {"a": {"unique": False}}, {}),
    (fact("a", Effect.NOT_RETURNED, when={"b": ("Free", None)}), {"a": 1, "b": "free"}, {"b": "free"}),
    (fact("a", Effect.NOT_RETURNED, when={"/b/c": ("*",)}), {"a": 1}, {"b": {"c": 0}}),
    (fact("a", Effect.FORCED, held=(True,)), {"a": False}, {"a": True}),
    (GENERATED, {"a": "mine"}, {"a": "{{theirs}}"}),
    (fact("a", Effect.RAISED), {"a": "10"}, {"a": "642"}),
    (fact("a", Effect.FILLED), {"a": ""}, {"a": "name"}),
    (fact("l[]", Effect.DROPPED_ELEMENT), {"l": [{"name": "a"}]}, {"l": []}),
    (ADDED, {"l": []}, {"l": [{"kind": "default", "size": 1}]}),
    (fact("tags.hidden", Effect.ADDED_KEY), {"tags": {}}, {"tags": {"hidden": "x"}}),
    (ALIAS, {"a": "UTF8"}, {"a": "utf8mb3"}),
    (ALIAS, {"a": "Custom"}, {"a": 1.0}),
    (fact("a", Effect.ALIAS_PREFIX, values={"utf8_": "utf8mb3_"}), {"a": "utf8_bin"}, {"a": "utf8mb3_bin"}),
    (fact("a", Effect.COMPLETED, held=(" allkeys",)), {"a": "+get"}, {"a": "+get allkeys"}),
    (fact("a", Effect.CASE), {"a": "customRole"}, {"a": "CustomRole"}),
    (fact("a", Effect.SLASH), {"a": "/x"}, {"a": "x/"}),
    (fact("a", Effect.ID_BELOW_PROVIDER), {"a": ID.format("x")}, {"a": ID.format("rg")}),
    (fact("a", Effect.XML), {"a": "<x> <y/> </x>"}, {"a": "<x><y /></x>"}),
    (fact("a", Effect.JSON), {"a": '{"b":1}'}, {"a": '{ "b": 1 }'}),
    (fact("a", Effect.YAML), {"a": "b: 1 # one\nc: 'x'"}, {"a": "c: x\nb:   1\n"}),
    (fact("a", Effect.YAML), {"a": "Yjog MQo="}, {"a": "YjogIDEK"}),
    (fact("a", Effect.MOVED_BY_AZURE, when={"auto": (True,)}), {"a": 1, "auto": True}, {"a": 9, "auto": True}),
    (fact("m.{}", Effect.CASE), {"m": {"any": "x"}}, {"m": {"any": "X"}}),
]
COUNTED: list[tuple[ComparisonFact, Any, Any]] = [
    (fact("a", Effect.NOT_RETURNED), {"a": "x"}, {"a": "y"}),
    (fact("a", Effect.NOT_RETURNED), {"b": "x"}, {}),
    (fact("a", Effect.NOT_RETURNED), {"a": {"name": "x"}}, {"a": {}}),
    (fact("a", Effect.NOT_RETURNED), {"a": {"name": "x"}}, {"a": {"name": None}}),
    (fact("a", Effect.NOT_RETURNED, sent=(False,)), {"a": True}, {}),
    (fact("a", Effect.NOT_RETURNED, sent=({"unique": False},)), {"a": {"unique": False, "ttl": 5}}, {}),
    (fact("a", Effect.NOT_RETURNED, when={"b": ("Free",)}), {"a": 1}, {"b": "Standard"}),
    (fact("a", Effect.NOT_RETURNED, when={"/b/c": ("*",)}), {"a": 1}, {"b": {}}),
    (fact("a", Effect.FORCED, held=(True,)), {"a": True}, {"a": False}),
    (GENERATED, {"a": "mine"}, {"a": "theirs"}),
    (GENERATED, {"a": "mine"}, {}),
    (fact("a", Effect.RAISED), {"a": "10"}, {"a": "9"}),
    (fact("a", Effect.YAML), {"a": "b: 1"}, {"a": "b: '1'"}),
    (fact("a", Effect.YAML), {"a": "b: ["}, {"a": "b:  ["}),
    (fact("a", Effect.YAML), {"a": "b: &x 1\nc: *x"}, {"a": "b:  &x 1\nc: *x"}),
    (fact("a", Effect.YAML), {"a": "b: 1"}, {"a": "b:  1" + " " * 300_000}),
    (fact("a", Effect.FILLED), {"a": "x"}, {"a": "name"}),
    (fact("l[]", Effect.DROPPED_ELEMENT), {"l": []}, {"l": [{"name": "a"}]}),
    (ADDED, {"l": []}, {"l": [{"kind": "Other"}]}),
    (ADDED, {"l": [{"kind": "Default"}]}, {"l": []}),
    (fact("tags.hidden", Effect.ADDED_KEY), {"tags": {}}, {"tags": {"other": "x"}}),
    (ALIAS, {"a": "latin1"}, {"a": "utf8mb3"}),
    (fact("a", Effect.ALIAS_PREFIX, values={"utf8_": "utf8mb3_"}), {"a": "utf8_bin"}, {"a": "utf8mb3_ci"}),
    (fact("a", Effect.CASE), {"a": "customRole"}, {"a": "otherRole"}),
    (fact("a", Effect.COMPLETED, held=(" allkeys",)), {"a": "+get"}, {"a": "+get +set"}),
    (fact("a", Effect.SLASH), {"a": "/x/y"}, {"a": "xy"}),
    (fact("a", Effect.ID_BELOW_PROVIDER), {"a": ID.format("x")}, {"a": ID.format("rg") + "z"}),
    (fact("a", Effect.XML), {"a": "<x/>"}, {"a": "<y/>"}),
    (fact("a", Effect.JSON), {"a": '{"b":1}'}, {"a": '{"b":2}'}),
    (fact("a", Effect.MOVED_BY_AZURE, when={"auto": (True,)}), {"a": 1}, {"a": 9, "auto": True}),
    (fact("a", Effect.MOVED_BY_AZURE), {"a": 1}, {"a": None}),
    (fact("m.{}", Effect.CASE), {"n": {"any": "x"}}, {"n": {"any": "X"}}),
]
NODE = shape({"tags": TAGS})


@pytest.mark.parametrize(
    ("row", "desired", "actual"), EXCUSED, ids=[f"{r.effect}-{i}" for i, (r, _, _) in enumerate(EXCUSED)]
)
def test_fact_accounts_for_the_difference(row: ComparisonFact, desired: Any, actual: Any) -> None:
    """Each effect hides its difference under its own name, with note and source on the receipt."""
    findings = find(desired, actual, NODE, row)

    assert open_places(findings) == []
    assert {f.rule for f in findings} == {row.effect.value}
    assert all(f.why == "it does (a test)" for f in findings)


@pytest.mark.parametrize(
    ("row", "desired", "actual"), COUNTED, ids=[f"{r.effect}-{i}" for i, (r, _, _) in enumerate(COUNTED)]
)
def test_fact_hides_nothing_else(row: ComparisonFact, desired: Any, actual: Any) -> None:
    """Another value, another place or another condition is a difference in spite of the row."""
    assert len(open_places(find(desired, actual, NODE, row))) == 1


def test_keys_of_a_map_fold_by_fact() -> None:
    """Keys of one free map are read without letter case where a row says so."""
    node = shape({"m": TAGS})

    findings = find({"m": {"Key": "1"}}, {"m": {"key": "1"}}, node, fact("m", Effect.KEY_CASE))

    assert rules_at(findings) == {"/m/Key": "key-case"}


def test_secret_by_fact_is_excused_and_veiled() -> None:
    """A member that a row calls a secret may be left out, and is never shown."""
    left_out = find({"a": "x"}, {}, shape({"a": TEXT}), fact("a", Effect.SECRET))
    returned = find({"a": "x"}, {"a": "y"}, shape({"a": TEXT}), fact("a", Effect.SECRET))

    assert rules_at(left_out) == {"/a": "write-only"}
    assert returned[0].veiled


def test_returned_by_fact_lifts_the_excuse() -> None:
    """A member flagged write-only that reads return all the same counts when it is gone."""
    node = shape({"a": TEXT}, write_only=["a"])

    assert open_places(find({"a": "x"}, {}, node, fact("a", Effect.RETURNED))) == ["/a"]


def test_every_effect_is_tested_on_both_sides() -> None:
    """No effect exists that no case shows."""
    apart = {Effect.KEY_CASE, Effect.SECRET, Effect.RETURNED}

    assert {row.effect for row, _, _ in EXCUSED} | apart == set(Effect)
    assert {row.effect for row, _, _ in COUNTED} | apart == set(Effect)


def test_values_azure_moves_are_yielded() -> None:
    """What the object hands to Azure is no drift when Azure moves it, and a change when the user does."""
    pool = {"properties": {"enableAutoScaling": True, "count": 1}}
    grown = {"properties": {"enableAutoScaling": True, "count": 4}}
    subject = Subject(arm_type="Microsoft.ContainerService/managedClusters/agentPools", api_version="2025-08-01")

    diff = compare_bodies(pool, grown, subject)

    assert [s.rule for s in diff.suppressed] == ["moved-by-azure"]


@pytest.mark.parametrize("row", all_facts(), ids=[f"{'.'.join(r.path)}-{r.effect}" for r in all_facts()])
def test_row_can_be_justified(row: ComparisonFact) -> None:
    """Each row has a note and a source, speaks of types that exist, and of values where its effect needs them."""
    known = [name for name in arm.type_names() if row.holds_for(name.lower(), row.since or "2024-01-01")]

    assert row.note
    assert row.source
    assert known or row.before
    assert row.pairs > 0 or "http" in row.source or "read model" in row.source or "recorded" in row.source
    assert bool(row.held) == (row.effect in (Effect.FORCED, Effect.COMPLETED))
    assert bool(row.values) == (row.effect in (Effect.ALIAS, Effect.ALIAS_PREFIX))
    assert bool(row.match) == (row.effect is Effect.ADDED_ELEMENT)


def test_rows_of_versions() -> None:
    """A row with a first version does not speak of earlier ones."""
    since = {f.since for f in facts_for("Microsoft.ServiceBus/namespaces", "2021-11-01")}
    later = {f.since for f in facts_for("microsoft.servicebus/NAMESPACES", "2022-10-01-preview")}

    assert "2022-10-01-preview" not in since
    assert "2022-10-01-preview" in later


def test_secret_below_a_free_key() -> None:
    """A secret inside the values of a map is known under every key."""
    subject = Subject(arm_type="Microsoft.Web/sites", api_version="2022-03-01")
    account = {"accessKey": "hunter2", "accountName": "a"}
    asked = {"properties": {"siteConfig": {"azureStorageAccounts": {"share": account}}}}
    held = {"properties": {"siteConfig": {"azureStorageAccounts": {"share": {"accountName": "a"}}}}}

    assert [s.rule for s in compare_bodies(asked, held, subject).suppressed] == ["write-only"]


def test_secret_members_come_from_the_kinds() -> None:
    """What ASO fills from Secrets is known per ARM type, maps with a free key."""
    assert ("properties", "servicebusconnectionstring") not in secret_members("No.Such/type")
    assert ("properties", "credentials", "{}") in secret_members("Microsoft.ApiManagement/service/loggers")


def test_receipts_of_facts_veil_secrets() -> None:
    """A secret inside a value that a fact excuses is not shown on the receipt."""
    subject = Subject(arm_type="Microsoft.KubernetesConfiguration/extensions", api_version="2023-05-01")
    settings = {"properties": {"configurationProtectedSettings": {"password": Secret("hunter2")}}}

    diff = compare_bodies(settings, {"properties": {"configurationProtectedSettings": {"password": ""}}}, subject)

    assert "hunter2" not in repr(diff)
    assert [s.rule for s in diff.suppressed] == ["write-only"]
