"""What a run may do: prune, replace, policies, filters and guards, from the command line to Azure."""

from __future__ import annotations

import pytest

from tests.verbs_desk import GROUP_API, NETWORK_API, Desk, Run, account, group, identity, network, subnet

pytestmark = pytest.mark.loopback

DRIFT_POLICY = "trueup.dev/drift-policy"
RECONCILE_POLICY = "serviceoperator.azure.com/reconcile-policy"


def start(desk: Desk) -> None:
    """Apply a group with two identities, a network with a subnet, and an account."""
    desk.write(group(desk.name))
    desk.write(identity("one", desk.name), identity("two", desk.name), file="identities")
    desk.write(network("net", desk.name), subnet("front", "net", "10.0.1.0/24"), file="network")
    desk.write(account(f"{desk.name}store", desk.name), file="account")
    desk.apply()


def drop(desk: Desk, *files: str) -> None:
    for file in files:
        (desk.manifests / f"{file}.yaml").unlink()


def guards_of(done: Run, name: str) -> dict[str, bool]:
    return {g["name"]: g["blocks"] for g in done.step(name)["guards"]}


def test_object_that_left_the_input_is_listed_and_kept(desk: Desk) -> None:
    """Without --prune nothing is deleted; the plan says what is no longer in the input."""
    start(desk)
    desk.write(identity("one", desk.name), file="identities")

    step = desk.plan().step("two")

    assert (step["action"], step["reason"]) == ("skip", "NoLongerInInput")
    assert "--prune" in step["detail"]
    desk.apply()
    assert desk.azure.writes == []


def test_prune_deletes_what_left_the_input_and_forgets_it(desk: Desk) -> None:
    """--prune sends one DELETE for it, and the next plan knows nothing of it."""
    start(desk)
    desk.write(identity("one", desk.name), file="identities")

    desk.apply("--prune")

    assert desk.azure.writes == ["DELETE userAssignedIdentities/two 200"]
    assert "two" not in desk.plan().actions
    desk.check_clean("--prune")


def test_prune_of_an_account_needs_allow_data_loss(desk: Desk) -> None:
    """A resource that holds data is deleted only when the loss is confirmed."""
    start(desk)
    drop(desk, "account")

    held = desk.plan("--prune")

    assert held.code == 4
    assert held.step(f"{desk.name}store")["action"] == "blocked"
    assert guards_of(held, f"{desk.name}store") == {"data-bearing": True}
    desk.apply("--prune", code=4)
    assert desk.azure.writes == []
    desk.apply("--prune", "--allow-data-loss")
    assert desk.azure.writes == [f"DELETE storageAccounts/{desk.name}store 200"]


def test_children_go_with_their_resource_group_in_one_delete(desk: Desk) -> None:
    """Pruning everything sends one DELETE for the group; nothing is sent for what goes with it."""
    start(desk)
    drop(desk, "identities", "network", "account")
    desk.write(file="app")

    held = desk.plan("--prune", "--allow-data-loss")
    plan = desk.plan("--prune", "--allow-data-loss", "--allow-mass-delete")

    assert set(held.actions.values()) == {"blocked"}
    assert set(plan.actions.values()) == {"delete"}
    assert [s["object"]["name"] for s in plan.json["steps"] if s["request"]] == [desk.name]
    done = desk.apply("--prune", "--allow-data-loss", "--allow-mass-delete")
    assert [w.split()[0] for w in desk.azure.writes] == ["DELETE"]
    assert {r["outcome"] for r in done.json["results"]} == {"deleted"}
    assert desk.azure.get(desk.group_id, api=GROUP_API) is None
    desk.check_clean("--prune")


def test_group_with_contents_nobody_asks_for_is_not_deleted(desk: Desk) -> None:
    """A resource somebody else made in the group keeps the group from being pruned."""
    desk.write(group(desk.name))
    desk.apply()
    other = desk.id_of("identity", "theirs")
    desk.azure.edit("PUT", other, {"location": "westeurope"}, api="2023-01-31")
    desk.write(file="app")

    held = desk.plan("--prune")

    assert held.code == 4
    assert guards_of(held, desk.name) == {"unowned-contents": True}
    assert "theirs" in held.out
    desk.apply("--prune", code=4)
    assert desk.azure.writes == []


def test_mass_delete_waits_for_confirmation(desk: Desk) -> None:
    """Twenty deletes that are also half of what is managed wait for --allow-mass-delete."""
    desk.write(group(desk.name))
    desk.write(*(identity(f"i{n}", desk.name) for n in range(20)), file="identities")
    desk.apply()
    drop(desk, "identities")

    held = desk.plan("--prune")

    assert held.code == 4
    assert guards_of(held, "i7") == {"mass-delete": True}
    desk.apply("--prune", "--allow-mass-delete")
    assert len(desk.azure.writes) == 20


@pytest.mark.parametrize(
    "chosen",
    [["-n", "other"], ["-l", "app=web"], ["--target", "one"], ["--exclude", "two"]],
    ids=["namespace", "labels", "target", "exclude"],
)
def test_filters_never_prune_others(desk: Desk, chosen: list[str]) -> None:
    """A filtered run cannot know what left the input, so it deletes nothing."""
    start(desk)
    drop(desk, "identities")

    desk.apply("--prune", *chosen, code=int("--target" in chosen))

    assert desk.azure.writes == []


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (["-n", "web"], {"one", "two", "front", "net", "GROUP", "store"}),
        (["-n", "other"], set()),
        (["-A"], {"one", "two", "front", "net", "GROUP", "store"}),
        (["--target", "one"], {"one"}),
        (["--target", "UserAssignedIdentity/*", "--exclude", "web/UserAssignedIdentity/two"], {"one"}),
        (["-l", "tier=data"], {"store"}),
        (["-l", "tier"], {"store"}),
        (["--exclude", "*/VirtualNetwork*", "--exclude", "GROUP", "--exclude", "one"], {"two", "store"}),
    ],
)
def test_filters_choose_objects(desk: Desk, chosen: list[str], names: set[str]) -> None:
    """-n, -A, -l, --target and --exclude say which objects a run is about; owners need not be chosen."""
    desk.name = "GROUP"
    desk.write(group(desk.name), identity("one", desk.name), identity("two", desk.name))
    desk.write(network("net", desk.name), subnet("front", "net", "10.0.1.0/24"), file="network")
    desk.write(account("store", desk.name, labels={"tier": "data"}), file="account")

    done = desk.plan(*chosen)

    assert done.code == 0
    assert set(done.actions) == names


def test_create_only_change_is_blocked_until_a_replace_is_allowed(desk: Desk) -> None:
    """Another region can only be had by delete and create: exit 4, and --allow-replace does it."""
    start(desk)
    moved = identity("one", desk.name)
    moved["spec"]["location"] = "northeurope"
    desk.write(moved, identity("two", desk.name), file="identities")

    held = desk.plan()

    assert (held.code, held.step("one")["action"], held.step("one")["reason"]) == (4, "blocked", "ImmutableChange")
    desk.apply(code=4)
    assert desk.azure.writes == []
    desk.apply("--allow-replace", "web/UserAssignedIdentity/one")
    assert [w.split()[0] for w in desk.azure.writes] == ["DELETE", "PUT"]
    assert desk.azure.get(desk.id_of("identity", "one"), api="2023-01-31")["location"] == "northeurope"
    desk.check_clean()


def test_replace_of_data_needs_the_loss_allowed_too(desk: Desk) -> None:
    """--allow-replace alone does not throw away what an account holds."""
    start(desk)
    desk.write(account(f"{desk.name}store", desk.name, location="northeurope"), file="account")

    held = desk.plan("--allow-replace", f"{desk.name}store")

    assert held.code == 4
    assert guards_of(held, f"{desk.name}store") == {"replace": False, "data-bearing": True}


def test_children_of_a_replaced_resource_are_created_again(desk: Desk) -> None:
    """A replace takes its children along; the same apply brings back those that objects ask for."""
    start(desk)
    moved = network("net", desk.name, location="northeurope")
    desk.write(moved, subnet("front", "net", "10.0.1.0/24"), file="network")

    plan = desk.plan("--allow-replace", "net")

    assert (plan.step("net")["action"], plan.step("front")["action"]) == ("replace", "create")
    desk.apply("--allow-replace", "net")
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == [
        "DELETE virtualNetworks/net",
        "PUT virtualNetworks/net",
        "PUT subnets/front",
    ]
    desk.check_clean()


def test_child_that_must_stay_keeps_its_parent_from_being_replaced(desk: Desk) -> None:
    """A protected or skipped child would be lost with its parent, so the replace is blocked."""
    start(desk)
    moved, kept = network("net", desk.name, location="northeurope"), subnet("front", "net", "10.0.1.0/24")
    kept["metadata"]["annotations"] = {"trueup.dev/protect": "true"}
    desk.write(moved, kept, file="network")

    plan = desk.plan("--allow-replace", "net")

    assert plan.code == 4
    assert guards_of(plan, "net") == {"replace": False, "children": True}
    assert "web/VirtualNetworksSubnet/front" in plan.step("net")["detail"]


def test_protected_object_is_neither_replaced_nor_deleted(desk: Desk) -> None:
    """trueup.dev/protect stands against --allow-replace."""
    start(desk)
    moved = identity("one", desk.name)
    moved["spec"]["location"] = "northeurope"
    moved["metadata"]["annotations"] = {"trueup.dev/protect": "true"}
    desk.write(moved, identity("two", desk.name), file="identities")

    held = desk.plan("--allow-replace", "one")

    assert held.code == 4
    assert guards_of(held, "one") == {"replace": False, "protect": True}


@pytest.mark.parametrize("policy", ["skip", "mange"], ids=["skip", "misspelt"])
def test_skipped_object_is_not_written(desk: Desk, policy: str) -> None:
    """reconcile-policy skip, and any value nobody knows, means that Azure is left alone."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, annotations={RECONCILE_POLICY: policy}))

    desk.apply()

    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]
    assert desk.plan().step(f"{desk.name}store")["action"] == "skip"


@pytest.mark.parametrize("policy", ["detach-on-delete", "skip"])
def test_detached_object_is_forgotten_and_kept(desk: Desk, policy: str) -> None:
    """An object whose last known policy was to detach or to skip is forgotten when it leaves, Azure keeps it."""
    kept = identity("kept", desk.name)
    desk.write(group(desk.name), kept)
    desk.apply()
    kept["metadata"]["annotations"] = {RECONCILE_POLICY: policy}
    desk.write(group(desk.name), kept)
    desk.apply("--target", "kept")
    desk.write(group(desk.name))

    plan = desk.plan("--prune")

    assert (plan.step("kept")["action"], plan.step("kept")["reason"]) == ("forget", "Detached")
    desk.apply("--prune")
    assert desk.azure.writes == []
    assert desk.azure.get(desk.id_of("identity", "kept"), api="2023-01-31") is not None
    assert "kept" not in desk.plan("--prune").actions


def test_protected_object_that_left_the_input_is_not_pruned(desk: Desk) -> None:
    """Protection outlives the manifest: --prune is blocked, and so is the group that would take it along."""
    kept = identity("kept", desk.name)
    kept["metadata"]["annotations"] = {"trueup.dev/protect": "true"}
    desk.write(group(desk.name), kept)
    desk.apply()
    desk.write()

    plan = desk.plan("--prune")

    assert plan.code == 4
    assert set(plan.actions.values()) == {"blocked"}
    assert guards_of(plan, "kept") == {"protect": True}
    desk.apply("--prune", code=4)
    assert desk.azure.writes == []


@pytest.mark.parametrize(("policy", "code"), [("report", 2), ("ignore", 0)])
def test_reported_drift_is_shown_and_not_corrected(desk: Desk, policy: str, code: int) -> None:
    """drift-policy report alarms without writing, ignore does neither; plan --detailed-exitcode says 2 for report."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, annotations={DRIFT_POLICY: policy}))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", f"{desk.name}store"), {"properties": {"accessTier": "Cool"}})

    drift, plan = desk.run("drift"), desk.plan("--detailed-exitcode")

    assert drift.code == code
    assert (plan.code, plan.step(f"{desk.name}store")["action"]) == (code, "skip")
    desk.apply()
    assert desk.azure.writes == []


def test_ignored_place_is_neither_alarm_nor_write(desk: Desk) -> None:
    """trueup.dev/ignore hides one member, and a PUT for another reason keeps Azure's value there."""
    note = {"trueup.dev/ignore": "/properties/addressSpace"}
    net = network("net", desk.name)
    net["metadata"]["annotations"] = note
    desk.write(group(desk.name), net)
    desk.apply()
    resource = desk.id_of("network", "net")
    body = desk.azure.get(resource, api=NETWORK_API)
    body["properties"]["addressSpace"]["addressPrefixes"].append("10.9.0.0/16")
    desk.azure.edit("PUT", resource, body, api=NETWORK_API)

    drift = desk.run("drift")

    assert drift.code == 0
    net["spec"]["flowTimeoutInMinutes"] = 10
    desk.write(group(desk.name), net)
    desk.apply()
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]
    assert held["addressSpace"]["addressPrefixes"] == ["10.0.0.0/16", "10.9.0.0/16"]
    assert held["flowTimeoutInMinutes"] == 10


def test_ignored_drift_counts_again_when_the_rule_goes(desk: Desk) -> None:
    """An apply while a place is ignored does not take Azure's value there for agreed."""
    note = {"trueup.dev/ignore": "/properties/accessTier"}
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, annotations=note))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", f"{desk.name}store"), {"properties": {"accessTier": "Cool"}})
    desk.apply()
    assert desk.azure.writes == []
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))

    drift = desk.run("drift", "-o", "json")

    assert drift.code == 2
    assert [c["text"] for c in drift.json["resources"][0]["changes"]] == ["properties.accessTier"]
