"""What leaves the manifest is shown, and the request is one that really removes it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.model.document import Document
from engine.model.plan import Request
from engine.model.state import ActualState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan
from tests.builders import ENDPOINT
from tests.manifest_cases import GROUP, build_one

Spec = dict[str, Any]

CLUSTER = """
apiVersion: containerservice.azure.com/v1api20240901
kind: ManagedCluster
metadata: {name: mc}
spec: {owner: {name: rg}, location: westeurope}
"""
ACCOUNT: Spec = {
    "owner": {"name": "rg"},
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "minimumTlsVersion": "TLS1_2",
    "tags": {"a": "1", "b": "2"},
    "networkAcls": {
        "defaultAction": "Deny",
        "ipRules": [{"value": "1.1.1.1", "action": "Allow"}, {"value": "2.2.2.2", "action": "Allow"}],
    },
}
POOL: Spec = {
    "owner": {"name": "mc"},
    "count": 1,
    "maxPods": 30,
    "nodeLabels": {"a": "1", "b": "2"},
    "nodeTaints": ["x=y:NoSchedule", "z=y:NoSchedule"],
    "availabilityZones": ["1"],
    "tags": {"t": "1"},
}
NETWORK: Spec = {
    "owner": {"name": "rg"},
    "location": "westeurope",
    "addressSpace": {"addressPrefixes": ["10.0.0.0/16", "10.1.0.0/16"]},
    "dhcpOptions": {"dnsServers": ["1.1.1.1"]},
    "enableDdosProtection": False,
    "tags": {"a": "1"},
}
RECEIVERS: Spec = {
    "owner": {"name": "rg"},
    "location": "global",
    "groupShortName": "x",
    "enabled": True,
    "emailReceivers": [
        {"name": "a", "emailAddress": "a@b", "useCommonAlertSchema": True},
        {"name": "b", "emailAddress": "b@b"},
    ],
}
KINDS = {
    "account": ("storage.azure.com/v1api20230101", "StorageAccount", ACCOUNT),
    "pool": ("containerservice.azure.com/v1api20240901", "ManagedClustersAgentPool", POOL),
    "network": ("network.azure.com/v1api20240301", "VirtualNetwork", NETWORK),
    "receivers": ("insights.azure.com/v1api20230101", "ActionGroup", RECEIVERS),
}


def remove(kind: str, *places: tuple[str | int, ...], held: Spec | None = None) -> tuple[list[str], Request]:
    """Take places out of the manifest of something that was in sync.

    Args:
        kind: Which manifest.
        places: In the spec.
        held: Members of the body that Azure spells otherwise.

    Returns:
        The changes, and the one request.
    """
    before = KINDS[kind][2]
    after = copy.deepcopy(before)
    for *above, last in places:
        at: Any = after
        for name in above:
            at = at[name]
        del at[last]
    asked, wanted = (build_one(GROUP, CLUSTER, manifest(kind, spec)) for spec in (before, after))
    assert asked.id is not None
    document = Document(value={**copy.deepcopy(asked.body), **(held or {})})
    actual = ActualState(id=asked.id, presence=Presence.PRESENT, document=document)
    baseline = make_baseline(asked, actual, secret_key=b"key")
    diff = compare(wanted, actual, baseline, secret_key=b"key")
    assert {c.origin.value for c in diff.changes} == {"user"}
    finding = Finding(desired=wanted, actual=actual, diff=diff, baseline=baseline)
    (request,) = build_plan(PlanInput(findings=(finding,), endpoint=ENDPOINT)).steps[0].requests
    return [f"{c.kind.value} {c.path.pointer}" for c in diff.changes], request


def manifest(kind: str, spec: Spec) -> str:
    """Return the object."""
    api_version, name, _ = KINDS[kind]
    return json.dumps({"apiVersion": api_version, "kind": name, "metadata": {"name": "app"}, "spec": spec})


@pytest.mark.parametrize(
    ("place", "shown", "body"),
    [
        (("minimumTlsVersion",), "/properties/minimumTlsVersion", {"properties": {"minimumTlsVersion": None}}),
        (("networkAcls",), "/properties/networkAcls", {"properties": {"networkAcls": None}}),
        (
            ("networkAcls", "ipRules", 0),
            "/properties/networkAcls/ipRules/0",
            {"properties": {"networkAcls": {"ipRules": [{"value": "2.2.2.2", "action": "Allow"}]}}},
        ),
        (
            ("networkAcls", "ipRules"),
            "/properties/networkAcls/ipRules",
            {"properties": {"networkAcls": {"ipRules": None}}},
        ),
    ],
)
def test_a_patch_says_null(place: tuple[str | int, ...], shown: str, body: Spec) -> None:
    """In a merge patch a removed member is null, and a list with fewer elements is sent whole."""
    changes, request = remove("account", place)

    assert changes == [f"remove {shown}"]
    assert (request.method, request.body) == ("PATCH", body)


@pytest.mark.parametrize(
    ("kind", "place", "shown"),
    [
        ("pool", ("maxPods",), "properties/maxPods"),
        ("network", ("enableDdosProtection",), "properties/enableDdosProtection"),
        ("network", ("dhcpOptions",), "properties/dhcpOptions"),
        ("network", ("dhcpOptions", "dnsServers"), "properties/dhcpOptions/dnsServers"),
        ("receivers", ("emailReceivers",), "properties/emailReceivers"),
    ],
)
def test_a_put_leaves_it_out(kind: str, place: tuple[str | int, ...], shown: str) -> None:
    """In a PUT a removed member is not there, whatever Azure holds."""
    changes, request = remove(kind, place)

    assert changes == [f"remove /{shown}"]
    assert request.method == "PUT"
    at: Any = request.body
    *above, last = shown.split("/")
    for name in above:
        at = at[name]
    assert last not in at


@pytest.mark.parametrize(
    ("kind", "place", "shown", "member", "left"),
    [
        ("pool", ("nodeTaints", 0), "nodeTaints/0", "nodeTaints", ["z=y:NoSchedule"]),
        ("pool", ("nodeLabels", "a"), "nodeLabels/a", "nodeLabels", {"b": "2"}),
        (
            "network",
            ("addressSpace", "addressPrefixes", 1),
            "addressSpace/addressPrefixes/1",
            "addressSpace",
            {"addressPrefixes": ["10.0.0.0/16"]},
        ),
        ("receivers", ("emailReceivers", 0), "emailReceivers/0", "emailReceivers", RECEIVERS["emailReceivers"][1:]),
        (
            "receivers",
            ("emailReceivers", 0, "useCommonAlertSchema"),
            "emailReceivers/0/useCommonAlertSchema",
            "emailReceivers",
            [{"name": "a", "emailAddress": "a@b"}, {"name": "b", "emailAddress": "b@b"}],
        ),
    ],
)
def test_a_put_holds_what_is_left(
    kind: str, place: tuple[str | int, ...], shown: str, member: str, left: object
) -> None:
    """A removed element, map key, or member of an element is gone from the list or map that a PUT carries."""
    changes, request = remove(kind, place)

    assert changes == [f"remove /properties/{shown}"]
    assert (request.method, request.body["properties"][member]) == ("PUT", left)


@pytest.mark.parametrize(
    ("member", "sent", "shown"),
    [
        ("nodeLabels", {}, ["nodeLabels/a", "nodeLabels/b"]),
        ("nodeTaints", [], ["nodeTaints/0", "nodeTaints/1"]),
        ("tags", {}, ["tags/t"]),
        ("availabilityZones", None, ["availabilityZones"]),
    ],
)
def test_an_explicit_empty_is_sent_where_aso_sends_one(member: str, sent: object, shown: list[str]) -> None:
    """A collection whose absence would mean no change is sent empty, or null, as ASO does."""
    changes, request = remove("pool", (member,))

    assert changes == [f"remove /properties/{place}" for place in shown]
    assert request.method == "PUT"
    assert request.body["properties"][member] == sent


def test_tags_are_deleted_by_name() -> None:
    """Removed tags are deleted through the tags API, one of them or all."""
    one, all_shown, whole = (
        remove("account", ("tags", "a")),
        remove("account", ("tags",)),
        remove("network", ("tags",)),
    )

    assert (one[0], one[1].body["properties"]["tags"]) == (["remove /tags/a"], {"a": "1"})
    assert (all_shown[0], all_shown[1].body["properties"]["tags"]) == (
        ["remove /tags/a", "remove /tags/b"],
        {"a": "1", "b": "2"},
    )
    assert (whole[0], whole[1].body["properties"]["tags"]) == (["remove /tags"], {"a": "1"})
    assert {r.body["operation"] for _, r in (one, all_shown, whole)} == {"Delete"}


def test_a_tag_is_removed_as_azure_spells_it() -> None:
    """A tag that Azure spells in another letter case is one change, and is deleted under Azure's spelling."""
    changes, request = remove("account", ("tags", "a"), held={"tags": {"A": "1", "b": "2"}})

    assert changes == ["remove /tags/A"]
    assert request.body == {"operation": "Delete", "properties": {"tags": {"A": "1"}}}


def test_a_tag_and_a_member_go_in_one_patch() -> None:
    """A removed tag beside another removal is null in the same patch; the others go along, some services drop them."""
    changes, request = remove("account", ("tags", "a"), ("minimumTlsVersion",))

    assert changes == ["remove /properties/minimumTlsVersion", "remove /tags/a"]
    assert (request.method, request.body) == (
        "PATCH",
        {"properties": {"minimumTlsVersion": None}, "tags": {"b": "2", "a": None}},
    )
