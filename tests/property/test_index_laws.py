"""An index that goes on from another one says what one made from scratch says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.desired.identity import CHILD_ID_OVERRIDE, RESOURCE_ID
from engine.desired.index import Index
from engine.desired.policy import RECONCILE_POLICY
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
ELSEWHERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/elsewhere"
_KINDS = {
    "ResourceGroup": ("resources.azure.com", "v1api20200601"),
    "VirtualNetwork": ("network.azure.com", "v1api20240301"),
    "VirtualNetworksSubnet": ("network.azure.com", "v1api20240301"),
    "Profile": ("cdn.azure.com", "v1api20230501"),
    "User": ("dbforpostgresql.azure.com", "v1"),
}
NAMES = st.sampled_from("abc")
ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        RECONCILE_POLICY: st.sampled_from(["skip", "manage"]),
        CHILD_ID_OVERRIDE: st.just(f"{ELSEWHERE}/providers/Microsoft.Network/virtualNetworks/other"),
        RESOURCE_ID: st.just(f"{ELSEWHERE}/providers/Microsoft.Network/virtualNetworks/a"),
        "note": NAMES,
    },
)


@st.composite
def objects(draw: st.DrawFn) -> CustomResource:
    """Return an object that may own, be owned by, clash with or lack others."""
    kind = draw(st.sampled_from(sorted(_KINDS)))
    group, version = _KINDS[kind]
    owner = draw(st.one_of(st.fixed_dictionaries({"name": NAMES}), st.just({"armId": ELSEWHERE})))
    spec: dict[str, Any] = {"tags": {"a": draw(NAMES)}}
    if kind != "ResourceGroup":
        spec["owner"] = owner
    if draw(st.booleans()):
        spec["azureName"] = draw(st.sampled_from(["a", "b", "what?"]))
    key = ResourceKey(namespace="web", group=group, kind=kind, name=draw(NAMES), version=version)
    return CustomResource(key=key, spec=Document(value=spec), annotations=draw(ANNOTATIONS))


def sort(found: list[CustomResource]) -> list[CustomResource]:
    """Return one object of each name, in order, as a cluster holds them."""
    return [one for _, one in sorted({o.key.identity: o for o in found}.items())]


def describe(index: Index, found: list[CustomResource]) -> object:
    """Return everything that an index says."""
    identities = [index.identify(r) for r in found]
    ids = [i.id for i in identities if i is not None and i.id is not None]
    return {
        "resources": list(index.resources),
        "identities": identities,
        "problems": sorted(str(p.error) + str(p.error.detail) for p in index.problems),
        "ids": sorted(index.id_keys),
        "children": [index.children_of(i) for i in ids],
        "held": [index.holder_of(i) is not None for i in ids],
        "picked": list(index.pick([r.key.identity for r in found])),
        "networks": list(index.of_kind("network.azure.com", "VirtualNetwork")),
    }


@given(st.lists(st.lists(objects(), max_size=8), min_size=2, max_size=4), st.data())
def test_going_on_from_another_index_changes_nothing_that_is_said(
    steps: list[list[CustomResource]], data: st.DataObject
) -> None:
    """Objects come, go and change in any way: what is taken over is what would be worked out."""
    held: list[CustomResource] = []
    index: Index | None = None
    for news in steps:
        kept = [r for r in held if data.draw(st.booleans())]
        held = sort([*kept, *news])

        index = Index.build(held, subscription=SUBSCRIPTION, previous=index)

        assert describe(index, held) == describe(Index.build(held, subscription=SUBSCRIPTION), held)


@given(st.lists(objects(), max_size=8))
def test_an_index_of_the_very_same_objects_is_the_same(found: list[CustomResource]) -> None:
    """Nothing is made anew as long as no object is another one."""
    held = sort(found)
    index = Index.build(held, subscription=SUBSCRIPTION)

    again = Index.build(list(held), subscription=SUBSCRIPTION, previous=index)
    other = Index.build([replace(r, generation=r.generation) for r in held], subscription=SUBSCRIPTION, previous=index)

    assert again is index
    assert (other is index) is not bool(held)
