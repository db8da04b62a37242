"""States in which a type, or what lies in it, takes no changes: every such rule of ASO's, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.verbs_desk import Desk, Object, make_object

pytestmark = [pytest.mark.loopback, pytest.mark.shared]

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"
_KUSTO = "Microsoft.Kusto/clusters"
_CASSANDRA = "Microsoft.DocumentDB/cassandraClusters"
_OPENSHIFT = "Microsoft.RedHatOpenShift/hcpOpenShiftClusters"
KINDS: dict[str, tuple[str, str, str, Object]] = {
    "ManagedCluster": (
        "containerservice/v1api20250801",
        "2025-08-01",
        f"{_CLUSTERS}/one",
        {"disableLocalAccounts": True},
    ),
    "ManagedClustersAgentPool": (
        "containerservice/v1api20250801",
        "2025-08-01",
        f"{_CLUSTERS}/one/agentPools/two",
        {"count": 5},
    ),
    "FlexibleServer": ("dbforpostgresql/v1api20221201", "2022-12-01", f"{_SERVERS}/one", {"version": "14"}),
    "FlexibleServersDatabase": (
        "dbforpostgresql/v1api20221201",
        "2022-12-01",
        f"{_SERVERS}/one/databases/two",
        {"charset": "utf8"},
    ),
    "FlexibleServersFirewallRule": (
        "dbforpostgresql/v1api20221201",
        "2022-12-01",
        f"{_SERVERS}/one/firewallRules/two",
        {"startIpAddress": "1.2.3.4", "endIpAddress": "1.2.3.5"},
    ),
    "CassandraDataCenter": (
        "documentdb/v20251015",
        "2025-10-15",
        f"{_CASSANDRA}/one/dataCenters/two",
        {"properties": {"nodeCount": 3}},
    ),
    "DatabaseAccount": (
        "documentdb/v1api20231115",
        "2023-11-15",
        "Microsoft.DocumentDB/databaseAccounts/one",
        {"databaseAccountOfferType": "Standard", "locations": [{"locationName": "westeurope"}]},
    ),
    "Cluster": (
        "kusto/v1api20230815",
        "2023-08-15",
        f"{_KUSTO}/one",
        {"sku": {"name": "Dev(No SLA)_Standard_D11_v2", "tier": "Basic", "capacity": 1}},
    ),
    "Database": (
        "kusto/v1api20230815",
        "2023-08-15",
        f"{_KUSTO}/one/databases/two",
        {"readWriteDatabase": {"kind": "ReadWrite", "location": "westeurope", "hotCachePeriod": "P2D"}},
    ),
    "HcpOpenShiftCluster": ("redhatopenshift/v1api20260630preview", "2026-06-30-preview", f"{_OPENSHIFT}/one", {}),
}
"""Kind -> group and version, api-version, id below the resource group, what its object asks for."""
SCRIPTED = {_OPENSHIFT}
"""Types whose api-version the emulator does not have: each of its reads is answered by a script."""


def rules(shared: Path) -> list[tuple[str, str, Any]]:
    """Return kind, whose state, and the rule of every check before a write."""
    found = yaml.safe_load((shared / "aso" / "extensions.yaml").read_text(encoding="utf-8"))["resources"]
    blocks = (("own", "pre_reconcile_check"), ("owner", "pre_reconcile_owner_check"))
    return [(r["kind"], whose, r[block]) for r in found for whose, block in blocks if block in r]


def load(desk: Desk, resource: str, api: str, state: str, member: str) -> None:
    """Let Azure hold a resource in a state, as little of it as there can be."""
    body: Object = {"id": resource, "location": "westeurope", "properties": {member: state}}
    arm_type = "/".join(resource.split("/providers/")[1].split("/")[:2])
    if arm_type in SCRIPTED:
        desk.azure.clear_script()
        for path, answer in ((resource, {**body, "type": arm_type}), (resource.rsplit("/", 1)[0], {"value": [body]})):
            match = {"method": "GET", "path_regex": f"(?i){path}$"}
            desk.azure.script({"match": match, "times": None, "answer": {"status": 200, "body": answer}})
        return
    status, answer = desk.azure.call("POST", "/_emulator/bulk", {"id": resource, "api": api, "body": body})
    assert status == 201, answer


def planned(desk: Desk, kind: str, *, whose: str, state: str, member: str, exists: bool = True) -> Any:
    """Return the step of an object of a kind, whose resource or whose owner's is in a state."""
    version, api, path, spec = KINDS[kind]
    resource = f"{desk.group_id}/providers/{path}"
    owner = resource.rsplit("/", 2)[0] if path.count("/") > 2 else desk.group_id
    desk.azure.call("PUT", f"{desk.group_id}?api-version=2020-06-01", {"location": "westeurope"})
    if whose == "owner":
        load(desk, owner, api, state, member)
    if exists:
        load(desk, resource, api, state if whose == "own" else "Succeeded", member)
    elif desk.azure.get(resource, api=api) is not None:
        desk.azure.call("DELETE", f"{resource}?api-version={api}")
    name = resource.rsplit("/", 1)[-1]
    located = {} if path.count("/") > 2 else {"location": "westeurope", "tags": {"app": "shop"}}
    desk.write(make_object(kind, version, name, {"owner": {"armId": owner}, **located, **spec}))
    return desk.plan("--adopt").step(name)


def test_every_check_before_a_write_holds_it_back(desk: Desk, shared: Path) -> None:
    """Whatever rule ASO has: outside its states nothing is sent, and the reason names the state; inside them it is."""
    busy = {}
    free = {}
    for kind, whose, rule in rules(shared):
        member = rule["property"].rsplit(".", 1)[-1]
        lets = rule.get("proceed_states") or rule.get("pass_states") or ["Succeeded"]
        holds = rule.get("block_states") or ["Updating"]
        busy[kind, whose] = [planned(desk, kind, whose=whose, state=s.capitalize(), member=member) for s in holds]
        free[kind, whose] = [planned(desk, kind, whose=whose, state=s.capitalize(), member=member) for s in lets]

    assert {kind for kind, _ in busy} == KINDS.keys()
    for rule_of, steps in busy.items():
        assert {(s["action"], s["reason"]) for s in steps} == {("wait", "NotSettled")}, (rule_of, steps)
        assert all("Updating" in s["detail"] or "deleting" in s["detail"] for s in steps), (rule_of, steps)
    for rule_of, steps in free.items():
        assert {s["action"] for s in steps} == {"update"}, (rule_of, steps)


@pytest.mark.parametrize("exists", [True, False], ids=["changed", "missing"])
def test_what_lies_in_a_stopped_cluster_waits_for_it(desk: Desk, exists: bool) -> None:
    """A database of a cluster that does not run is neither changed nor created; the owner is read anew for that."""
    step = planned(desk, "Database", whose="owner", state="Stopped", member="provisioningState", exists=exists)

    assert (step["action"], step["reason"]) == ("wait", "NotSettled")
    assert step["detail"] == "Azure takes no changes in the state of its owner (Stopped)"


def test_an_owner_is_not_asked_where_nothing_is_to_be_sent(desk: Desk) -> None:
    """A child that is as asked costs no read of its owner, whatever that one does."""
    version, api, path, spec = KINDS["FlexibleServersDatabase"]
    resource = f"{desk.group_id}/providers/{path}"
    owner = resource.rsplit("/", 2)[0]
    load(desk, owner, api, "Updating", "state")
    body = {"id": resource, "properties": spec}
    desk.azure.call("POST", "/_emulator/bulk", {"id": resource, "api": api, "body": body})
    desk.write(make_object("FlexibleServersDatabase", version, "two", {"owner": {"armId": owner}, **spec}))
    desk.azure.forget_traffic()

    done = desk.plan("--adopt")

    assert done.step("two")["action"] == "noop"
    assert desk.azure.reads == 1
