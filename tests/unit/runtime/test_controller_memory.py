"""What the pod keeps in memory: no more than there are objects, and no bodies of what it did not write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from engine.cluster import events
from engine.cluster.events import Event
from engine.cluster.objects import ClusterObject
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource
from engine.ports import ClusterWriter
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.objects import ObjectInputs, Objects
from engine.runtime.controller.store import ControllerStore
from tests.builders import build_baseline, build_id, build_key
from tests.fakes import FakeClock

GONE = events.not_possible()


@dataclass
class Events:
    """A writer that keeps what it is told to tell."""

    told: list[Event] = field(default_factory=list)

    async def emit(self, _key: ResourceKey, _uid: str, event: Event) -> None:
        self.told.append(event)


def test_an_event_is_told_once_for_as_long_as_its_object_is_there() -> None:
    """What is told once is remembered with the object, and goes with it."""
    found = ClusterObject(resource=CustomResource(key=build_key(), spec=Document(value={}), uid="u"))
    objects, writer = Objects(cast("ObjectInputs", None)), Events()
    objects.put(found)
    name = OperatorName(namespace="ours", version="v1", takes_over=frozenset())
    contract = Contract(cast("ClusterWriter", writer), objects, FakeClock(), name)

    async def tell() -> list[int]:
        counts = []
        for is_new in (False, False, True):
            if is_new:
                contract.forget(found.identity)
            await contract.tell(found.identity, GONE, once=True)
            await contract.close()
            counts.append(len(writer.told))
        return counts

    assert asyncio.run(tell()) == [1, 1, 2]


def test_of_what_was_only_looked_at_no_body_stays() -> None:
    """A pass that wrote one resource keeps nothing of the others, nor of what is told on the object itself."""
    body: dict[str, Any] = {"location": "westeurope"}
    written, seen = build_id("written"), build_id("seen")
    store = ControllerStore(b"k" * 32)
    store.save(build_baseline(body, body, id=written), build_baseline(body, body, id=seen))

    store.release([seen])

    assert set(store.load()) == {written}
    assert store.hand_over(written)
    assert store.load() == {}
