"""Children that their parent's body shows."""

from __future__ import annotations

from tests.emulator_driver import NETWORK, Arm

AKS = "2024-09-01"
POOL = {"name": "system", "count": 1, "vmSize": "Standard_D2s_v5", "mode": "System", "osType": "Linux"}


def names(arm: Arm, network: str) -> list[str]:
    body = arm.get(network, api=NETWORK).body
    return [s["name"] for s in body["properties"]["subnets"]]


def test_children_in_a_parents_body_become_resources(arm: Arm) -> None:
    """A subnet in the network's PUT can be read, listed and deleted as a resource."""
    group = arm.make_group()

    network = arm.make_network(group, subnets=("a", "b"))

    again = arm.put(network, arm.get(network, api=NETWORK).body, api=NETWORK).body
    assert [s["name"] for s in again["properties"]["subnets"]] == ["a", "b"]
    assert arm.get(f"{network}/subnets/a", api=NETWORK).body["properties"]["addressPrefix"] == "10.0.0.0/24"
    assert [s["name"] for s in arm.get(f"{network}/subnets", api=NETWORK).body["value"]] == ["a", "b"]
    arm.settle_delete(f"{network}/subnets/a", api=NETWORK)
    assert names(arm, network) == ["b"]


def test_child_put_on_its_own_shows_in_the_parent(arm: Arm) -> None:
    """A subnet that was put by itself is in the network's body."""
    network = arm.make_network(arm.make_group())

    arm.put(f"{network}/subnets/own", {"properties": {"addressPrefix": "10.0.9.0/24"}}, api=NETWORK)

    assert names(arm, network) == ["own"]


def test_plain_put_of_the_parent_removes_children_it_does_not_name(arm: Arm) -> None:
    """A PUT of a network without a subnet deletes that subnet, as Azure does."""
    network = arm.make_network(arm.make_group(), subnets=("a", "b"))
    properties = arm.get(network, api=NETWORK).body["properties"]

    kept = [s for s in properties["subnets"] if s["name"] == "b"]
    arm.put(network, {"location": "westus2", "properties": {**properties, "subnets": kept}}, api=NETWORK)

    assert names(arm, network) == ["b"]
    assert arm.get(f"{network}/subnets/a", api=NETWORK).status == 404


def test_node_pools_survive_a_put_of_the_cluster(arm: Arm) -> None:
    """A pool made as a resource shows in the cluster and stays when the cluster is put without it."""
    cluster = f"{arm.make_group()}/providers/Microsoft.ContainerService/managedClusters/aks"
    body = {
        "location": "westus2",
        "identity": {"type": "SystemAssigned"},
        "properties": {"dnsPrefix": "x", "agentPoolProfiles": [POOL]},
    }
    arm.put(cluster, body, api=AKS)
    arm.settle(cluster, api=AKS)
    pool = {"properties": {k: v for k, v in POOL.items() if k != "name"} | {"mode": "User"}}
    arm.put(f"{cluster}/agentPools/workers", pool, api=AKS)

    arm.put(cluster, body, api=AKS)

    shown = arm.settle(cluster, api=AKS)["properties"]["agentPoolProfiles"]
    assert [(p["name"], p["mode"]) for p in shown] == [("system", "System"), ("workers", "User")]


def test_elements_of_network_lists_get_ids(arm: Arm) -> None:
    """A frontend configuration of a load balancer has an id below it, although it is no resource of its own."""
    group = arm.make_group()
    balancer = f"{group}/providers/Microsoft.Network/loadBalancers/lb"
    frontend = {"name": "front", "properties": {"privateIPAllocationMethod": "Dynamic"}}
    body = {"location": "westus2", "properties": {"frontendIPConfigurations": [frontend]}}

    arm.put(balancer, body, api=NETWORK)

    shown = arm.settle(balancer, api=NETWORK)["properties"]["frontendIPConfigurations"][0]
    assert shown["id"] == f"{balancer}/frontendIPConfigurations/front"
    assert shown["properties"]["provisioningState"] == "Succeeded"
