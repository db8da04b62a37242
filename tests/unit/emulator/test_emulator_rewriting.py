"""Rows of respelling, merge patches, invented values."""

from __future__ import annotations

from typing import Any

import pytest

from providers.emulator.address import parse_address
from providers.emulator.bodies import find_all, merge_patch
from providers.emulator.facts import type_facts
from providers.emulator.invent import Context, expand, stable_uuid
from providers.emulator.readback import clean_body, complete_body
from providers.emulator.rewrite import rewrite

GROUP = "/subscriptions/s/resourceGroups/g"


def context(resource: str) -> Context:
    return Context(parse_address(resource), resource, "westus2", "t-1", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("arm_type", "body", "shown"),
    [
        ("Microsoft.DBforMySQL/flexibleServers/databases", {"charset": "utf8"}, {"charset": "utf8mb3"}),
        ("Microsoft.DBforMySQL/flexibleServers/databases", {"charset": "latin1"}, {"charset": "latin1"}),
        ("Microsoft.ApiManagement/service/apis", {"path": "/a"}, {"path": "a"}),
        ("Microsoft.Cache/redis/accessPolicies", {"permissions": "+get"}, {"permissions": "+get allkeys"}),
        ("Microsoft.Cache/redis/accessPolicies", {"permissions": "+get ~x"}, {"permissions": "+get ~x"}),
        ("Microsoft.ServiceBus/namespaces", {"zoneRedundant": False}, {"zoneRedundant": True}),
        ("Microsoft.SignalRService/signalR", {"features": [{"value": "true"}]}, {"features": [{"value": "True"}]}),
        (
            "Microsoft.App/managedEnvironments",
            {"workloadProfiles": [{"name": "Consumption", "workloadProfileType": "D4"}]},
            {"workloadProfiles": [{"name": "Consumption", "workloadProfileType": "D4"}]},
        ),
        (
            "Microsoft.ApiManagement/service/policies",
            {"value": "<a><b x='1'/></a>"},
            {"value": '<a>\r\n\t<b x="1" />\r\n</a>'},
        ),
        ("Microsoft.ApiManagement/service/policies", {"value": "no xml <"}, {"value": "no xml <"}),
    ],
)
def test_rows(arm_type: str, body: dict[str, Any], shown: dict[str, Any]) -> None:
    """A row changes what it is about and nothing else."""
    namespace, *kinds = arm_type.split("/")
    resource = f"{GROUP}/providers/{namespace}/" + "/".join(f"{k}/n" for k in kinds)
    whole = {"properties": body}

    rewrite(arm_type, whole, context(resource))

    assert whole == {"properties": shown}


@pytest.mark.parametrize(
    ("arm_type", "api", "body"),
    [
        (
            "Microsoft.Cache/redis",
            "2023-04-01",
            {"redisVersion": "6", "sku": {"name": "Basic", "family": "C", "capacity": 0}},
        ),
        ("Microsoft.DBforPostgreSQL/flexibleServers", "2022-12-01", {"version": "14"}),
        ("Microsoft.Network/networkSecurityGroups", "2024-03-01", {}),
    ],
)
def test_reading_back_twice_changes_nothing(arm_type: str, api: str, body: dict[str, Any]) -> None:
    """What was read back, put again, reads back the same."""
    resource = f"{GROUP}/providers/{arm_type}/n"
    facts, place = type_facts(arm_type, api), context(resource)
    first = complete_body(facts, clean_body(facts, {"location": "westus2", "properties": body}), place)

    second = complete_body(facts, clean_body(facts, first), place)

    assert second == first


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"Tags": {"x": "1"}}, {"tags": {"y": "2"}}, {"Tags": {"x": "1", "y": "2"}}),
        ({"a": 1}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, merged: Any) -> None:
    """RFC 7396: objects merge, null removes, all else replaces; neither side is changed."""
    before = str(target)

    assert merge_patch(target, patch) == merged
    assert str(target) == before


def test_paths_with_marks_find_every_place() -> None:
    """[] is every element, {} every value, and a last mark the positions themselves."""
    value = {"a": [{"b": {"x": {"c": 1}, "y": {"c": 2}}}], "s": ["p", "q"]}

    found = [holder[key] for holder, key in find_all(value, ("a", "[]", "b", "{}", "c"))]

    assert found == [1, 2]
    assert [holder[key] for holder, key in find_all(value, ("s", "[]"))] == ["p", "q"]


def test_invented_values_depend_on_the_resource_alone() -> None:
    """The same resource gets the same ids in every run; placeholders nobody knows stay as they are."""
    place = context(f"{GROUP}/providers/Microsoft.Cache/redis/n")

    made = expand(["{name}.{location}", "{uuid}", "{unknown}"], place, "p")

    assert made[0] == "n.westus2"
    assert made[1] == expand("{uuid}", place, "p[1]")
    assert made[2] == "{unknown}"
    assert stable_uuid("a", "b") != stable_uuid("a", "c")
