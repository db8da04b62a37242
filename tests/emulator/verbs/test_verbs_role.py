"""The smallest roles: with them everything works, without any action of theirs something does not, and it is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers.emulator.address import parse_address
from providers.emulator.authorization import required_action
from tests.verbs_desk import Desk, Object, account, group, identity, make_object, network, subnet

pytestmark = pytest.mark.loopback

COLLEAGUE = {"x-ms-emulator-actor": "colleague@contoso.example"}
VAULT_API = "2023-07-01"
NETWORK = "network/v1api20240301"


@pytest.fixture(autouse=True)
def everything_is_allowed_again(desk: Desk) -> Iterator[None]:
    """Take the roles away when a test is over: the emulator serves other tests, too."""
    yield
    desk.azure.call("DELETE", "/_emulator/roles")


def role(desk: Desk, mode: str, *options: str) -> Any:
    """Return the role that the command line prints for the objects on the desk."""
    done = desk.run("role", "--mode", mode, *options)
    assert done.code == 0, done.err
    return done.json


def give(desk: Desk, *documents: Any) -> None:
    """Give roles, and no right beside them."""
    desk.azure.call("DELETE", "/_emulator/roles")
    status, answer = desk.azure.call("POST", "/_emulator/roles", [{"role": d} for d in documents])
    assert status == 201, answer


def asked(desk: Desk) -> set[str]:
    """Return the actions that the requests took which the emulator saw."""
    _, seen = desk.azure.call("GET", "/_emulator/requests")
    requests = [("GET", path) for path in seen["reads"]] + [(w["method"], w["path"]) for w in seen["writes"]]
    actions = {required_action(m, parse_address(path))[0] for m, path in requests if not path.endswith("/unregister")}
    return {wild(action) for action in actions}


def wild(action: str) -> str:
    """Return an action as a role has it: words for operations are many, and count as one."""
    namespace, *rest = action.split("/")
    return f"{namespace}/locations/*/read" if rest[:1] == ["locations"] and rest[-1] == "read" else action


def rules(name: str, owner: str) -> Object:
    """Return a network security group."""
    return make_object("NetworkSecurityGroup", NETWORK, name, {"owner": {"name": owner}, "location": "westeurope"})


def guarded(name: str, prefix: str) -> Object:
    """Return a subnet that names a network security group."""
    found = subnet(name, "net", prefix)
    reference = {"group": "network.azure.com", "kind": "NetworkSecurityGroup", "name": "rules"}
    found["spec"]["networkSecurityGroup"] = {"reference": reference}
    return found


def vault(name: str, owner: str, mode: str) -> Object:
    """Return a key vault that says what is to be done about a deleted one of its name."""
    properties = {
        "createMode": mode,
        "enableSoftDelete": True,
        "sku": {"family": "A", "name": "standard"},
        "tenantId": "00000000-0000-0000-0000-000000000001",
    }
    spec = {"owner": {"name": owner}, "location": "westeurope", "properties": properties}
    return make_object("Vault", "keyvault/v1api20230701", name, spec)


def reads(name: str, owner: str) -> Object:
    """Return the assignment of a role by its name."""
    spec = {
        "owner": {"group": "resources.azure.com", "kind": "ResourceGroup", "name": owner},
        "principalId": "00000000-0000-0000-0000-000000000002",
        "roleDefinitionReference": {"wellKnownName": "Reader"},
    }
    return make_object("RoleAssignment", "authorization/v1api20220401", name, spec)


def world(rg: str) -> dict[str, Object]:
    """Return objects by name that together need every sort of action."""
    return {
        rg: group(rg, tags={"one": "1"}),
        "empty": group(f"{rg}-empty"),
        "app": account(f"{rg}app", rg),
        "who": identity("who", rg),
        "net": network("net", rg),
        "rules": rules("rules", rg),
        "spare": rules("spare", rg),
        "inside": guarded("inside", "10.0.1.0/24"),
        "keys": vault(f"{rg}keys", rg, "purgeThenCreate"),
        "reads": reads(f"{rg}reads", rg),
    }


def changes(rg: str) -> dict[str, dict[str, Object | None]]:
    """Return what to change in the world so that one action is needed: new objects by name, None for what leaves."""
    storage, kept = "Microsoft.Storage", "Microsoft.Network"
    groups = "Microsoft.Resources/subscriptions"
    who = "Microsoft.ManagedIdentity/userAssignedIdentities"
    return {
        f"{groups}/resourceGroups/write": {"more": group(f"{rg}-more")},
        f"{groups}/resourceGroups/delete": {"empty": None},
        f"{groups}/resourceGroups/resources/read": {"empty": None},
        "Microsoft.Resources/tags/write": {rg: group(rg, tags={"one": "2"})},
        f"{storage}/storageAccounts/write": {"app": account(f"{rg}app", rg, accessTier="Cool")},
        f"{storage}/storageAccounts/delete": {"app": None},
        f"{who}/write": {"more": identity("more", rg)},
        f"{who}/delete": {"who": None},
        f"{kept}/virtualNetworks/write": {"net": network("net", rg, flowTimeoutInMinutes=10)},
        f"{kept}/virtualNetworks/delete": {"net": None, "inside": None},
        f"{kept}/virtualNetworks/subnets/write": {"inside": guarded("inside", "10.0.2.0/24")},
        f"{kept}/virtualNetworks/subnets/delete": {"inside": None},
        f"{kept}/networkSecurityGroups/write": {"more": rules("more", rg)},
        f"{kept}/networkSecurityGroups/delete": {"spare": None},
        f"{kept}/networkSecurityGroups/join/action": {"more": guarded("more", "10.0.3.0/24")},
        "Microsoft.KeyVault/vaults/write": {"more": vault(f"{rg}more", rg, "createOrRecover")},
        "Microsoft.KeyVault/vaults/delete": {"keys": None},
        "Microsoft.Authorization/roleAssignments/write": {"more": reads(f"{rg}more", f"{rg}-empty")},
        "Microsoft.Authorization/roleAssignments/delete": {"reads": None},
        **{f"{ns}/register/action": change for ns, change in new(rg).items()},
        "Microsoft.KeyVault/locations/deletedVaults/purge/action": {"more": vault(f"{rg}old", rg, "purgeThenCreate")},
        "Microsoft.KeyVault/locations/*/read": {"more": vault(f"{rg}lost", rg, "createOrRecover")},
        f"{kept}/locations/*/read": {"more": network("more", rg)},
        f"{storage}/locations/*/read": {"more": account(f"{rg}more", rg)},
        f"{groups}/operationresults/read": {"empty": None},
    }


def new(rg: str) -> dict[str, dict[str, Object | None]]:
    """Return a new object for each namespace, which has to be registered for it."""
    return {
        "Microsoft.Storage": {"more": account(f"{rg}more", rg)},
        "Microsoft.ManagedIdentity": {"more": identity("more", rg)},
        "Microsoft.Network": {"more": rules("more", rg)},
        "Microsoft.KeyVault": {"more": vault(f"{rg}more", rg, "createOrRecover")},
    }


PRUNE = ("--prune", "--allow-data-loss", "--allow-mass-delete")


def start(desk: Desk) -> tuple[dict[str, Object], Any]:
    """Write the world and apply it with the role that manages; a colleague has deleted two vaults."""
    objects = world(desk.name)
    desk.write(*objects.values())
    manage = role(desk, "manage")
    desk.apply()
    for name in ("old", "lost"):
        properties = {**vault(name, desk.name, "default")["spec"]["properties"], "accessPolicies": []}
        resource = f"{desk.group_id}/providers/Microsoft.KeyVault/vaults/{desk.name}{name}"
        desk.azure.edit("PUT", resource, {"location": "westeurope", "properties": properties}, api=VAULT_API)
        desk.azure.edit("DELETE", resource, api=VAULT_API)
    give(desk, manage)
    desk.azure.forget_traffic()
    return objects, manage


def refusals(desk: Desk) -> int:
    """Return how often the emulator refused for want of a right."""
    return int(desk.azure.call("GET", "/_emulator/requests")[1]["statuses"].get("403", 0))


def without(document: Any, action: str) -> Any:
    """Return a role without one of its actions."""
    left = [a for a in document["Actions"] if a != action]
    assert len(left) + 1 == len(document["Actions"]), action
    return {**document, "Actions": left}


def use_new_namespaces(desk: Desk) -> None:
    """Let the subscription use none of the resource providers yet."""
    for namespace in new(desk.name):
        path = f"{desk.azure.subscription}/providers/{namespace}/unregister?api-version=2021-04-01"
        assert desk.azure.call("POST", path, headers=COLLEAGUE)[0] == 200


def test_everything_is_done_with_the_role_that_manages(desk: Desk) -> None:
    """With it objects are created, changed and deleted; nothing is refused, and every action but links is asked for."""
    objects, manage = start(desk)
    codes = []
    for change in changes(desk.name).values():
        use_new_namespaces(desk)
        desk.write(*(o for o in (objects | change).values() if o is not None))
        codes.append(desk.run("apply", "--yes", *PRUNE).code)
    desk.write(*objects.values())
    codes.append(desk.run("apply", "--yes", *PRUNE).code)

    assert set(codes) == {0}
    assert refusals(desk) == 0
    assert set(manage["Actions"]) - asked(desk) == {"Microsoft.Network/networkSecurityGroups/join/action"}
    assert asked(desk) <= set(manage["Actions"])


def test_no_action_of_the_role_that_manages_is_spare(desk: Desk) -> None:
    """Each action is taken away in turn where it is needed: the run ends otherwise, and names it."""
    objects, manage = start(desk)
    told = {}
    for action, change in changes(desk.name).items():
        if action.endswith("/register/action"):
            use_new_namespaces(desk)
        give(desk, without(manage, action))
        desk.write(*(o for o in (objects | change).values() if o is not None))
        done = desk.run("apply", "--yes", *PRUNE)
        told[action] = done.code, action.partition("*")[0] in done.out or "could not be read" in done.out
        desk.write(*objects.values())

    reading = set(role(desk, "watch")["Actions"])
    assert set(told) >= set(manage["Actions"]) - reading
    assert {action: found for action, found in told.items() if found[0] == 0 or not found[1]} == {}


def pending(rg: str) -> list[Object]:
    """Return the world with a group that is to go, and with what makes a plan ask for everything there is to ask."""
    extra = {"app": account(f"{rg}app", rg, accessTier="Cool"), "lost": vault(f"{rg}lost", rg, "createOrRecover")}
    return [o for name, o in (world(rg) | extra).items() if name != "empty"]


@pytest.mark.parametrize("mode", ["plan", "watch"])
def test_nothing_else_is_read_than_the_role_that_reads_allows(desk: Desk, mode: str) -> None:
    """Plan and drift work with a role that can do nothing but read, and need all of it."""
    start(desk)
    desk.write(*pending(desk.name))
    reading = role(desk, mode)
    give(desk, reading)
    desk.azure.forget_traffic()

    planned = desk.run("plan", "--prune", "--detailed-exitcode")
    drifted = desk.run("drift")

    assert (planned.code, drifted.code) == (2, 0), planned.out + drifted.out
    assert refusals(desk) == 0
    assert {action.rpartition("/")[2] for action in reading["Actions"]} == {"read"}
    assert asked(desk) == {wild(action) for action in reading["Actions"]}
    assert set(map(wild, reading["Actions"])) <= set(role(desk, "manage")["Actions"])


def test_no_action_of_the_role_that_reads_is_spare(desk: Desk) -> None:
    """Each action is taken away in turn: the plan says what it could not read."""
    start(desk)
    desk.write(*pending(desk.name))
    reading = role(desk, "plan")
    give(desk, reading)
    whole = desk.run("plan", "--prune", "--brief").out
    silent = []
    for action in reading["Actions"]:
        give(desk, without(reading, action))
        done = desk.run("plan", "--prune", "--brief")
        text = done.out + done.err
        if done.out == whole or ("AuthorizationFailed" not in text and "could not be read" not in text):
            silent.append((action, text))

    assert silent == []


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--whole-groups",), 4)])
def test_what_others_put_into_a_group_is_seen_with_the_right_to(
    desk: Desk, options: tuple[str, ...], code: int
) -> None:
    """Azure lists what one may read: the guard on deleting a group sees other types with ``*/read`` alone."""
    desk.write(group(desk.name), group(f"{desk.name}-kept"))
    desk.apply()
    theirs = f"{desk.group_id}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/theirs"
    desk.azure.edit("PUT", theirs, {"location": "westeurope"}, api="2023-01-31")
    told = desk.run("role", "--mode", "manage", *options)
    give(desk, told.json)
    desk.write(group(f"{desk.name}-kept"))

    done = desk.run("apply", "--yes", "--prune", "--allow-mass-delete")

    assert done.code == code, done.out
    assert ("--whole-groups adds the rest" in told.err) is (not options)
    assert ("*/read" in told.json["Actions"]) is bool(options)
    assert [a for a in told.json["Actions"] if a.endswith("/read") and a != "*/read"] == [] or not options
