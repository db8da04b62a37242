"""Which objects wait for an owner that is not ready."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.cluster.condition import Condition, reconciling, succeeded
from engine.cluster.names import FINALIZER
from engine.cluster.objects import ClusterObject
from engine.desired.policy import RECONCILE_POLICY
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.runtime.controller.objects import ObjectInputs, Objects
from engine.runtime.controller.owners import find_waiting

GROUP = ResourceKey(
    namespace="web", group="resources.azure.com", kind="ResourceGroup", name="rg", version="v1api20200601"
)
NETWORK = ResourceKey(
    namespace="web", group="network.azure.com", kind="VirtualNetwork", name="net", version="v1api20240301"
)
SUBNET = ResourceKey(
    namespace="web", group="network.azure.com", kind="VirtualNetworksSubnet", name="sub", version="v1api20240301"
)
_OWNERS = {NETWORK: "rg", SUBNET: "net"}


def make(key: ResourceKey, *, ready: Condition | None = None, is_claimed: bool = False, **rest: Any) -> ClusterObject:
    spec: dict[str, Any] = {"owner": {"name": _OWNERS[key]}} if key in _OWNERS else {"location": "westeurope"}
    resource = CustomResource(key=key, spec=Document(value=spec), **rest)
    return ClusterObject(resource=resource, ready=ready, finalizers=(FINALIZER,) if is_claimed else ())


def waiting(together: tuple[ResourceKey, ...], *found: ClusterObject) -> dict[str, str]:
    """Return who of ``together`` waits for whom."""
    objects = Objects(cast("ObjectInputs", None))
    for one in found:
        objects.put(one)
    result = find_waiting([key.identity for key in together], objects)
    return {identity[-1]: owner.resource.key.name for identity, owner in result.items()}


@pytest.mark.parametrize(
    ("owner", "child", "expected"),
    [
        (make(GROUP), make(NETWORK), {"net": "rg"}),
        (make(GROUP, ready=reconciling(1)), make(NETWORK), {"net": "rg"}),
        (make(GROUP, ready=succeeded(1)), make(NETWORK), {}),
        (make(GROUP), make(NETWORK, is_claimed=True), {}),
        (make(GROUP), make(NETWORK, deleting=True), {}),
        (make(GROUP), make(NETWORK, annotations={RECONCILE_POLICY: "skip"}), {}),
    ],
    ids=["owner is new", "owner is being made", "owner is ready", "claimed before", "deleting", "only looked at"],
)
def test_a_new_object_waits_until_its_owner_is_ready(
    owner: ClusterObject, child: ClusterObject, expected: dict[str, str]
) -> None:
    """Nothing is sent for an object before what it lies in is there; one that was claimed is beyond that."""
    assert waiting((NETWORK,), owner, child) == expected


def test_an_owner_in_the_same_pass_is_not_waited_for() -> None:
    """The plan sends the owner first."""
    assert waiting((GROUP, NETWORK, SUBNET), make(GROUP), make(NETWORK), make(SUBNET)) == {}


def test_who_waits_makes_what_it_owns_wait() -> None:
    """An owner in the same pass that cannot go on itself helps nobody."""
    found = waiting((NETWORK, SUBNET), make(GROUP), make(NETWORK), make(SUBNET))

    assert found == {"net": "rg", "sub": "net"}


def test_an_owner_that_is_not_there_is_the_plans_business() -> None:
    """The step itself says that it waits for an object which does not exist."""
    assert waiting((NETWORK,), make(NETWORK)) == {}
