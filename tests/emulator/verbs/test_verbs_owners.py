"""What somebody else manages, end to end: not written without a word, and the word is kept in the report."""

from __future__ import annotations

import pytest

from tests.verbs_desk import GROUP_API, Desk, account, group

pytestmark = pytest.mark.loopback

OPERATOR = {"serviceoperator.azure.com/operator-namespace": "azureserviceoperator-system"}


def test_resource_with_the_tag_of_a_tool_is_not_written(desk: Desk) -> None:
    """A tag of Terraform blocks update and delete; --allow-other-owner lets the write pass and the report keeps it."""
    name = f"{desk.name}store"
    desk.write(group(desk.name), account(name, desk.name))
    desk.apply()
    desk.azure.edit_tags(desk.id_of("account", name), "Merge", {"managed-by": "terraform"})
    desk.write(group(desk.name), account(name, desk.name, accessTier="Cool"))

    held = desk.plan()
    desk.apply(code=4)
    nothing = desk.azure.writes
    done = desk.apply("--allow-other-owner")

    (guard,) = held.step(name)["guards"]
    assert (held.code, guard["name"], guard["blocks"]) == (4, "other-owner", True)
    assert guard["text"] == "its tag managed-by=terraform is how Terraform marks what it manages"
    assert nothing == []
    assert [(a["option"], len(a["guards"])) for a in done.json["allowed"]] == [("--allow-other-owner", 1)]
    assert desk.azure.writes == [f"PATCH storageAccounts/{name} 200"]


def test_claimed_object_is_only_reported(desk: Desk) -> None:
    """An object that an ASO controller has claimed is planned and not written, in sync it says nothing."""
    claimed = account(f"{desk.name}store", desk.name, annotations=OPERATOR)
    desk.write(group(desk.name), claimed)

    plan = desk.plan()
    desk.apply("--allow-other-owner")

    assert plan.actions == {desk.name: "create", f"{desk.name}store": "blocked"}
    assert "azureserviceoperator-system" in plan.step(f"{desk.name}store")["guards"][0]["text"]
    desk.check_clean()


def test_group_that_azure_manages_is_not_written(desk: Desk) -> None:
    """A resource group whose managedBy names a resource that no object owns is that resource's."""
    desk.write(group(desk.name))
    desk.apply()
    manager = f"{desk.azure.subscription}/resourceGroups/x/providers/Microsoft.ContainerService/managedClusters/c"
    desk.azure.rewrite(desk.group_id, api=GROUP_API, managedBy=manager)
    desk.write(group(desk.name, tags={"a": "b"}))

    held = desk.plan()

    (guard,) = held.step(desk.name)["guards"]
    assert (guard["name"], "managedClusters/c manages it" in guard["text"]) == ("other-owner", True)
