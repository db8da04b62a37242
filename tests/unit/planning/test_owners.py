"""What tells of another owner, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.ids import ArmId
from engine.model.plan import Action
from engine.model.policy import Limits, ObjectPolicy
from engine.planning.owners import guard_owner
from tests.builders import build_desired, build_id, build_step

MANAGER = f"{build_id('cluster').text}"
DISKS = "Microsoft.Compute/disks"


def owners(held: dict[str, Any], *, owned: tuple[str, ...] = (), **desired: Any) -> list[str]:
    """Return what is said of an update of a resource that Azure holds so."""
    step = build_step(Action.UPDATE, desired=build_desired(**desired))
    return [g.text for g in guard_owner(step, held, {ArmId(i) for i in owned}, Limits())]


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ({"crossplane-kind": "account.storage.azure.upbound.io"}, "Crossplane"),
        ({"azd-env-name": "dev"}, "Azure Developer CLI"),
        ({"aks-managed-cluster-name": "a"}, "Azure Kubernetes Service"),
        ({"k8s-azure-cluster-name": "kubernetes"}, "cloud provider"),
        ({"sigs.k8s.io_cluster-api-provider-azure_cluster_one": "owned"}, "Cluster API"),
        ({"ManagedBy": "Terraform"}, "Terraform"),
        ({"managed_by": "terraform-cloud"}, "Terraform"),
        ({"managed-by": "pulumi"}, "Pulumi"),
    ],
    ids=lambda v: v if isinstance(v, str) else next(iter(v)),
)
def test_tags_of_tools_are_known(tags: dict[str, str], owner: str) -> None:
    """A tag that a tool leaves tells of that tool, unless the object asks for the same tag."""
    (text,) = owners({"tags": tags})

    assert owner in text
    assert owners({"tags": tags}, body={"tags": {k.upper(): "x" for k in tags}}) == []


@pytest.mark.parametrize(
    "tags",
    [
        {"managed-by": "platform-team"},
        {"owner": "terraform"},
        {"sigs.k8s.io_cluster-api-provider-azure_cluster_one": "shared"},
        None,
    ],
    ids=["a team", "other tag", "shared", "none"],
)
def test_other_tags_say_nothing(tags: dict[str, str] | None) -> None:
    """Tags of people, and marks of what is only shared, hold nothing back."""
    assert owners({"tags": tags}) == []


def test_manager_that_azure_names_is_another_owner() -> None:
    """managedBy tells of another owner, unless it is ours, is asked for, or only says to what a disk is attached."""
    body = {"managedBy": MANAGER}

    assert owners(body) == [f"Azure says that {MANAGER} manages it (managedBy)"]
    assert owners(body, owned=(MANAGER.upper(),)) == []
    assert owners(body, body={"managedBy": MANAGER.lower()}) == []
    assert guard_owner(build_step(Action.DELETE, arm_type=DISKS), body, (), Limits()) == ()


def test_claimed_object_has_its_controller_as_owner() -> None:
    """An object that a controller has claimed is that controller's, until the option is given."""
    step = build_step(Action.CREATE, desired=build_desired(policy=ObjectPolicy(operator="aso-system")))

    (held,) = guard_owner(step, None, (), Limits())
    (free,) = guard_owner(step, None, (), Limits(allow_other_owner=True))

    assert (held.blocks, "aso-system" in held.text) == (True, True)
    assert (free.blocks, free.allowed_by) == (False, "--allow-other-owner")
