"""``trueup apply`` against the emulator: what is sent, that it converges, and that the next plan is clean."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, Object, account, group, identity, network, secret, server, subnet

pytestmark = pytest.mark.loopback


def start(desk: Desk, **spec: object) -> str:
    """Apply a group with an account; return the account's id."""
    desk.write(group(desk.name, tags={"app": "web"}))
    desk.write(account(f"{desk.name}store", desk.name, tags={"app": "web"}, **spec), file="account")
    desk.apply()
    desk.check_clean()
    return desk.id_of("account", f"{desk.name}store")


def edit_account(desk: Desk, **spec: object) -> None:
    desk.write(account(f"{desk.name}store", desk.name, **{"tags": {"app": "web"}, **spec}), file="account")


def test_apply_creates_owners_first_and_the_next_plan_is_clean(desk: Desk) -> None:
    """One PUT per resource in an order that Azure takes; then nothing is left to do."""
    desk.write(subnet("front", "net", "10.0.1.0/24"), network("net", desk.name), identity("app", desk.name))
    desk.write(server(f"{desk.name}-pg", desk.name), secret(), group(desk.name), file="other")

    done = desk.apply()

    assert sorted(w.split()[0] for w in desk.azure.writes) == ["PUT"] * 5
    assert desk.azure.writes[0] == f"PUT resourceGroups/{desk.name} 201"
    assert done.json["succeeded"] is True
    assert {r["outcome"] for r in done.json["results"]} == {"created"}
    desk.azure.forget_traffic()
    desk.check_clean()
    assert desk.apply().json["summary"]["writes"] == 0
    assert desk.azure.writes == []


def test_apply_needs_yes_where_nobody_can_answer(desk: Desk) -> None:
    """Without --yes and without a terminal nothing is sent and the exit code is 1."""
    desk.write(group(desk.name))

    done = desk.spawn("apply")

    assert done.code == 1
    assert "--yes" in done.err
    assert desk.azure.writes == []


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "markdown"])
def test_every_form_reports_the_result(desk: Desk, form: str) -> None:
    """Whatever the form, an apply says what was created."""
    desk.write(group(desk.name))

    done = desk.run("apply", "--yes", "-o", form)

    assert done.code == 0
    assert "created" in done.out


def test_member_edited_in_azure_is_patched_back_alone(desk: Desk) -> None:
    """Drift of one member is mended by a PATCH with exactly that member."""
    resource = start(desk, allowBlobPublicAccess=False)
    desk.azure.edit("PATCH", resource, {"properties": {"allowBlobPublicAccess": True}})

    drift, step = desk.run("drift", "-o", "json"), desk.plan().step(f"{desk.name}store")

    assert drift.code == 2
    (moved,) = drift.json["resources"]
    assert [(c["text"], c["origin"]) for c in moved["changes"]] == [("properties.allowBlobPublicAccess", "drift")]
    assert (step["action"], step["reason"]) == ("update", "Drifted")
    assert step["request"]["method"] == "PATCH"
    assert step["request"]["body"] == {"properties": {"allowBlobPublicAccess": False}}
    desk.apply()
    assert desk.azure.writes == [f"PATCH storageAccounts/{desk.name}store 200"]
    desk.check_clean()


@pytest.mark.parametrize(
    ("operation", "edit", "sent"),
    [
        ("Merge", {"app": "shop"}, {"operation": "Merge", "properties": {"tags": {"app": "web"}}}),
        ("Merge", {"cost": "42"}, {"operation": "Delete", "properties": {"tags": {"cost": "42"}}}),
        ("Delete", {"app": "web"}, {"operation": "Merge", "properties": {"tags": {"app": "web"}}}),
        ("Replace", {"cost": "42"}, {"operation": "Replace", "properties": {"tags": {"app": "web"}}}),
    ],
    ids=["changed", "added", "removed", "added and removed"],
)
def test_tags_are_mended_through_the_tags_api(desk: Desk, operation: str, edit: Object, sent: Object) -> None:
    """A tag that was changed, added or removed is put right without touching the resource itself."""
    resource = start(desk)
    desk.azure.edit_tags(resource, operation, edit)

    step = desk.plan().step(f"{desk.name}store")

    assert step["request"]["method"] == "PATCH"
    assert "/providers/Microsoft.Resources/tags/default?" in step["request"]["url"]
    assert step["request"]["body"] == sent
    assert desk.run("drift").code == 2
    desk.apply()
    assert desk.azure.writes == ["PATCH tags/default 200"]
    assert desk.azure.get(resource)["tags"] == {"app": "web"}
    desk.check_clean()


def test_deleted_child_is_created_again(desk: Desk) -> None:
    """A child deleted in Azure is drift, and one PUT brings it back."""
    desk.write(group(desk.name), network("net", desk.name), subnet("front", "net", "10.0.1.0/24"))
    desk.apply()
    desk.azure.edit("DELETE", desk.id_of("subnet", "net", "front"), api=NETWORK_API)

    drift = desk.run("drift", "-o", "json")

    assert drift.code == 2
    assert [(r["object"]["name"], r["gone"]) for r in drift.json["resources"]] == [("front", True)]
    desk.apply()
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == ["PUT subnets/front"]
    desk.check_clean()


@pytest.mark.parametrize(
    "prefixes", [["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16"], ["10.0.0.0/16"]], ids=["added", "removed"]
)
def test_list_edited_in_azure_is_restored(desk: Desk, prefixes: list[str]) -> None:
    """An element too many or too few is drift; the children that other objects own survive the PUT."""
    wanted = ["10.0.0.0/16", "10.1.0.0/16"]
    net = network("net", desk.name, addressSpace={"addressPrefixes": wanted})
    desk.write(group(desk.name), net, subnet("front", "net", "10.0.1.0/24"))
    desk.apply()
    resource = desk.id_of("network", "net")
    body = desk.azure.get(resource, api=NETWORK_API)
    body["properties"]["addressSpace"]["addressPrefixes"] = prefixes
    desk.azure.edit("PUT", resource, body, api=NETWORK_API)

    drift = desk.run("drift")

    assert drift.code == 2
    desk.apply()
    assert [w.split()[0] for w in desk.azure.writes] == ["PUT"]
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]
    assert held["addressSpace"]["addressPrefixes"] == wanted
    assert [s["name"] for s in held["subnets"]] == ["front"]
    desk.check_clean()


def test_edited_manifest_is_the_users_change_and_no_drift(desk: Desk) -> None:
    """What only the manifest moved is sent as the smallest request, with origin user; drift stays clean."""
    resource = start(desk)
    edit_account(desk, accessTier="Cool")

    step, drift = desk.plan().step(f"{desk.name}store"), desk.run("drift")

    assert (step["reason"], step["state"]) == ("SpecChanged", "changed")
    assert [(c["text"], c["before"], c["after"], c["origin"]) for c in step["changes"]] == [
        ("properties.accessTier", "Hot", "Cool", "user")
    ]
    assert drift.code == 0
    desk.apply()
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Cool"
    desk.check_clean()


def test_both_sides_edited_is_a_conflict_the_manifest_wins(desk: Desk) -> None:
    """A member that user and Azure moved has origin both, and apply writes what the manifest says."""
    resource = start(desk, minimumTlsVersion="TLS1_0")
    edit_account(desk, minimumTlsVersion="TLS1_2")
    desk.azure.edit("PATCH", resource, {"properties": {"minimumTlsVersion": "TLS1_1"}})

    step = desk.plan().step(f"{desk.name}store")

    assert (step["reason"], step["state"]) == ("Conflicted", "conflicted")
    assert [c["origin"] for c in step["changes"]] == ["both"]
    assert desk.run("drift").code == 2
    desk.apply()
    assert desk.azure.get(resource)["properties"]["minimumTlsVersion"] == "TLS1_2"
    desk.check_clean()


def test_member_removed_from_the_manifest_is_removed_in_azure(desk: Desk) -> None:
    """What was applied and is no longer asked for goes, although nobody asks for another value."""
    resource = start(
        desk, networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.10", "action": "Allow"}]}
    )
    desk.write(account(f"{desk.name}store", desk.name, networkAcls={"defaultAction": "Deny"}), file="account")

    step = desk.plan().step(f"{desk.name}store")

    assert sorted((c["text"], c["kind"], c["origin"]) for c in step["changes"]) == [
        ("properties.networkAcls.ipRules", "remove", "user"),
        ("tags.app", "remove", "user"),
    ]
    desk.apply()
    held = desk.azure.get(resource)
    assert (held.get("tags") or {}, held["properties"]["networkAcls"].get("ipRules") or []) == ({}, [])
    desk.check_clean()


def test_deleted_state_folder_means_a_first_read_without_false_changes(desk: Desk) -> None:
    """What is in sync stays in sync without memory; real drift has an unknown origin and needs --adopt."""
    resource = start(desk)
    forget(desk)
    desk.check_clean()
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})

    step = desk.plan().step(f"{desk.name}store")

    assert (step["action"], [c["origin"] for c in step["changes"]]) == ("adopt", ["unknown"])
    desk.apply("--adopt")
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"
    desk.check_clean()


def forget(desk: Desk) -> None:
    desk.forget_state()


def test_existing_resource_is_adopted_only_when_asked_for(desk: Desk) -> None:
    """A resource that was never applied from here is shown with its differences and written only with --adopt."""
    resource = desk.id_of("account", f"{desk.name}store")
    desk.azure.edit("PUT", desk.group_id, {"location": "westeurope"}, api="2020-06-01")
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    desk.azure.edit("PUT", resource, {**body, "properties": {"accessTier": "Cool"}})
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))

    shown, detailed = desk.run("plan"), desk.run("plan", "--detailed-exitcode")

    assert (shown.code, detailed.code) == (0, 2)
    assert f"< web/StorageAccount/{desk.name}store" in shown.out
    desk.apply()
    assert desk.azure.writes == []
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Cool"
    desk.apply("--adopt")
    assert desk.azure.writes == [f"PATCH storageAccounts/{desk.name}store 200"]
    desk.check_clean()


def test_drift_without_memory_is_not_blamed_on_anybody(desk: Desk) -> None:
    """A difference of which no apply is remembered makes drift exit with 2 and says that nobody knows who moved."""
    resource = start(desk)
    forget(desk)
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})

    done = desk.run("drift", "-o", "json")

    assert done.code == 2
    assert done.json["summary"]["unattributed"] == 1


def test_deleted_resource_group_is_built_up_again(desk: Desk) -> None:
    """When somebody deletes the whole group, everything in it is drift and comes back in order."""
    desk.write(group(desk.name), network("net", desk.name), subnet("front", "net", "10.0.1.0/24"))
    desk.apply()
    desk.azure.edit("DELETE", desk.group_id, api="2020-06-01")
    for _ in range(4):
        desk.azure.get(desk.group_id, api="2020-06-01")

    drift = desk.run("drift", "-o", "json")

    assert drift.code == 2
    assert [r["gone"] for r in drift.json["resources"]] == [True, True, True]
    desk.apply()
    assert [w.split()[1] for w in desk.azure.writes] == [
        f"resourceGroups/{desk.name}",
        "virtualNetworks/net",
        "subnets/front",
    ]
    desk.check_clean()


def test_only_what_is_chosen_is_applied(desk: Desk) -> None:
    """--target writes one object; its owner is found among the others and left alone."""
    desk.write(group(desk.name), identity("one", desk.name), identity("two", desk.name))
    desk.apply("--target", desk.name)

    desk.apply("--target", "UserAssignedIdentity/one")

    assert [w.split()[1] for w in desk.azure.writes] == ["userAssignedIdentities/one"]
    assert desk.plan().actions == {desk.name: "noop", "one": "noop", "two": "create"}


def test_memory_outlives_a_new_api_version(desk: Desk) -> None:
    """An object that moves to another api-version changes nothing, and what others moved before is still drift."""
    name = f"{desk.name}store"
    older = account(name, desk.name, allowBlobPublicAccess=False) | {"apiVersion": "storage.azure.com/v1api20210401"}
    desk.write(group(desk.name), older)
    desk.apply()
    desk.write(group(desk.name), account(name, desk.name, allowBlobPublicAccess=False))
    desk.check_clean()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})

    (change,) = desk.plan().step(name)["changes"]

    assert (change["text"], change["origin"]) == ("properties.accessTier", "drift")
