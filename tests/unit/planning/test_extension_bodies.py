"""Every row of the behaviour facts that changes a request, with the requests it leads to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.compare.compare import compare
from engine.desired.inputs import Inputs
from engine.model.document import ABSENT
from engine.model.ids import ApiVersion
from engine.model.plan import Request
from engine.model.policy import Limits
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan, plan_step
from tests.builders import ENDPOINT, build_actual, build_baseline, build_desired
from tests.manifest_cases import GROUP, SUBSCRIPTION, build_one

Body = dict[str, Any]
Sent = list[tuple[str, Any]]

VERSION = "2024-03-01"
EVERYTHING = Limits(allow_data_loss=True)


def shown(requests: tuple[Request, ...]) -> Sent:
    """Return what is sent: method and body, of requests without a body what follows the endpoint."""
    return [(r.method, r.url.removeprefix(ENDPOINT) if r.body is ABSENT else r.body) for r in requests]


def update(arm_type: str, before: Body, after: Body, held: Body, *, api_version: str = VERSION) -> Sent:
    """Return what is sent when the object moved and Azure holds what the last write and others left."""
    desired = build_desired(arm_type=arm_type, api_version=ApiVersion(api_version), body=after)
    actual = build_actual(held, id=desired.id)
    memory = build_baseline(before, held, id=desired.id, api_version=ApiVersion(api_version))
    finding = Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory)
    return shown(build_plan(PlanInput(findings=(finding,), endpoint=ENDPOINT)).steps[0].requests)


def named(*names: str) -> list[Body]:
    return [{"name": n, "properties": {"description": n}} for n in names]


def around(member: str, *names: str, **properties: Any) -> Body:
    children = {member: named(*names)} if names else {}
    return {"location": "westeurope", "properties": {**properties, **children}}


def extensions(*names: str, **properties: Any) -> Body:
    profile = {"extensionProfile": {"extensions": named(*names)}}
    return {"location": "westeurope", "properties": {"virtualMachineProfile": profile, **properties}}


def network() -> tuple[Sent, Sent]:
    """A PUT of a network sends back the subnets Azure holds."""
    flags = [{"enableDdosProtection": flag} for flag in (False, True)]
    sent = update(
        "Microsoft.Network/virtualNetworks",
        around("subnets", **flags[0]),
        around("subnets", **flags[1]),
        around("subnets", "a", "b", **flags[0]),
    )
    return sent, [("PUT", around("subnets", "a", "b", **flags[1]))]


def security_group() -> tuple[Sent, Sent]:
    """A PUT of a security group sends back the rules Azure holds."""
    flags = [{"flushConnection": flag} for flag in (False, True)]
    sent = update(
        "Microsoft.Network/networkSecurityGroups",
        around("securityRules", **flags[0]),
        around("securityRules", **flags[1]),
        around("securityRules", "a", **flags[0]),
    )
    return sent, [("PUT", around("securityRules", "a", **flags[1]))]


def route_table() -> tuple[Sent, Sent]:
    """A PUT of a route table sends back the routes Azure holds."""
    flags = [{"disableBgpRoutePropagation": flag} for flag in (False, True)]
    sent = update(
        "Microsoft.Network/routeTables",
        around("routes", **flags[0]),
        around("routes", **flags[1]),
        around("routes", "a", **flags[0]),
    )
    return sent, [("PUT", around("routes", "a", **flags[1]))]


def load_balancer() -> tuple[Sent, Sent]:
    """Rules of the object stay as it has them, those of others are sent back, one that left the object goes."""
    probe = {"probes": [{"name": "p", "properties": {"port": 1}}]}
    sent = update(
        "Microsoft.Network/loadBalancers",
        around("inboundNatRules", "own", "old"),
        around("inboundNatRules", "own", **probe),
        around("inboundNatRules", "theirs", "own", "old"),
    )
    return sent, [("PUT", around("inboundNatRules", "own", "theirs", **probe))]


def scale_set() -> tuple[Sent, Sent]:
    """Another extension of the object neither takes the place of somebody else's nor drops it."""
    flags = [{"overprovision": flag} for flag in (False, True)]
    sent = update(
        "Microsoft.Compute/virtualMachineScaleSets",
        extensions("own", **flags[0]),
        extensions("own", "new", **flags[0]),
        extensions("own", "theirs", **flags[0]),
        api_version="2022-03-01",
    )
    return sent, [("PUT", extensions("own", "new", "theirs", **flags[0]))]


def vault() -> tuple[Sent, Sent]:
    """A mode that only manifests know is never sent; a deleted vault is purged first where the object says so."""
    sent: Sent = []
    for mode, deleted in (("createOrRecover", True), ("createOrRecover", False), ("purgeThenCreate", True)):
        body = {"location": "westeurope", "properties": {"createMode": mode}}
        desired = build_desired(arm_type="Microsoft.KeyVault/vaults", api_version=ApiVersion("2023-07-01"), body=body)
        finding = Finding(desired=desired, actual=build_actual(id=desired.id), soft_deleted=deleted)
        sent += shown(plan_step(finding, PlanInput(findings=(), endpoint=ENDPOINT, limits=EVERYTHING)).requests)
    purge = "providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/app/purge?api-version=2024-11-01"
    vaults = [{"location": "westeurope", "properties": {"createMode": m}} for m in ("recover", "default", "default")]
    puts = [("PUT", body) for body in vaults]
    return sent, [*puts[:2], ("POST", f"/subscriptions/{SUBSCRIPTION}/{purge}"), puts[2]]


def role_assignment() -> tuple[Sent, Sent]:
    """The name of a built-in role is sent as the id of its definition in the subscription of the assignment."""
    manifest = """
        apiVersion: authorization.azure.com/v1api20220401
        kind: RoleAssignment
        metadata: {name: reader}
        spec:
          owner: {group: resources.azure.com, kind: ResourceGroup, name: rg}
          principalId: p-1
          roleDefinitionReference: {wellKnownName: Reader}
    """
    role = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7"
    desired = build_one(GROUP, manifest, inputs=Inputs(role_definitions={"reader": role}))
    finding = Finding(desired=desired, actual=build_actual(id=desired.id))
    sent = shown(plan_step(finding, PlanInput(findings=(), endpoint=ENDPOINT)).requests)
    properties = {"principalId": "p-1", "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}{role}"}
    return sent, [("PUT", {"name": sent[0][1]["name"], "properties": properties})]


def delete(arm_type: str, api_version: str, held: Body) -> Sent:
    desired = build_desired(arm_type=arm_type, api_version=ApiVersion(api_version), body={}, deleting=True)
    finding = Finding(desired=desired, actual=build_actual(held, id=desired.id))
    return shown(plan_step(finding, PlanInput(findings=(), endpoint=ENDPOINT, limits=EVERYTHING)).requests)


def product() -> tuple[Sent, Sent]:
    """A product goes with its subscriptions, in one DELETE."""
    sent = delete("Microsoft.ApiManagement/service/products", "2022-08-01", {"properties": {}})
    url = sent[0][1]
    assert url.endswith("/service/parent/products/app?api-version=2022-08-01&deleteSubscriptions=true")
    return sent, [("DELETE", url)]


def alias() -> tuple[Sent, Sent]:
    """The subscription is cancelled before its alias goes; one that Azure does not name is not."""
    held = {"properties": {"subscriptionId": "sub-1"}}
    first, second = (delete("Microsoft.Subscription/aliases", "2021-10-01", b) for b in (held, {"properties": {}}))
    cancel = "/subscriptions/sub-1/providers/Microsoft.Subscription/cancel?api-version=2021-10-01"
    assert second == first[1:]
    return first, [("POST", cancel), ("DELETE", first[-1][1])]


CASES: dict[str, Callable[[], tuple[Sent, Sent]]] = {
    "apimanagement.azure.com/Product": product,
    "authorization.azure.com/RoleAssignment": role_assignment,
    "compute.azure.com/VirtualMachineScaleSet": scale_set,
    "keyvault.azure.com/Vault": vault,
    "network.azure.com/LoadBalancer": load_balancer,
    "network.azure.com/NetworkSecurityGroup": security_group,
    "network.azure.com/RouteTable": route_table,
    "network.azure.com/VirtualNetwork": network,
    "subscription.azure.com/Alias": alias,
}


@pytest.mark.parametrize("kind", CASES)
def test_what_a_kind_adds_to_its_requests(kind: str) -> None:
    """What is sent for the kind is what its row of the behaviour facts is for."""
    sent, wanted = CASES[kind]()

    assert sent == wanted


@pytest.mark.shared
def test_every_row_that_changes_a_request_has_a_case(shared: Path) -> None:
    """A new row of the facts that changes a PUT or a DELETE fails here until its request is shown above."""
    facts = yaml.safe_load((shared / "aso" / "extensions.yaml").read_text(encoding="utf-8"))
    rows = [e for e in facts["resources"] if e.keys() & {"arm_resource_modifier", "deleter"}]

    assert {f"{e['group']}/{e['kind']}" for e in rows} == CASES.keys()
