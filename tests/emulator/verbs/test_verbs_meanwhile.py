"""What others do in Azure between the plan and the write: never undone unseen, never taken for granted."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, account, group, identity, network, subnet

pytestmark = pytest.mark.loopback


def write_account(desk: Desk, **spec: object) -> str:
    fixed = {"tags": {"app": "web"}, "allowBlobPublicAccess": False}
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, **(fixed | spec)))
    return desk.id_of("account", f"{desk.name}store")


def test_drift_during_a_patch_is_drift_in_the_next_plan(desk: Desk) -> None:
    """What the PATCH did not send keeps its old memory: the result says that Azure moved, the next plan mends it."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")

    done = desk.apply_while(lambda: desk.azure.edit("PATCH", resource, {"properties": {"allowBlobPublicAccess": True}}))

    assert done.code == 0, done.out + done.err
    cause = done.result(f"{desk.name}store")["cause"]
    assert "Azure moved meanwhile at properties.allowBlobPublicAccess" in cause
    assert "known difference" not in cause
    step = desk.plan().step(f"{desk.name}store")
    assert [(c["text"], c["origin"]) for c in step["changes"]] == [("properties.allowBlobPublicAccess", "drift")]
    assert desk.run("drift").code == 2
    desk.apply()
    assert desk.azure.get(resource)["properties"]["allowBlobPublicAccess"] is False
    desk.check_clean()


def test_tag_added_during_a_patch_is_drift_in_the_next_plan(desk: Desk) -> None:
    """A tag that only Azure has is no known difference because something else was written meanwhile."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")

    done = desk.apply_while(lambda: desk.azure.edit_tags(resource, "Merge", {"cost": "42"}))

    assert "Azure moved meanwhile at tags.cost" in done.result(f"{desk.name}store")["cause"]
    step = desk.plan().step(f"{desk.name}store")
    assert [(c["text"], c["origin"]) for c in step["changes"]] == [("tags.cost", "drift")]


def test_drift_during_a_write_of_tags_is_drift_in_the_next_plan(desk: Desk) -> None:
    """The tags API sends nothing but tags: all else keeps its old memory, as do tags that were not sent."""
    resource = write_account(desk, tags={"app": "web", "team": "a"})
    desk.apply()
    write_account(desk, tags={"app": "shop", "team": "a"})

    def edit() -> None:
        desk.azure.edit("PATCH", resource, {"properties": {"allowBlobPublicAccess": True}})
        desk.azure.edit_tags(resource, "Merge", {"team": "b"})

    done = desk.apply_while(edit)

    assert desk.azure.writes == ["PATCH tags/default 200"]
    assert "Azure moved meanwhile" in done.result(f"{desk.name}store")["cause"]
    step = desk.plan().step(f"{desk.name}store")
    assert {(c["text"], c["origin"]) for c in step["changes"]} == {
        ("properties.allowBlobPublicAccess", "drift"),
        ("tags.team", "drift"),
    }


def test_drift_while_a_resource_is_adopted_is_drift_in_the_next_plan(desk: Desk) -> None:
    """Nothing was remembered before: what was as asked when it was planned counts as such."""
    resource = write_account(desk)
    desk.apply()
    desk.forget_state()
    write_account(desk, accessTier="Cool")

    desk.apply_while(
        lambda: desk.azure.edit("PATCH", resource, {"properties": {"allowBlobPublicAccess": True}}), "--adopt"
    )

    step = desk.plan().step(f"{desk.name}store")
    assert [(c["text"], c["origin"]) for c in step["changes"]] == [("properties.allowBlobPublicAccess", "drift")]


def test_known_difference_is_not_told_again_by_other_writes(desk: Desk) -> None:
    """A value that Azure did not keep stays known when something else is patched, without another word."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")
    match = {"method": "PATCH", "path_regex": f"{desk.name}store$"}
    desk.azure.script({"match": match, "times": None, "answer": {"status": 200, "body": {"id": resource}}})
    kept = desk.apply().result(f"{desk.name}store")
    desk.azure.clear_script()
    write_account(desk, accessTier="Cool", allowBlobPublicAccess=True)

    other = desk.apply().result(f"{desk.name}store")

    assert "known difference" in kept["cause"]
    assert (other["outcome"], other["cause"]) == ("updated", "")
    desk.check_clean()


def write_network(desk: Desk, *prefixes: str) -> str:
    space = {"addressPrefixes": list(prefixes)}
    desk.write(group(desk.name), network("net", desk.name, addressSpace=space), subnet("ours", "net", "10.0.1.0/24"))
    return desk.id_of("network", "net")


def add_subnet(desk: Desk, name: str, prefix: str) -> None:
    body = {"properties": {"addressPrefix": prefix}}
    desk.azure.edit("PUT", desk.id_of("subnet", "net", name), body, api=NETWORK_API)


def test_put_keeps_children_that_appeared_after_the_plan(desk: Desk) -> None:
    """A PUT of a network empties its list of subnets: what is in it is read again right before."""
    resource = write_network(desk, "10.0.0.0/16")
    desk.apply()
    add_subnet(desk, "before", "10.0.2.0/24")
    write_network(desk, "10.0.0.0/16", "10.1.0.0/16")

    done = desk.apply_while(lambda: add_subnet(desk, "after", "10.0.3.0/24"))

    assert done.code == 0, done.out + done.err
    assert desk.azure.writes == ["PUT virtualNetworks/net 200"]
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]
    assert sorted(s["name"] for s in held["subnets"]) == ["after", "before", "ours"]
    assert held["addressSpace"]["addressPrefixes"] == ["10.0.0.0/16", "10.1.0.0/16"]
    desk.check_clean()


def test_put_brings_back_no_child_that_went_after_the_plan(desk: Desk) -> None:
    """A subnet that somebody deleted since the plan stays deleted."""
    resource = write_network(desk, "10.0.0.0/16")
    desk.apply()
    add_subnet(desk, "theirs", "10.0.2.0/24")
    write_network(desk, "10.0.0.0/16", "10.1.0.0/16")

    desk.apply_while(lambda: desk.azure.edit("DELETE", desk.id_of("subnet", "net", "theirs"), api=NETWORK_API))

    held = desk.azure.get(resource, api=NETWORK_API)["properties"]
    assert [s["name"] for s in held["subnets"]] == ["ours"]


def test_put_is_not_sent_over_what_moved_after_the_plan(desk: Desk) -> None:
    """Where more than the carried lists moved, the plan is no longer what was confirmed: nothing is sent."""
    resource = write_network(desk, "10.0.0.0/16")
    desk.apply()
    write_network(desk, "10.0.0.0/16", "10.1.0.0/16")
    theirs = desk.azure.get(resource, api=NETWORK_API)
    theirs["properties"]["addressSpace"]["addressPrefixes"].append("10.9.0.0/16")

    done = desk.apply_while(lambda: desk.azure.edit("PUT", resource, theirs, api=NETWORK_API))

    result = done.result("net")
    assert (done.code, result["outcome"], result["reason"]) == (5, "failed", "Moved")
    assert "plan again" in result["cause"]
    assert desk.azure.writes == []


def test_a_group_with_something_new_in_it_is_not_deleted(desk: Desk) -> None:
    """What somebody created in a group while the question was on the screen keeps the group; the next plan shows it."""
    desk.write(group(desk.name), identity("app", desk.name))
    desk.apply()
    desk.write()
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
    theirs = desk.id_of("account", f"{desk.name}theirs")

    done = desk.apply_while(lambda: desk.azure.edit("PUT", theirs, body), "--prune", "--allow-mass-delete")

    assert done.code == 5, done.out + done.err
    result = done.result(desk.name)
    assert (result["outcome"], result["reason"]) == ("failed", "Moved")
    assert f"it also holds {desk.name}theirs by now, which the plan did not show" in result["cause"]
    assert desk.azure.writes == []
    assert desk.azure.get(theirs) is not None
    after = desk.plan("--prune", "--allow-mass-delete").step(desk.name)
    assert (after["action"], [g["name"] for g in after["guards"]]) == ("blocked", ["unowned-contents"])


@pytest.mark.parametrize("gone", ["app", ""], ids=["less-in-it", "gone"])
def test_a_group_that_holds_less_than_shown_is_deleted(desk: Desk, gone: str) -> None:
    """What somebody deleted meanwhile, or the group itself, is no reason to stop."""
    desk.write(group(desk.name), identity("app", desk.name))
    desk.apply()
    desk.write()
    where, api = (desk.id_of("identity", gone), "2023-01-31") if gone else (desk.group_id, "2021-04-01")

    done = desk.apply_while(lambda: desk.azure.edit("DELETE", where, api=api), "--prune", "--allow-mass-delete")

    assert done.code == 0, done.out + done.err
    assert desk.azure.get(desk.group_id, api="2021-04-01") is None
