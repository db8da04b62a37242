"""What Ready proves is written down before the object is not Ready any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from engine.cluster import condition
from engine.cluster.claim import Marks
from engine.cluster.names import FINALIZER, RESOURCE_ID
from engine.cluster.notes import Note
from engine.cluster.objects import ClusterObject
from engine.desired.policy import BASELINE, OPERATION
from engine.model.document import Document
from engine.model.ids import Generation, ResourceKey
from engine.model.state import CustomResource
from engine.ports import ClusterWriter
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.objects import ObjectInputs, Objects
from tests.builders import build_id, build_key
from tests.fakes import FakeClock


@dataclass
class Writes:
    """A writer that keeps what it is told to write, in order."""

    done: list[Any] = field(default_factory=list)

    async def apply_marks(self, _key: ResourceKey, _uid: str, marks: Marks) -> None:
        self.done.append(dict(marks.annotations))

    async def write_status(self, _key: ResourceKey, _uid: str, status: Mapping[str, Any]) -> None:
        self.done.append(status["conditions"][0]["reason"])

    async def write_conditions(self, _key: ResourceKey, _uid: str, conditions: Sequence[Any]) -> None:
        self.done.append(conditions[0]["reason"])


def test_a_proven_memory_is_written_before_ready_goes() -> None:
    """One write without the operation that is over, and none for as long as the object is Ready."""
    spec = {"azureName": "app", "owner": {"name": "rg"}}
    resource = CustomResource(
        key=build_key(),
        spec=Document(value=spec),
        uid="u",
        generation=Generation(1),
        annotations={RESOURCE_ID: str(build_id())},
    )
    objects, writer = Objects(cast("ObjectInputs", None)), Writes()
    objects.put(ClusterObject(resource=resource, finalizers=(FINALIZER,)))
    name = OperatorName(namespace="ours", version="v1")
    contract = Contract(cast("ClusterWriter", writer), objects, FakeClock(), name)
    identity = resource.key.identity

    async def live() -> None:
        note = Note(sends=True, operation="{}", memory="1.abc", until_ready=True)
        await contract.claim(identity, build_id(), note)
        await contract.say(identity, condition.succeeded(1))
        await contract.claim(identity, build_id())
        await contract.say(identity, condition.error("Conflict", "no", 1))
        await contract.say(identity, condition.error("Conflict", "other", 1))

    asyncio.run(live())

    claimed, said, kept, *last = writer.done
    assert (claimed[OPERATION], claimed[BASELINE]) == ("{};ready=1", "1.abc;ready=1")
    assert said == "Succeeded"
    assert OPERATION not in kept
    assert kept[BASELINE].startswith("1.abc;at=")
    assert kept[RESOURCE_ID] == claimed[RESOURCE_ID]
    assert last == ["Conflict", "Conflict"]
