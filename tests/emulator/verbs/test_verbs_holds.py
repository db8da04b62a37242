"""Azure's own locks and deny assignments: seen at plan time, and what happens where they could not be read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verbs_desk import Desk, Run, group, identity

pytestmark = pytest.mark.loopback

LOCKS = "Microsoft.Authorization/locks"
DENIALS = "Microsoft.Authorization/denyAssignments"
EVERYONE = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined", "displayName": "All Principals"}
IDENTITY_API = "2023-01-31"


def lock(desk: Desk, scope: str, level: str = "CanNotDelete") -> str:
    """Set a lock as a colleague does; return its id."""
    resource = f"{scope}/providers/{LOCKS}/keep"
    desk.azure.edit("PUT", resource, {"properties": {"level": level}}, api="2020-05-01")
    return resource


def deny(desk: Desk, scope: str, *, actions: list[str], **properties: Any) -> None:
    """Make a deny assignment as a deployment stack has one made."""
    resource = f"{scope}/providers/{DENIALS}/11111111-2222-3333-4444-555555555555"
    body = {
        "id": resource,
        "name": "11111111-2222-3333-4444-555555555555",
        "type": DENIALS,
        "properties": {
            "denyAssignmentName": "Deny assignment of stack app",
            "permissions": [{"actions": actions, "notActions": []}],
            "scope": scope,
            "principals": [EVERYONE],
            "excludePrincipals": [],
            "doNotApplyToChildScopes": False,
            **properties,
        },
    }
    status, answer = desk.azure.call("POST", "/_emulator/bulk", {"id": resource, "api": "2022-04-01", "body": body})
    assert status == 201, answer


def guards(run: Run, name: str) -> dict[str, tuple[bool, str]]:
    """Return the guards of a step in a JSON plan: whether each blocks, and what it says."""
    return {g["name"]: (g["blocks"], g["text"] + " " + g.get("allow", "")) for g in run.step(name)["guards"]}


def start(desk: Desk) -> None:
    """Apply a group with two identities, and ask for one of them no more."""
    desk.write(group(desk.name), identity("one", desk.name), identity("two", desk.name))
    desk.apply()
    desk.write(group(desk.name), identity("two", desk.name))


@pytest.mark.parametrize("where", ["resource", "group"])
def test_lock_holds_a_delete_back(desk: Desk, where: str) -> None:
    """A lock on the resource or its group blocks the delete, names itself and how to take it away; nothing is sent."""
    start(desk)
    scope = desk.id_of("identity", "one") if where == "resource" else desk.group_id
    found = lock(desk, scope)

    held = desk.plan("--prune")

    assert held.code == 4
    blocks, text = guards(held, "one")["lock"]
    assert blocks
    assert "the lock keep (CanNotDelete) on" in text
    assert f"az lock delete --ids {found}".lower() in text.lower()
    desk.apply("--prune", code=4)
    assert desk.azure.writes == []


def test_lock_inside_a_group_holds_the_groups_delete_back(desk: Desk) -> None:
    """Deleting a group is refused by Azure while something in it is locked, so the plan says it."""
    desk.write(group(desk.name), identity("one", desk.name))
    desk.apply()
    lock(desk, desk.id_of("identity", "one"))
    desk.write(file="app")

    held = desk.plan("--prune", "--allow-mass-delete")

    assert set(held.actions.values()) == {"blocked"}
    assert "lock" in guards(held, desk.name)


def test_read_only_lock_holds_every_write_back(desk: Desk) -> None:
    """ReadOnly refuses creates and tags too; CanNotDelete lets both through."""
    desk.write(group(desk.name, tags={"a": "1"}))
    desk.apply()
    desk.write(group(desk.name, tags={"a": "2"}), identity("one", desk.name))
    lock(desk, desk.group_id, "CanNotDelete")

    free = desk.plan()
    lock(desk, desk.group_id, "ReadOnly")
    held = desk.plan()

    assert free.actions == {desk.name: "update", "one": "create"}
    assert held.actions == {desk.name: "blocked", "one": "blocked"}
    assert "(ReadOnly)" in guards(held, desk.name)["lock"][1]


def test_locks_that_cannot_be_read_are_a_warning_and_azure_decides(desk: Desk) -> None:
    """403 on the lists warns and does not block; Azure then refuses with ScopeLocked, exit 5, and nothing is lost."""
    start(desk)
    lock(desk, desk.group_id)
    refused = {"error": {"code": "AuthorizationFailed", "message": "no permission to read"}}
    match = {"method": "GET", "path_regex": f"/({LOCKS}|{DENIALS})$"}
    desk.azure.script({"match": match, "answer": {"status": 403, "body": refused}, "times": None})

    plan = desk.plan("--prune")
    done = desk.apply("--prune", code=5)

    assert plan.step("one")["action"] == "delete"
    blocks, text = guards(plan, "one")["lock"]
    assert (blocks, "could not be read" in text, "AuthorizationFailed" in text) == (False, True, True)
    assert set(guards(plan, "one")) == {"lock", "deny-assignment"}
    assert "ScopeLocked" in done.result("one")["cause"]
    assert desk.azure.get(desk.id_of("identity", "one"), api=IDENTITY_API) is not None


def test_subscription_list_that_is_refused_falls_back_to_groups(desk: Desk) -> None:
    """An identity that may read locks of its group alone still sees them before a delete."""
    start(desk)
    lock(desk, desk.group_id)
    refused = {"error": {"code": "AuthorizationFailed", "message": "no permission to read"}}
    match = {"method": "GET", "path_regex": f"^{desk.azure.subscription}/providers/{LOCKS}$"}
    desk.azure.script({"match": match, "answer": {"status": 403, "body": refused}, "times": None})

    held = desk.plan("--prune")

    assert guards(held, "one")["lock"][0]


def test_deny_assignment_for_everyone_blocks(desk: Desk) -> None:
    """What is denied to everyone is not sent, and --allow-denied does not help where nobody is excluded."""
    start(desk)
    deny(desk, desk.group_id, actions=["*/delete"])

    held = desk.plan("--prune", "--allow-denied")

    blocks, text = guards(held, "one")["deny-assignment"]
    assert blocks
    assert "Deny assignment of stack app" in text
    assert "denies microsoft.managedidentity/userassignedidentities/delete to everyone" in text
    desk.apply("--prune", code=4)
    assert desk.azure.writes == []


def test_deny_assignment_with_exceptions_can_be_allowed(desk: Desk) -> None:
    """Where somebody is excluded the option sends the request; Azure has the last word, with its own code."""
    start(desk)
    friend = {"id": "99999999-0000-0000-0000-000000000001", "type": "ServicePrincipal", "displayName": "pipeline"}
    deny(desk, desk.group_id, actions=["Microsoft.ManagedIdentity/*"], excludePrincipals=[friend])

    held = desk.plan("--prune")
    done = desk.apply("--prune", "--allow-denied", code=5)

    assert "to everyone but ServicePrincipal pipeline" in guards(held, "one")["deny-assignment"][1]
    assert "pass --allow-denied" in guards(held, "one")["deny-assignment"][1]
    assert "DenyAssignmentAuthorizationFailed" in done.result("one")["cause"]
    assert [a["option"] for a in done.json["allowed"]] == ["--allow-denied"]


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({"principals": [{"id": "1", "type": "User", "displayName": "Kim"}]}, "delete"),
        ({"permissions": [{"actions": ["*"], "notActions": ["*/delete"]}]}, "delete"),
        ({"permissions": [{"actions": ["*/write"], "notActions": []}]}, "delete"),
        ({"doNotApplyToChildScopes": True}, "delete"),
        ({}, "blocked"),
    ],
    ids=["others", "not this action", "other action", "not below", "all of it"],
)
def test_deny_assignment_holds_only_what_it_denies(desk: Desk, change: dict[str, Any], action: str) -> None:
    """Named principals are a warning; other actions and scopes say nothing."""
    start(desk)
    deny(desk, desk.group_id, actions=["*"], **change)

    plan = desk.plan("--prune")

    assert plan.step("one")["action"] == action
    assert ("deny-assignment" in guards(plan, "one")) is ("principals" in change or not change)


def test_nothing_is_asked_where_nothing_is_sent(desk: Desk) -> None:
    """A plan without requests reads neither locks nor deny assignments; one with many reads one list of each."""
    names = [f"i{n}" for n in range(5)]
    desk.write(group(desk.name), *(identity(n, desk.name) for n in names))
    desk.apply()

    desk.azure.forget_traffic()
    desk.plan()
    quiet = desk.azure.reads
    changed = [identity(n, desk.name) for n in names]
    for each in changed:
        each["spec"]["tags"] = {"a": "b"}
    desk.write(group(desk.name), *changed)
    desk.azure.forget_traffic()
    plan = desk.plan()

    assert set(plan.actions.values()) == {"noop", "update"}
    assert desk.azure.reads == quiet + 2
