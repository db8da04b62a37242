"""What leaves a manifest leaves Azure: the request says it in the way the type takes it, and the next plan is clean."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, Object, account, group, make_object, network, subnet

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


RULES = make_object("NetworkSecurityGroup", "network/v1api20240301", "rules", {"location": "westeurope"})


def guarded(rg: str) -> list[Object]:
    """Return a network, a security group, and a subnet that names it."""
    rules = {**RULES, "spec": {**RULES["spec"], "owner": {"name": rg}}}
    inside = subnet("inside", "net", "10.0.1.0/24")
    reference = {"group": "network.azure.com", "kind": "NetworkSecurityGroup", "name": "rules"}
    inside["spec"]["networkSecurityGroup"] = {"reference": reference}
    return [network("net", rg), rules, inside]


def test_what_names_a_leaving_resource_goes_first(desk: Desk) -> None:
    """Pruned together, a network with the subnet that names a security group goes before the group."""
    desk.write(group(desk.name), *guarded(desk.name))
    desk.apply()
    desk.write(group(desk.name))

    desk.apply("--prune")

    assert desk.azure.writes == ["DELETE virtualNetworks/net 202", "DELETE networkSecurityGroups/rules 202"]
    desk.check_clean()


def test_who_no_longer_names_a_leaving_resource_is_changed_first(desk: Desk) -> None:
    """A subnet lets go of its security group before the group is deleted."""
    desk.write(group(desk.name), *guarded(desk.name))
    desk.apply()
    desk.write(group(desk.name), network("net", desk.name), subnet("inside", "net", "10.0.1.0/24"))

    desk.apply("--prune")

    assert desk.azure.writes == ["PUT subnets/inside 200", "DELETE networkSecurityGroups/rules 202"]
    desk.check_clean()


def test_resources_that_name_each_other_leave_together(desk: Desk) -> None:
    """Two networks that are peered are no cycle that holds them: each is deleted."""
    peers = [peering("one", "two"), peering("two", "one")]
    desk.write(group(desk.name), network("one", desk.name), network("two", desk.name), *peers)
    desk.apply()
    desk.write(group(desk.name))

    desk.apply("--prune")

    assert sorted(desk.azure.writes) == ["DELETE virtualNetworks/one 202", "DELETE virtualNetworks/two 202"]


def peering(owner: str, other: str) -> Object:
    """Return a peering of one network with another."""
    reference = {"group": "network.azure.com", "kind": "VirtualNetwork", "name": other}
    spec = {"owner": {"name": owner}, "remoteVirtualNetwork": {"reference": reference}}
    return make_object("VirtualNetworksVirtualNetworkPeering", "network/v1api20240301", f"{owner}-{other}", spec)
