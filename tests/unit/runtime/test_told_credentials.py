"""Which credential is used is told where no event of the object, or of an owner above it, says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from engine.cluster import events
from engine.cluster.events import Event
from engine.cluster.objects import ClusterObject
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.ports import ClusterWriter
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.objects import ObjectInputs, Objects
from tests.builders import build_key
from tests.fakes import FakeClock


@dataclass
class World:
    """A group, an account in it and a service in that, and who told what of them."""

    told: list[tuple[str, str]] = field(default_factory=list)
    objects: Objects = field(default_factory=lambda: Objects(cast("ObjectInputs", None)))

    def __post_init__(self) -> None:
        self.contract = self.start()
        for name in ("group", "account", "service"):
            self.put(name)

    async def emit(self, key: ResourceKey, _uid: str, event: Event) -> None:
        self.told.append((key.name, event.message))

    def start(self) -> Contract:
        """Return a contract that knows of nothing that was told, as after a restart."""
        name = OperatorName(namespace="ours", version="v1")
        return Contract(cast("ClusterWriter", self), self.objects, FakeClock(), name)

    def put(self, name: str, uid: str = "u") -> None:
        """Put an object into the cluster."""
        above = {"account": "group", "service": "account"}
        spec = {"owner": {"name": above[name]}} if name in above else {}
        self.objects.put(ClusterObject(resource=CustomResource(key=KEYS[name], spec=Document(value=spec), uid=uid)))

    def use(self, name: str, credential: str) -> None:
        """Use a credential for an object."""
        self.contract.tell_credential(KEYS[name].identity, credential)

    def restart(self) -> None:
        """Forget what was told."""
        self.contract = self.start()

    def forget(self, name: str) -> None:
        """Let an object go."""
        self.objects.drop(KEYS[name].identity)
        self.contract.forget(KEYS[name].identity)


KEYS = {
    "group": build_key("ns/ResourceGroup/group", group="resources.azure.com", version="v1api20200601"),
    "account": build_key("ns/StorageAccount/account"),
    "service": build_key("ns/StorageAccountsBlobService/service"),
}
A, B = "ns/aso-credential", "ns/other"


def run(story: Callable[[World], None]) -> list[tuple[str, str]]:
    """Return what was told, as the name of an object and of a credential."""
    world = World()

    async def live() -> None:
        story(world)
        await world.contract.close()

    asyncio.run(live())
    named = {events.credential_from(one).message: one for one in (A, B)}
    return [(name, named[text]) for name, text in world.told]


def shared(world: World) -> None:
    """All of them use one credential, and are written twice."""
    for name in ("group", "account", "service") * 2:
        world.use(name, A)


def own(world: World) -> None:
    """The account has a credential of its own, which its service shares."""
    for name, credential in (("group", A), ("account", B), ("service", B)):
        world.use(name, credential)


def changed(world: World) -> None:
    """All change to another credential, children first; then the account goes back to what the group had."""
    shared(world)
    for name in ("account", "group", "service", "account"):
        world.use(name, B)
    world.use("account", A)


def owner_in_sync(world: World) -> None:
    """Nothing was sent for the group since the process began."""
    world.use("account", A)
    world.use("service", A)
    world.use("group", A)


def restarted(world: World) -> None:
    """A process that told everything ends, and another one writes to the account alone."""
    shared(world)
    world.restart()
    world.use("account", A)
    world.use("account", A)


def made_anew(world: World) -> None:
    """The group is deleted, and another one of its name is written."""
    shared(world)
    world.forget("group")
    world.put("group", uid="v")
    world.use("group", A)


def replaced_unseen(world: World) -> None:
    """The group is another one than was told of, and nobody saw the first one go."""
    world.use("group", A)
    world.put("group", uid="v")
    world.use("account", A)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (shared, [("group", A)]),
        (own, [("group", A), ("account", B)]),
        (changed, [("group", A), ("account", B), ("group", B), ("account", A)]),
        (owner_in_sync, [("account", A), ("group", A)]),
        (restarted, [("group", A), ("account", A)]),
        (made_anew, [("group", A), ("group", A)]),
        (replaced_unseen, [("group", A), ("account", A)]),
    ],
)
def test_a_credential_is_told_where_nothing_above_says_it(
    story: Callable[[World], None], told: list[tuple[str, str]]
) -> None:
    """An object says which credential it uses unless that was said of it, or of the nearest owner that said any."""
    assert run(story) == told
