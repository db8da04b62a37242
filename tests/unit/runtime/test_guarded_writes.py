"""Writes of a replica: only for what it holds and has seen as it is, and none forgotten once Azure took it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from engine.cluster.claim import Marks
from engine.cluster.objects import ClusterObject
from engine.desired.policy import OPERATION
from engine.errors import UnavailableError
from engine.model.document import Document
from engine.model.ids import ArmId, Generation, ResourceKey
from engine.model.plan import Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import ActualState, CustomResource
from engine.ports import ClusterWriter
from engine.runtime.controller.azure import CallingAzure, ContractAzure, Speaker
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.freshness import Freshness
from engine.runtime.controller.objects import ObjectInputs, Objects
from engine.runtime.controller.outside import Look, Outside
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.tenure import NotHeldError, Permits
from tests.builders import build_id, build_key, build_request
from tests.fakes import FakeClock

ID = build_id()
ENDPOINT = "https://management.azure.com"
RUNNING = OperationProgress(status=OperationStatus.RUNNING, token="operation")


@dataclass
class Cluster:
    """One object, its writer, and the tenure of its namespace."""

    found: ClusterObject
    seconds: float = 15.0
    applied: list[Marks] = field(default_factory=list)
    takes: int = 99
    now: CustomResource | None = None

    def left(self, namespace: str) -> timedelta:
        return timedelta(seconds=self.seconds)

    rest = left

    def term(self, namespace: str) -> int:
        return 1

    async def look_again(self, key: ResourceKey) -> CustomResource | None:
        return self.now

    async def apply_marks(self, key: ResourceKey, uid: str, marks: Marks) -> None:
        if len(self.applied) >= self.takes:
            raise UnavailableError("the API server is started anew")
        self.applied.append(marks)

    async def write_status(self, *_: object) -> None:
        """Take it."""

    async def emit(self, *_: object) -> None:
        """Take it."""


class Azure:
    """Takes every write, as an operation."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        return "intent"

    async def begin(
        self, request: Request, *, resource: ArmId, purpose: Purpose, announce: Callable[[str], None]
    ) -> OperationProgress:
        self.before()
        announce("intent")
        self.sent.append(request.method)
        return RUNNING


@dataclass
class Errand:
    """A user of a database that is not there yet."""

    resource_id: str = ""
    memory: str | None = None
    actual: ActualState | None = None
    credential: str = ""
    written: int = 0

    async def look(self) -> Look:
        return Look(is_there=False, differs=True)

    async def write(self) -> None:
        self.written += 1

    async def remove(self) -> None:
        self.written += 1

    async def export(self) -> None:
        """Export nothing."""

    def takes(self, key: ResourceKey) -> bool:
        return True

    async def prepare(self, found: ClusterObject) -> Errand:
        return self

    async def prepare_removal(self, found: ClusterObject) -> Errand:
        return self


def make_cluster(**more: Any) -> Cluster:
    resource = CustomResource(key=build_key(), spec=Document(value={}), uid="u", generation=Generation(1), **more)
    finalizers = ("serviceoperator.azure.com/finalizer",) if more.get("deleting") else ()
    return Cluster(ClusterObject(resource=resource, finalizers=finalizers), now=resource)


def make_contract(cluster: Cluster) -> tuple[Contract, Objects]:
    objects = Objects(cast("ObjectInputs", None))
    objects.put(cluster.found)
    permits = Permits(cluster)
    name = OperatorName(namespace="ours", version="v1")
    writer = cast("ClusterWriter", cluster)
    return Contract(writer, objects, FakeClock(), name, permits, Freshness(cluster, permits.term)), objects


def send(cluster: Cluster, azure: Azure, method: str = "PUT") -> OperationProgress:
    """Send one write for the object."""
    contract, objects = make_contract(cluster)
    speaker = Speaker(
        azure=cast("CallingAzure", azure), credential="", endpoint=ENDPOINT, resource=cluster.found.resource
    )
    guarded = ContractAzure(
        lambda _: speaker,
        contract,
        objects,
        FakeClock(),
        endpoint=ENDPOINT,
        purpose=Purpose.EDIT,
        promise=lambda _: None,
    )
    return asyncio.run(guarded.begin(build_request(method, {}), resource=ID))


def see_to(cluster: Cluster, errand: Errand) -> WorkQueue:
    """Run one pass over the object as one that lies outside; return what is due then."""
    contract, objects = make_contract(cluster)
    queue = WorkQueue(FakeClock())
    outside = Outside(objects, contract, queue, Corrections(FakeClock(), None), [errand])
    asyncio.run(outside.run(cluster.found.identity))
    return queue


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nothing_is_sent_for_what_is_not_held(method: str) -> None:
    """Too little is left of the Lease: neither Azure nor the object is written."""
    cluster, azure = make_cluster(), Azure()
    cluster.seconds = 1

    with pytest.raises(NotHeldError):
        send(cluster, azure, method)

    assert (azure.sent, cluster.applied) == ([], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nothing_is_sent_for_what_another_replica_wrote(method: str) -> None:
    """A token that the decision did not know of keeps the write from being sent."""
    cluster, azure = make_cluster(), Azure()
    cluster.now = make_cluster(annotations={OPERATION: "theirs"}).found.resource

    with pytest.raises(NotHeldError):
        send(cluster, azure, method)

    assert (azure.sent, cluster.applied) == ([], [])


def test_a_lease_that_runs_out_before_the_first_byte_keeps_it_back() -> None:
    """A write that waited for its turn too long is not sent, although it was begun in time."""
    cluster, azure = make_cluster(), Azure()
    azure.before = lambda: setattr(cluster, "seconds", 1.5)

    with pytest.raises(NotHeldError):
        send(cluster, azure)

    assert azure.sent == []


def test_an_operation_whose_token_is_not_taken_goes_on() -> None:
    """Azure took the write: it is followed, and the intent stays on the object for whoever comes next."""
    cluster, azure = make_cluster(), Azure()
    cluster.takes = 1

    progress = send(cluster, azure)

    assert progress is RUNNING
    assert azure.sent == ["PUT"]
    assert [marks.annotations[OPERATION] for marks in cluster.applied] == ["intent"]


@pytest.mark.parametrize("deleting", [False, True], ids=["write", "remove"])
def test_services_outside_are_written_for_what_is_held_alone(deleting: bool) -> None:
    """A user or group is neither made nor removed while another replica may; it is tried again without a word."""
    cluster, errand = make_cluster(deleting=deleting), Errand()
    cluster.seconds = 1

    queue = see_to(cluster, errand)

    assert errand.written == 0
    assert len(queue) == 1


def test_services_outside_are_written_for_what_is_held() -> None:
    """With the Lease and a fresh look the user is made."""
    errand = Errand()

    see_to(make_cluster(), errand)

    assert errand.written == 1


def test_news_that_was_overtaken_changes_nothing() -> None:
    """An event that comes after a later reading is dropped; a list counts whatever its version."""
    cluster = make_cluster()
    _, objects = make_contract(cluster)
    newer, older = (
        ClusterObject(resource=cluster.found.resource, finalizers=(name,), version=version)
        for name, version in (("new", 12), ("old", 11))
    )

    objects.put(newer)
    objects.put(older)
    after_event = objects.find(newer.identity)
    objects.put(older, is_listed=True)

    assert after_event is not None
    assert after_event.finalizers == ("new",)
    assert objects.find(newer.identity) == older
