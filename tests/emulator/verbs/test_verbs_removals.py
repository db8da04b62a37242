"""What leaves a manifest leaves Azure: the request says it in the way the type takes it, and the next plan is clean."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, account, group, network

pytestmark = pytest.mark.loopback


def test_a_member_that_left_is_null_in_a_patch(desk: Desk) -> None:
    """A scalar that the manifest drops is shown as the user's removal and sent as null."""
    desk.write(group(desk.name), account("app", desk.name, minimumTlsVersion="TLS1_2"))
    desk.apply()
    desk.write(group(desk.name), account("app", desk.name))

    step = desk.plan().step("app")
    done = desk.apply()

    assert [(c["path"], c["kind"], c["origin"]) for c in step["changes"]] == [
        ("/properties/minimumTlsVersion", "remove", "user")
    ]
    request = step["request"]
    assert (request["method"], request["body"]) == ("PATCH", {"properties": {"minimumTlsVersion": None}})
    assert desk.azure.writes == ["PATCH storageAccounts/app 200"]
    assert done.result("app")["outcome"] == "updated"
    desk.check_clean()


def test_members_and_elements_that_left_are_not_in_the_put(desk: Desk) -> None:
    """A dropped object and a dropped list element are absent from the PUT, and from Azure after it."""
    full = {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16", "10.1.0.0/16"]},
        "dhcpOptions": {"dnsServers": ["10.0.0.4", "10.0.0.5"]},
        "flowTimeoutInMinutes": 10,
    }
    desk.write(group(desk.name), network("net", desk.name, **full))
    desk.apply()
    desk.write(group(desk.name), network("net", desk.name))

    step = desk.plan().step("net")
    desk.apply()

    request = step["request"]
    properties = request["body"]["properties"]
    held = desk.azure.get(desk.id_of("network", "net"), api=NETWORK_API)["properties"]
    assert request["method"] == "PUT"
    assert {c["origin"] for c in step["changes"]} == {"user"}
    assert "dhcpOptions" not in properties
    assert "flowTimeoutInMinutes" not in properties
    assert properties["addressSpace"] == {"addressPrefixes": ["10.0.0.0/16"]}
    assert ("dhcpOptions" in held, held["addressSpace"]["addressPrefixes"]) == (False, ["10.0.0.0/16"])
    desk.check_clean()


def test_tags_that_left_are_deleted(desk: Desk) -> None:
    """One tag of two, then the last one, are deleted through the tags API."""
    left = []
    for tags in ({"a": "1", "b": "2"}, {"a": "1"}, None):
        desk.write(group(desk.name), account("app", desk.name, **({"tags": tags} if tags else {})))
        desk.apply()
        left.append((desk.azure.writes[-1].split()[0], desk.azure.get(desk.id_of("account", "app")).get("tags") or {}))

    assert left == [("PUT", {"a": "1", "b": "2"}), ("PATCH", {"a": "1"}), ("PATCH", {})]
    desk.check_clean()


def test_what_azure_changed_and_the_manifest_dropped_shows_both_values(desk: Desk) -> None:
    """Azure moved a member that the manifest drops: both moved; the value of the last apply stands beside today's."""
    desk.write(group(desk.name), account("app", desk.name, minimumTlsVersion="TLS1_2"))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", "app"), {"properties": {"minimumTlsVersion": "TLS1_1"}})
    desk.write(group(desk.name), account("app", desk.name))

    (change,) = desk.plan().step("app")["changes"]
    text = desk.run("plan").out

    assert (change["kind"], change["origin"], change["before"], change["baseline"]) == (
        "remove",
        "both",
        "TLS1_1",
        "TLS1_2",
    )
    assert "TLS1_1" in text
    assert "TLS1_2" in text
