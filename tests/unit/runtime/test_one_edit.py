"""What a pass over one object costs among many: nothing that grows with their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.desired.identity import RESOURCE_ID
from engine.desired.index import Index
from engine.model.document import Document
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action
from engine.model.state import ActualState, CustomResource, Presence, ReadTarget
from engine.runtime.cycle import Cycle
from engine.runtime.memory import LastIndex, PassMemory
from engine.runtime.selection import Selection
from engine.runtime.world import PassOptions, PassResult, World
from tests.fakes import FakeClock

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
COUNT = 1_000


class CountedDocument(Document):
    """Knows how often somebody looked inside any of its kind."""

    looks = 0

    @property
    def value(self) -> Any:
        type(self).looks += 1
        return super().value


def build(kind: str, group: str, version: str, name: str, **spec: Any) -> CustomResource:
    key = ResourceKey(namespace="web", group=f"{group}.azure.com", kind=kind, name=name, version=version)
    return CustomResource(key=key, spec=CountedDocument(value=spec), generation=1)  # type: ignore[arg-type]


def build_group(tag: str) -> CustomResource:
    return build("ResourceGroup", "resources", "v1api20200601", "rg", location="westus", tags={"a": tag})


def build_identity(name: str, tag: str = "1") -> CustomResource:
    spec = {"owner": {"name": "rg"}, "location": "westus", "tags": {"a": tag}}
    return build("UserAssignedIdentity", "managedidentity", "v1api20230131", name, **spec)


@dataclass
class Fleet:
    """A group with many identities, all of them in Azure as first asked for."""

    objects: list[CustomResource] = field(
        default_factory=lambda: [build_group("1"), *(build_identity(f"id{n:04}") for n in range(COUNT))]
    )
    last: LastIndex = field(default_factory=LastIndex)
    read: int = 0

    def plan(self, *names: str) -> PassResult:
        """Plan for some objects; count what is looked into meanwhile."""
        self.read, CountedDocument.looks = 0, 0
        only = frozenset(r.key.identity for r in self.objects if r.key.name in names)
        options = PassOptions(endpoint="https://arm", subscription=SUBSCRIPTION, selection=Selection(only=only))
        world = World(source=self, azure=self, store=self, clock=FakeClock())  # type: ignore[arg-type]
        return asyncio.run(Cycle(world, options, PassMemory(last=self.last)).plan())

    def edit(self, number: int, resource: CustomResource) -> None:
        """Put another object in an object's place."""
        self.objects = [*self.objects[:number], resource, *self.objects[number + 1 :]]

    async def list_resources(self) -> Sequence[CustomResource]:
        return tuple(self.objects)

    async def observe(self, targets: Sequence[ReadTarget], **_: object) -> AsyncIterator[Sequence[ActualState]]:
        self.read += len(targets)
        body = {"location": "westus", "tags": {"a": "1"}}
        yield [
            ActualState(id=t.id, presence=Presence.PRESENT, document=Document(value={"id": t.id.text, **body}))
            for t in targets
        ]

    async def list_holds(self, _scope: ArmId, _kind: HoldKind) -> Holds:
        return Holds()

    def problems(self) -> tuple[()]:
        return ()

    def refusals(self) -> tuple[()]:
        return ()

    def load(self) -> dict[Any, Any]:
        return {}

    def secret_key(self) -> bytes:
        return b"key"


def test_an_edit_of_one_object_looks_into_no_other() -> None:
    """Of a thousand objects one was edited: a handful of looks into it and its like, and one read of Azure."""
    fleet = Fleet()
    fleet.plan("id0001")
    looks_at_first = CountedDocument.looks

    fleet.edit(5, build_identity("id0004", tag="2"))
    planned = fleet.plan("id0004")

    assert [(s.key.name, s.action) for s in planned.plan.steps if s.action is not Action.NOOP] != []
    assert {s.key.name for s in planned.plan.steps} == {"id0004"}
    assert (fleet.read, looks_at_first > COUNT) == (1, True)
    assert CountedDocument.looks < 25


def test_a_new_object_and_one_that_is_gone_cost_as_little() -> None:
    """Creating and deleting among many looks into nothing else."""
    fleet = Fleet()
    fleet.plan("id0001")

    fleet.objects = [*fleet.objects[:10], build_identity("id0009a"), *fleet.objects[11:]]
    planned = fleet.plan("id0009a")

    assert {s.key.name for s in planned.plan.steps} == {"id0009a"}
    assert CountedDocument.looks < 25


def test_an_edit_of_an_owner_looks_into_nothing_that_it_owns() -> None:
    """Ids of what an object owns stay as they are while its own does."""
    fleet = Fleet()
    fleet.plan("rg")

    fleet.edit(0, build_group("2"))
    fleet.plan("rg")

    assert CountedDocument.looks < 25


def test_an_id_that_is_only_noted_on_its_object_is_taken_from_there() -> None:
    """Where the owner is not among the objects an id may be noted later: the next index knows it."""
    lost = build_identity("lost")
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    noted = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/lost"
    first = Index.build([lost], subscription=SUBSCRIPTION)
    assert not first.problems

    found = replace(lost, annotations={RESOURCE_ID: noted})
    second = Index.build([found], subscription=SUBSCRIPTION, previous=first)

    assert (first.id_of(lost), str(second.id_of(found))) == (None, noted)
