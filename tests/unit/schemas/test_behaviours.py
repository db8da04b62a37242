"""What single types do differently, as compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import arm
from schemas.behaviour_types import Behaviour, CarryMode, Speed, StateGate, Verdict
from schemas.behaviours import child_lists, classify_error, lookup_behaviour, lookup_kind_behaviour, why_data_bearing
from schemas.kinds import all_kinds

VERDICTS = Path(__file__).with_name("data_bearing.txt")


def behaviour(arm_type: str) -> Behaviour:
    found = lookup_behaviour(arm_type)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arm_type", "path", "mode"),
    [
        ("Microsoft.Network/virtualNetworks", "properties.subnets", CarryMode.REPLACE),
        ("Microsoft.Network/routeTables", "properties.routes", CarryMode.REPLACE),
        ("Microsoft.Network/networkSecurityGroups", "properties.securityRules", CarryMode.REPLACE),
        ("Microsoft.Network/loadBalancers", "properties.inboundNatRules", CarryMode.MERGE_BY_NAME),
        (
            "Microsoft.Compute/virtualMachineScaleSets",
            "properties.virtualMachineProfile.extensionProfile.extensions",
            CarryMode.MERGE_BY_NAME,
        ),
    ],
    ids=["subnets", "routes", "rules", "nat rules", "extensions"],
)
def test_children_in_the_body_are_carried_over(arm_type: str, path: str, mode: CarryMode) -> None:
    """A PUT without these lists deletes what they hold in Azure."""
    carried = behaviour(arm_type).carried

    assert [(".".join(c.path), c.mode) for c in carried] == [(path, mode)]


def test_letter_case_of_the_type_does_not_matter() -> None:
    """Types are found in any letter case; types without a row have none."""
    assert lookup_behaviour("MICROSOFT.network/VIRTUALNETWORKS") is behaviour("microsoft.network/virtualnetworks")
    assert lookup_behaviour("Microsoft.Network/natGateways") is None


def test_kinds_lead_to_the_same_row() -> None:
    """A Kubernetes kind has the behaviour of its ARM type; kinds outside ARM have rows of their own."""
    assert lookup_kind_behaviour("network.azure.com", "VirtualNetwork") is behaviour(
        "Microsoft.Network/virtualNetworks"
    )
    assert lookup_kind_behaviour("sql.azure.com", "User") is not None
    assert lookup_kind_behaviour("network.azure.com", "Nothing") is None


@pytest.mark.parametrize(
    ("state", "open_"),
    [("Succeeded", True), ("canceled", True), ("Updating", False), (None, True)],
    ids=["final", "any case", "busy", "absent"],
)
def test_cluster_takes_a_put_only_in_a_final_state(state: str | None, open_: bool) -> None:
    """States compare without letter case; a state that is not there lets through."""
    gate = behaviour("Microsoft.ContainerService/managedClusters").gate

    assert gate is not None
    assert gate.is_open({"properties": {"provisioningState": state} if state else {}}) is open_


def test_gates_by_owner_read_the_owners_body() -> None:
    """A pool waits for its cluster, a database for its server, by the owner's state in ARM's own words."""
    pool = behaviour("Microsoft.ContainerService/managedClusters/agentPools").owner_gate
    database = behaviour("Microsoft.DBforPostgreSQL/flexibleServers/databases").owner_gate

    assert pool is not None
    assert database is not None
    assert pool.path == ("properties", "provisioningState")
    assert not database.is_open({"properties": {"state": "Stopped"}})


def test_a_blocking_state_blocks_only_itself() -> None:
    """Where only some states forbid a PUT, every other lets it through."""
    gate = StateGate(path=("s",), block=frozenset({"deleting"}))

    assert gate.is_open({"s": "Anything"})
    assert not gate.is_open({"s": "Deleting"})


def test_every_element_counts_in_a_check_of_a_list() -> None:
    """A private endpoint is done when all its manual connections are approved; exact letter case."""
    check = behaviour("Microsoft.Network/privateEndpoints").post_check
    assert check is not None

    def body(*states: str) -> dict[str, object]:
        connections = [{"properties": {"privateLinkServiceConnectionState": {"status": s}}} for s in states]
        return {"properties": {"manualPrivateLinkServiceConnections": connections}}

    assert not check.unfinished(body())
    assert not check.unfinished(body("Approved"))
    assert check.unfinished(body("Approved", "Pending"))
    assert check.unfinished(body("approved"))


def test_exported_keys_name_their_source() -> None:
    """A key comes from a call's answer or from a place in the body, and says which."""
    storage = behaviour("Microsoft.Storage/storageAccounts")
    keys = {k.name: k for k in storage.secrets}

    assert keys["key1"].action == "listKeys"
    assert keys["key1"].response == "keys[keyName='key1'].value"
    assert storage.calls["listKeys"].path == "{id}/listKeys"
    assert keys["blobEndpoint"].path == ("properties", "primaryEndpoints", "blob")
    assert {k.name for k in storage.config_maps} >= {"blobEndpoint"}


def test_deletes_with_more_than_an_id() -> None:
    """A product is deleted with its subscriptions, a subscription is cancelled before its alias goes."""
    product = behaviour("Microsoft.ApiManagement/service/products")
    alias = behaviour("Microsoft.Subscription/aliases")

    assert (product.delete_query, product.delete_headers) == ("deleteSubscriptions=true", (("If-Match", "*"),))
    assert [c.name for c in alias.before_delete] == ["cancel"]
    assert alias.delete_takes


def test_vaults_resolve_their_create_mode() -> None:
    """The two modes that are not Azure's say what to send with and without a deleted vault of that name."""
    soft = behaviour("Microsoft.KeyVault/vaults").soft_delete

    assert soft is not None
    assert soft.modes["createOrRecover"] == ("default", "recover")
    assert soft.purges == {"purgeThenCreate"}


@pytest.mark.parametrize(
    ("arm_type", "expected"),
    [
        ("Microsoft.Storage/storageAccounts", True),
        ("microsoft.keyvault/VAULTS", True),
        ("Microsoft.Sql/servers/databases", True),
        ("Microsoft.NetApp/netAppAccounts/capacityPools/volumes", True),
        ("Microsoft.Sql/servers/firewallRules", False),
        ("Microsoft.Network/virtualNetworks", False),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", False),
    ],
)
def test_what_holds_data(arm_type: str, expected: bool) -> None:
    """Accounts, databases, vaults and volumes hold data that no manifest brings back; rules and networks do not."""
    assert bool(why_data_bearing(arm_type)) is expected


def test_every_kind_was_considered_for_what_it_holds() -> None:
    """Each ARM type of a kind has a reviewed verdict: what a delete of it loses for good, or nothing."""
    kinds = {kind.arm_type: why_data_bearing(kind.arm_type) or "-" for kind in all_kinds() if kind.is_arm}

    listed = dict(line.split(": ", 1) for line in VERDICTS.read_text().splitlines() if not line.startswith("#"))

    assert listed == kinds


@pytest.mark.parametrize(
    ("arm_type", "path", "child"),
    [
        (
            "Microsoft.ContainerService/managedClusters",
            ("properties", "agentPoolProfiles"),
            "Microsoft.ContainerService/managedClusters/agentPools",
        ),
        ("Microsoft.Network/virtualNetworks", ("properties", "subnets"), "Microsoft.Network/virtualNetworks/subnets"),
        (
            "Microsoft.Network/networkSecurityGroups",
            ("properties", "securityRules"),
            "Microsoft.Network/networkSecurityGroups/securityRules",
        ),
    ],
    ids=["pools", "subnets", "rules"],
)
def test_list_elements_that_are_resources(arm_type: str, path: tuple[str, ...], child: str) -> None:
    """A list whose elements can be managed on their own names the type they have."""
    assert (path, (child,)) in [(c.path, c.children) for c in child_lists(arm_type)]


def test_read_only_children_are_not_owned() -> None:
    """A child type that cannot be PUT is no resource of its own."""
    paths = {c.path[-1] for c in child_lists("Microsoft.Network/loadBalancers")}

    assert "backendAddressPools" in paths
    assert "frontendIPConfigurations" not in paths


@pytest.mark.parametrize(
    ("arm_type", "code", "message", "status", "verdict"),
    [
        ("A/b", "Conflict", "", 409, Verdict(False, Speed.SLOW)),
        ("A/b", "BadRequest", "", 400, Verdict(False, Speed.VERY_SLOW)),
        ("A/b", "Unheard", "", 400, Verdict(False, Speed.VERY_SLOW)),
        ("A/b", "Unheard", "", 500, Verdict(False, Speed.SLOW)),
        ("A/b", "LocationRequired", "", 400, Verdict(True)),
        ("A/b", "Conflict", "", 400, Verdict(False, Speed.SLOW)),
        ("Microsoft.Sql/servers", "PasswordNotComplex", "", 400, Verdict(True)),
        (
            "Microsoft.Cdn/profiles/customDomains",
            "BadRequest",
            "This resource is still associated with a route.",
            400,
            Verdict(False, Speed.SLOW),
        ),
        ("Microsoft.Cdn/profiles/customDomains", "BadRequest", "else", 400, Verdict(False, Speed.VERY_SLOW)),
        (
            "Microsoft.Network/dnsForwardingRulesets",
            "InvalidTemplate",
            "x was not found",
            400,
            Verdict(False, Speed.SLOW),
        ),
    ],
)
def test_errors_are_classified(arm_type: str, code: str, message: str, status: int, verdict: Verdict) -> None:
    """The type's rule decides first, then the code, then the HTTP status."""
    found = classify_error(arm_type, code, message, http_status=status)

    assert (found.is_fatal, found.is_fatal or found.speed) == (verdict.is_fatal, verdict.is_fatal or verdict.speed)


def test_rows_speak_of_known_types() -> None:
    """Every child type that a row names is an ARM type."""
    known = {name.lower() for name in arm.type_names()}
    named = {
        c.lower() for name in known if (b := lookup_behaviour(name)) for row in b.child_lists for c in row.children
    }

    assert named
    assert named <= known
