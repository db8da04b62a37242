"""The part of a pod that tells alerts, with a cluster that keeps its outboxes and a receiver, for tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from engine.alerts.outbox import Message
from engine.alerts.settings import AlertSettings, Sink, parse_settings
from engine.drift.document import build_report
from engine.errors import ConflictError, EngineError
from engine.model.plan import Action, Step
from engine.ports import AlertSender, StoredOutbox
from engine.runtime.controller.couriers import Couriers
from engine.runtime.controller.dispatcher import AlertDispatcher
from engine.runtime.controller.holdings import Holdings
from engine.runtime.controller.outboxes import Boxes
from tests.builders import build_step
from tests.drift_cases import NOON, drifted, ledger_of
from tests.fakes import FakeClock

SETTINGS = parse_settings(
    {"cluster": "c1", "sinks": [{"name": "ours", "type": "webhook", "url": "http://x", "key": {"env": "KEY"}}]}
)


@dataclass
class Cluster:
    """Secrets, as the API server keeps them."""

    secrets: dict[str, StoredOutbox] = field(default_factory=dict)
    refuses: EngineError | None = None
    writes: int = 0
    reads: int = 0

    async def read(self, name: str) -> StoredOutbox | None:
        self.reads += 1
        return self.secrets.get(name)

    async def write(self, name: str, stored: StoredOutbox) -> StoredOutbox:
        if self.refuses is not None:
            raise self.refuses
        there = self.secrets.get(name)
        if (there.version if there is not None else "") != stored.version:
            raise ConflictError(f"{name} changed")
        self.writes += 1
        self.secrets[name] = StoredOutbox(stored.raw, str(self.writes))
        return self.secrets[name]


@dataclass
class Receiver:
    """Takes messages, or does not."""

    got: list[Message] = field(default_factory=list)
    error: EngineError | None = None

    async def send(self, sink: Sink, message: Message) -> None:
        if self.error is not None:
            raise self.error
        self.got.append(message)

    def told(self) -> list[tuple[list[str], list[str]]]:
        return [([a.namespace for a in m.firing], [a.namespace for a in m.resolved]) for m in self.got]


@dataclass
class Process:
    """One process of the pod, with the cluster that outlives it."""

    cluster: Cluster
    receiver: Receiver
    terms: dict[int, int] = field(default_factory=lambda: {0: 0})
    shards: int = 1
    gone: set[str] = field(default_factory=set)
    settings: AlertSettings = SETTINGS
    log: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))

    def __post_init__(self) -> None:
        self.loaded: tuple[AlertSettings, AlertSender] = (self.settings, self.receiver)
        holdings = Holdings(self.shards, lambda: self.terms)
        self.boxes = boxes = Boxes(
            self.cluster,
            self.clock,
            name_of=lambda n: f"box-{n}",
            holdings=holdings,
            complain=self.log.append,
        )
        self.couriers = Couriers(boxes, self.clock, count=self, log=self.log.append)
        self.dispatcher = AlertDispatcher(
            self,
            boxes,
            self.couriers,
            self.clock,
            holdings=holdings,
            labels_of=lambda _: {},
            is_gone=lambda identity: identity[0] in self.gone,
            log=self.log.append,
        )

    async def load(self) -> tuple[AlertSettings, AlertSender]:
        return self.loaded

    def tried(self, sink: str, result: str) -> None:
        self.results.append(result)

    def sees(self, *drifting: str, clean: tuple[str, ...] = ()) -> None:
        """Let a full pass end."""
        for namespace in drifting:
            self.reads(namespace, drifted(f"{namespace}/StorageAccount/{namespace}"))
        for namespace in clean:
            self.reads(namespace, build_step(Action.NOOP, f"{namespace}/StorageAccount/{namespace}"))
        self.dispatcher.brought(self.terms)
        self.tells()

    def tells(self) -> None:
        """Let everything be told that is to be told now."""

        async def tell() -> None:
            await self.dispatcher.look()
            await self.couriers.idle()

        asyncio.run(tell())

    def reads(self, namespace: str, *steps: Step) -> None:
        """Let a pass see these in a namespace."""
        ledger = ledger_of(*steps)
        self.dispatcher.reported(namespace, build_report(namespace, ledger), ledger.read())
