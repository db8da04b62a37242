"""Guards end to end: what they find, what they say, what lets them pass once, and what the report keeps of that."""

from __future__ import annotations

import pytest

from tests.verbs_desk import Desk, account, group, identity, make_object, network, subnet

pytestmark = pytest.mark.loopback

PROTECT = {"trueup.dev/protect": "true"}


def guard_of(run: object, name: str, guard: str) -> dict[str, object]:
    """Return one guard of a step in a JSON plan."""
    (found,) = [g for g in run.step(name)["guards"] if g["name"] == guard]  # type: ignore[attr-defined]
    assert isinstance(found, dict)
    return found


def test_guard_says_what_it_holds_and_how_to_allow_it(desk: Desk) -> None:
    """A data-bearing delete says what is held, what would happen and the option, which both reports then keep."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    desk.apply()
    desk.write(group(desk.name))

    held, text = desk.plan("--prune"), desk.run("plan", "--prune")

    assert held.code == 4
    assert guard_of(held, f"{desk.name}store", "data-bearing") == {
        "name": "data-bearing",
        "text": "it holds files, blobs, queues and tables, and the keys that lead to them",
        "effect": "that would be lost for good",
        "allow": "pass --allow-data-loss",
        "blocks": True,
    }
    assert "To allow it once: pass --allow-data-loss." in text.out
    done = desk.apply("--prune", "--allow-data-loss")
    (allowed,) = done.json["allowed"]
    assert (allowed["option"], [(g["name"], g["object"]["name"]) for g in allowed["guards"]]) == (
        "--allow-data-loss",
        [("data-bearing", f"{desk.name}store")],
    )
    assert desk.azure.writes == [f"DELETE storageAccounts/{desk.name}store 200"]
    history = desk.run("history", "-o", "json", "--state", str(desk.state), files=False)
    assert history.json["writes"][-1]["allowed"] == [{"guard": "data-bearing", "option": "--allow-data-loss"}]
    shown = desk.run("history", "--state", str(desk.state), files=False)
    assert "guard data-bearing let pass by --allow-data-loss" in shown.out


@pytest.mark.parametrize("form", ["text", "markdown", "ndjson"])
def test_options_are_kept_in_every_report(desk: Desk, form: str) -> None:
    """Which option was given, and that no guard needed it, stands in plan and result of every form."""
    desk.write(group(desk.name))

    plan = desk.run("plan", "-o", form, "--allow-data-loss")
    done = desk.run("apply", "-o", form, "--yes", "--allow-data-loss")

    assert done.code == 0
    assert "--allow-data-loss" in plan.out.replace("\\", "")
    assert "--allow-data-loss" in done.out
    assert "no guard needed it" in done.out or '"guards":[]' in done.out


def test_protected_object_goes_only_when_named(desk: Desk) -> None:
    """--allow-protected names one object; another protected one stays, and so does the group that holds it."""
    objects = [identity("one", desk.name), identity("two", desk.name)]
    for each in objects:
        each["metadata"]["annotations"] = PROTECT
    desk.write(group(desk.name), *objects)
    desk.apply()
    desk.write(group(desk.name))

    desk.apply("--prune", "--allow-protected", "web/UserAssignedIdentity/one", code=4)

    assert desk.azure.writes == ["DELETE userAssignedIdentities/one 200"]
    wrong = desk.run("plan", "--prune", "--allow-protected", "three")
    assert (wrong.code, "--allow-protected three means no object" in wrong.err) == (1, True)


def test_mass_delete_of_one_namespace_waits(desk: Desk) -> None:
    """Most of one namespace waits for the option even where it is little of the whole; other namespaces go on."""
    others = [identity(f"o{n}", desk.name) for n in range(30)]
    for each in others:
        each["metadata"]["namespace"] = "other"
        each["spec"]["owner"] = {"armId": desk.group_id}
    few = [identity(f"i{n}", desk.name) for n in range(22)]
    desk.write(group(desk.name), *others)
    desk.write(*few, file="few")
    desk.apply()
    desk.write(*few[:2], file="few")
    desk.write(group(desk.name), *others[1:])

    held = desk.plan("--prune")

    breaker = guard_of(held, "i7", "mass-delete")
    assert breaker["text"] == "20 of 23 managed resources of namespace web would be deleted at once"
    assert held.step("o0")["action"] == "delete"
    desk.apply("--prune", code=4)
    assert desk.azure.writes == ["DELETE userAssignedIdentities/o0 200"]


def test_blocked_step_blocks_its_dependents_and_nothing_else(desk: Desk) -> None:
    """What needs a blocked step is blocked with it; everything beside it is written."""
    desk.write(group(desk.name), network("net", desk.name))
    desk.apply()
    moved = network("net", desk.name, location="northeurope")
    desk.write(group(desk.name), moved, subnet("front", "net", "10.0.1.0/24"), identity("one", desk.name))

    plan = desk.plan()

    assert {n: plan.actions[n] for n in ("net", "front", "one")} == {
        "net": "blocked",
        "front": "blocked",
        "one": "create",
    }
    assert guard_of(plan, "net", "replace")["allow"] == (
        "pass --allow-replace web/VirtualNetwork/net, or set trueup.dev/allow-replace to its generation"
    )
    desk.apply(code=4)
    assert desk.azure.writes == ["PUT userAssignedIdentities/one 201"]


def test_purge_of_a_deleted_vault_needs_a_word(desk: Desk) -> None:
    """purgeThenCreate would destroy what can still be recovered: blocked, and sent with --allow-data-loss."""
    name = f"{desk.name}vault"
    properties = {"tenantId": desk.azure.connection.tenant, "sku": {"family": "A", "name": "standard"}}
    spec = {"owner": {"name": desk.name}, "location": "westeurope", "properties": properties}
    vault = make_object("Vault", "keyvault/v1api20230701", name, spec)
    desk.write(group(desk.name), vault)
    desk.apply()
    resource = f"{desk.group_id}/providers/Microsoft.KeyVault/vaults/{name}"
    desk.azure.edit("DELETE", resource, api="2023-07-01")
    properties["createMode"] = "purgeThenCreate"
    desk.write(group(desk.name), vault)

    held = desk.plan()
    desk.apply(code=4)
    nothing = desk.azure.writes
    desk.apply("--allow-data-loss")

    assert guard_of(held, name, "purge")["effect"] == "it would be purged for good, with what it holds"
    assert nothing == []
    assert [w.split()[0] for w in desk.azure.writes] == ["POST", "PUT"]


def test_another_mode_of_a_vault_that_is_there_is_one_azure_knows(desk: Desk) -> None:
    """What is to be done about a deleted vault means nothing for one that is there: the mode goes as ``default``."""
    properties = {"tenantId": desk.azure.connection.tenant, "sku": {"family": "A", "name": "standard"}}
    spec = {"owner": {"name": desk.name}, "location": "westeurope", "properties": properties}
    vault = make_object("Vault", "keyvault/v1api20230701", f"{desk.name}vault", spec)
    desk.write(group(desk.name), vault)
    desk.apply()
    properties["createMode"] = "createOrRecover"
    desk.write(group(desk.name), vault)

    request = desk.plan().step(f"{desk.name}vault")["request"]
    desk.apply()

    assert (request["method"], request["body"]) == ("PATCH", {"properties": {"createMode": "default"}})
    assert desk.azure.writes == [f"PATCH vaults/{desk.name}vault 200"]
    desk.check_clean()


def test_saved_plan_keeps_what_it_was_allowed(desk: Desk) -> None:
    """A plan saved with an option is applied with it, and the result names it."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    desk.apply()
    desk.write(group(desk.name))
    file = desk.folder / "plan.json"
    desk.run("plan", "--prune", "--allow-data-loss", "--out", str(file))

    done = desk.run("apply", str(file), "-o", "json", "--yes", files=False)

    assert done.code == 0
    assert [a["option"] for a in done.json["allowed"]] == ["--allow-data-loss"]
