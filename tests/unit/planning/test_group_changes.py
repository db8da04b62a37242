"""What makes a group of the directory as its object says."""

from __future__ import annotations

from typing import Any

import pytest

from engine.desired.groups import read_group
from engine.errors import InvalidSpecError
from engine.model.document import Document
from engine.model.group import FoundGroup, Membership, WantedGroup
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.planning.groups import plan_group

HELD = FoundGroup(id="1", display_name="Shop", mail_nickname="shop", description="ours")


def wanted(**members: Any) -> WantedGroup:
    return WantedGroup(**{"unique_name": "u", "display_name": "Shop", "mail_nickname": "shop", **members})


def test_only_what_differs_is_changed() -> None:
    """A member that the object is silent about stays as it is."""
    assert plan_group(wanted(), HELD) == {}
    assert plan_group(wanted(description="theirs", display_name="Blog"), HELD) == {
        "displayName": "Blog",
        "description": "theirs",
    }


@pytest.mark.parametrize("members", [{"membership": Membership.ASSIGNED_M365}, {"is_assignable_to_role": True}])
def test_what_a_group_keeps_for_life_is_told(members: dict[str, Any]) -> None:
    """Another kind of group is another group: that is said, and nothing is changed."""
    with pytest.raises(InvalidSpecError):
        plan_group(wanted(**members), HELD)


def group(**spec: Any) -> CustomResource:
    key = ResourceKey(namespace="a", group="entra.azure.com", kind="SecurityGroup", name="shop", version="v1")
    body = {"displayName": "Shop", "mailNickname": "shop", **spec}
    return CustomResource(key=key, spec=Document(value=body), uid="7")


def test_a_spec_is_read() -> None:
    """Adopting is the default; the name of a create comes from the object's uid."""
    read = read_group(group(membershipType="assignedm365", operatorSpec={"creationMode": "AlwaysCreate"}))

    assert read == wanted(unique_name="trueup-7", membership=Membership.ASSIGNED_M365, adopts=False)
    assert read_group(group()).adopts


@pytest.mark.parametrize(
    "spec",
    [{"displayName": ""}, {"membershipType": "dynamic"}, {"operatorSpec": {"creationMode": "Adopt"}}],
    ids=["no name", "unknown membership", "unknown mode"],
)
def test_a_wrong_spec_is_told(spec: dict[str, Any]) -> None:
    """What cannot be used is named before anything is sent."""
    with pytest.raises(InvalidSpecError):
        read_group(group(**spec))
