"""The objects of a cluster: what stays the same, and what goes with its owner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from engine.cluster.claim import OwnerReference
from engine.cluster.objects import ClusterObject
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.runtime.controller.objects import ObjectInputs, Objects

GROUP = ResourceKey(
    namespace="web", group="resources.azure.com", kind="ResourceGroup", name="rg", version="v1api20200601"
)
ACCOUNT = ResourceKey(
    namespace="web", group="storage.azure.com", kind="StorageAccount", name="app", version="v1api20230101"
)
REFERENCE = OwnerReference(api_version=GROUP.api_version, kind="ResourceGroup", name="rg", uid="u")


def make(key: ResourceKey, *, deleting: bool = False, owners: tuple[OwnerReference, ...] = ()) -> ClusterObject:
    spec: dict[str, Any] = {"location": "westeurope"}
    if key is ACCOUNT:
        spec["owner"] = {"name": "rg"}
    return ClusterObject(resource=CustomResource(key=key, spec=Document(value=spec), deleting=deleting), owners=owners)


def hold(*found: ClusterObject) -> Objects:
    objects = Objects(cast("ObjectInputs", None))
    for one in found:
        objects.put(one)
    return objects


@pytest.mark.parametrize(
    ("owner", "references", "is_going"),
    [
        (make(GROUP), (REFERENCE,), False),
        (make(GROUP, deleting=True), (REFERENCE,), True),
        (None, (REFERENCE,), True),
        (None, (), False),
    ],
    ids=["owner stays", "owner is going", "owner is gone", "left behind on purpose"],
)
def test_an_object_goes_with_its_owner(
    owner: ClusterObject | None, references: tuple[OwnerReference, ...], is_going: bool
) -> None:
    """While the cluster is about to delete an object nobody makes it anew; one that was left behind lives on."""
    account = make(ACCOUNT, owners=references)

    assert hold(account, *((owner,) if owner else ())).is_going(account) is is_going


def test_an_echo_of_our_own_write_is_the_same_input() -> None:
    """An event that differs in nothing a pass looks at gives the very same resources."""
    group = make(GROUP)
    objects = hold(group)

    objects.put(replace(group, resource=replace(group.resource, resource_version="2"), status_print=group.status_print))

    found = objects.find(group.identity)
    assert found is not None
    assert found.resource is group.resource
