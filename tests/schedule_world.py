"""A world for random schedules: objects, Azure as the emulator, faults on the wire, and time that passes at once."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from engine.model.document import Document, Secret
from engine.model.ids import ArmId
from engine.model.plan import Action, Plan
from engine.model.policy import Limits
from engine.model.problem import Problem
from engine.model.result import Outcome
from engine.model.state import CustomResource
from engine.runtime.cycle import Cycle
from engine.runtime.executor import ExecutorOptions
from engine.runtime.world import PassOptions, World
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.arm.token import Token, TokenCell
from providers.emulator.gateway import Request
from providers.emulator.options import EmulatorOptions
from providers.state.folder import StateFolder
from tests.builders import build_key
from tests.emulator_driver import BASE, NETWORK, STORAGE, Arm
from tests.fakes import LoopClock
from tests.verbs_desk import Object, account, group, identity, network, subnet

FAULTS = (
    "timeout",
    "timeout after effect",
    "reset",
    "reset after effect",
    "429",
    "500",
    "502",
    "garbage",
    "slow",
    "401",
    "not there yet",
    "stale",
    "operation vanishes",
)
NAMES = ("store", "net", "front", "app")
_WRITES = ("PUT", "PATCH", "DELETE", "POST")
_LONGEST_OPERATION = 42
_SLOW = timedelta(seconds=400)
_TYPES = {
    "store": ("Microsoft.Storage/storageAccounts/{0}store", STORAGE),
    "net": ("Microsoft.Network/virtualNetworks/net", NETWORK),
    "front": ("Microsoft.Network/virtualNetworks/net/subnets/front", NETWORK),
    "app": ("Microsoft.ManagedIdentity/userAssignedIdentities/app", "2023-01-31"),
}


@dataclass
class JumpyClock(LoopClock):
    """The clock of a virtual loop, whose hands somebody may move."""

    moved: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        super().__init__()

    def now(self) -> datetime:
        return super().now() + self.moved


@dataclass
class Source:
    """Objects as a person last left them."""

    objects: dict[str, Object] = field(default_factory=dict)

    async def list_resources(self) -> Sequence[CustomResource]:
        out = []
        for value in self.objects.values():
            of_group, _, version = value["apiVersion"].partition("/")
            metadata = value["metadata"]
            key = build_key(
                f"{metadata['namespace']}/{value['kind']}/{metadata['name']}", group=of_group, version=version
            )
            out.append(CustomResource(key=key, spec=Document(value=value["spec"]), origin="app.yaml"))
        return out

    def problems(self) -> Sequence[Problem]:
        return ()

    async def fetch_secret(self, _namespace: str, _name: str) -> Mapping[str, Secret] | None:
        return None

    async def fetch_config_map(self, _namespace: str, _name: str) -> Mapping[str, str] | None:
        return None


@dataclass
class Wire:
    """Carries requests to the emulator; each fault waits for its turn among the requests."""

    arm: Arm
    clock: JumpyClock
    faults: list[tuple[int, str]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    lied: set[str] = field(default_factory=set)
    seen: dict[str, httpx.Response] = field(default_factory=dict)
    requests: int = 0

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.03)
        self.requests += 1
        if request.method in _WRITES:
            self.writes.append(f"{request.method} {request.url.path.lower()}")
        kind = self._take(request)
        answer = await self._refuse(kind, request)
        return answer if answer is not None else self._bend(kind, request, self._ask(request))

    def _take(self, request: httpx.Request) -> str:
        """Return the fault whose turn it is; one that cannot befall this request waits for the next."""
        due = [n for n, (left, kind) in enumerate(self.faults) if left <= 0 and _befalls(kind, request)]
        self.faults = [(left - 1, kind) for left, kind in self.faults]
        return self.faults.pop(due[0])[1] if due else ""

    async def _refuse(self, kind: str, request: httpx.Request) -> httpx.Response | None:
        """Answer, or fail, before anything has happened; None lets the request through."""
        match kind:
            case "timeout":
                raise httpx.ReadTimeout("", request=request)
            case "reset":
                raise httpx.ReadError("reset", request=request)
            case "slow":
                await asyncio.sleep(_SLOW.total_seconds())
            case "429" | "500" | "401":
                body = {"error": {"code": f"Code{kind}", "message": "Not now."}}
                return httpx.Response(int(kind), json=body, headers={"retry-after": "2"} if kind == "429" else {})
            case "502":
                return httpx.Response(502, text="<html>Bad gateway</html>", headers={"content-type": "text/html"})
            case "operation vanishes":
                return httpx.Response(404, json={"error": {"code": "NotFound", "message": "No such operation."}})
            case "not there yet":
                self.lied.add(request.url.path.lower())
                body = {"error": {"code": "ResourceNotFound", "message": "It was not found."}}
                return httpx.Response(404, json=body)
        return None

    def _bend(self, kind: str, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        """Spoil the answer to what has happened."""
        if kind == "timeout after effect":
            raise httpx.ReadTimeout("", request=request)
        if kind == "reset after effect":
            raise httpx.ReadError("reset", request=request)
        if kind == "garbage":
            return httpx.Response(200, text="no json at all")
        path = str(request.url)
        before = self.seen.get(path)
        if request.method == "GET" and answer.status_code == 200:
            self.seen[path] = answer
        if kind == "stale" and before is not None:
            self.lied.add(request.url.path.lower())
            return before
        return answer

    def _ask(self, request: httpx.Request) -> httpx.Response:
        query = {name.lower(): value for name, value in parse_qsl(request.url.query.decode())}
        path = request.url.path
        asked = Request(request.method, path, query, dict(request.headers), request.content, BASE)
        answer = self.arm.emulator.arm(asked)
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)


def _befalls(kind: str, request: httpx.Request) -> bool:
    is_operation = "operation" in request.url.path.lower()
    if kind == "operation vanishes":
        return is_operation
    if kind in ("not there yet", "stale"):
        return request.method == "GET" and not is_operation
    return True


class ScheduledWorld:
    """One group of the emulator, one state folder, and whoever works on both sides."""

    def __init__(self, arm: Arm, name: str, state: Path) -> None:
        self.arm, self.name, self.state = arm, name, state
        self.clock = JumpyClock()
        self.source = Source({"group": group(name)})
        self.wire = Wire(arm, self.clock)
        self.store = StateFolder(state)
        self.azure = self._connect()
        self.broken: list[str] = []
        self.mended: dict[str, str] = {}
        self._cycle = self._start()

    def _connect(self) -> AzureResourceManager:
        async def fetch() -> Token:
            expires = self.clock.now().timestamp() + 3600
            return Token(headers={"authorization": "Bearer any"}, expires_on=expires)

        options = ArmOptions(endpoint=BASE)
        return AzureResourceManager(
            options,
            self.clock,
            tokens=TokenCell(fetch, self.clock),
            make_wire=lambda: httpx.MockTransport(self.wire.handle),
        )

    def _start(self) -> Cycle:
        from engine.app.auditing import describe_author
        from engine.model.audit import Principal

        limits = Limits(prune=True, adopt=True, allow_data_loss=True, allow_mass_delete=True)
        options = PassOptions(endpoint=BASE, subscription=self.arm.subscription.rpartition("/")[2], limits=limits)
        audit = MemoryLog(describe_author(Principal()))
        return Cycle(
            World(source=self.source, azure=self.azure, store=self.store, clock=self.clock, audit=audit), options
        )

    def restart(self) -> None:
        """Be another process with the same folder."""
        self.store.close()
        self.store = StateFolder(self.state)
        self.azure = self._connect()
        self._cycle = self._start()

    def id_of(self, name: str) -> str:
        return f"{self.arm.subscription}/resourceGroups/{self.name}/providers/{_TYPES[name][0].format(self.name)}"

    def is_there(self, name: str) -> bool:
        return self.arm.get(self.id_of(name), api=_TYPES[name][1]).status == 200

    def edit(self, name: str, choice: int) -> None:
        """Let the user write, change or (0) remove an object."""
        tags = {"v": str(choice)}
        made = {
            "store": account(f"{self.name}store", self.name, accessTier=("Hot", "Cool")[choice % 2], tags=tags),
            "net": network("net", self.name, flowTimeoutInMinutes=3 + choice, tags=tags),
            "front": subnet("front", "net", f"10.0.{choice}.0/24"),
            "app": {**identity("app", self.name), "spec": {**identity("app", self.name)["spec"], "tags": tags}},
        }
        names = ("net", "front") if name == "front" and choice else (name,)
        if choice == 0:
            for gone in ("net", "front") if name == "net" else (name,):
                self.source.objects.pop(gone, None)
            return
        for one in names:
            if one == name or one not in self.source.objects:
                self.source.objects[one] = made[one]

    def move(self, name: str, choice: int) -> None:
        """Let somebody else change, or (0) delete, a resource in Azure."""
        api = _TYPES[name][1]
        if choice == 0:
            self.arm.send("DELETE", self.id_of(name), api=api)
            return
        url = f"{self.id_of(name)}/providers/Microsoft.Resources/tags/default"
        body = {"operation": "Merge", "properties": {"tags": {"v": f"theirs-{choice}"}}}
        if name == "store" and choice > 2:
            self.arm.send("PATCH", self.id_of(name), {"properties": {"accessTier": "Cool"}}, api=api)
        elif name != "front":
            self.arm.send("PATCH", url, body)

    def script(self, rule: Mapping[str, Any]) -> None:
        """Let the next operations in the group fail or hang."""
        match = {"path_regex": f"resourcegroups/{self.name}/"}
        self.arm.control("POST", "script", {**rule, "match": match})

    async def run(self, *, patience: timedelta = timedelta(minutes=3)) -> Plan:
        """Plan and apply once, and hold what happened against the laws."""
        await self._cycle.resume()
        self.wire.writes.clear()
        self.wire.lied.clear()
        truth = {name: self.is_there(name) for name in NAMES}
        planned = await self._cycle.plan(keep_in_sync=True)
        if self.wire.writes:
            self.broken.append(f"planning sent {self.wire.writes}")
        self._check_plan(planned.plan, truth)
        if not planned.plan.complete:
            return planned.plan
        options = ExecutorOptions(patience=patience, operation_limit=timedelta(minutes=30))
        result = await self._cycle.apply(planned, report=lambda _news: None, options=options)
        self._check_writes(planned.plan)
        for one in result.results:
            if one.step.action is Action.UPDATE and one.outcome is Outcome.UPDATED and one.step.id is not None:
                self._note_drift(one.step.id, one.step.changes)
        return planned.plan

    def _check_plan(self, plan: Plan, truth: Mapping[str, bool]) -> None:
        """What is created was not there, unless Azure itself said so of a resource that is."""
        lied = bool(self.wire.lied)
        ids = {ArmId(self.id_of(name)): name for name in NAMES}
        for step in plan.steps:
            name = ids.get(step.id) if step.id is not None else None
            if step.action is Action.CREATE and name is not None and truth[name] and self.is_there(name) and not lied:
                self.broken.append(f"{step.key} is created although it is there")

    def _check_writes(self, plan: Plan) -> None:
        """Every request that writes is one of the plan."""
        known = {
            f"{r.method} {httpx.URL(r.url).path.lower()}"
            for s in plan.steps
            for r in (*s.requests, *((s.fallback,) if s.fallback is not None else ()))
        }
        self.broken += [f"{write} was in no plan" for write in self.wire.writes if write not in known]

    def _note_drift(self, resource: ArmId, changes: Sequence[Any]) -> None:
        """The same move of others is put right once, until somebody moves something else."""
        text = repr([(c.path.text, c.before, c.after) for c in changes])
        if changes and all(c.origin == "drift" for c in changes) and self.mended.get(resource.key) == text:
            self.broken.append(f"{resource} was put right twice: {text}")
        self.mended[resource.key] = text if any(c.origin in ("drift", "both") for c in changes) else ""

    def calm(self) -> None:
        """Let everything go right from now on."""
        self.wire.faults.clear()
        self.wire.seen.clear()
        self.arm.control("DELETE", "script")
        for name in NAMES * _LONGEST_OPERATION:
            self.is_there(name)

    def check_rest(self, plan: Plan) -> None:
        """Nothing is left to do, what is asked for is there, and nothing else is."""
        left = [f"{s.action} {s.key} {s.reason}: {s.detail}" for s in plan.steps if _is_left(s)]
        self.broken += [f"left in the end: {text}" for text in left]
        for name in NAMES:
            if self.is_there(name) is not (name in self.source.objects):
                self.broken.append(f"{name} is {'' if self.is_there(name) else 'not '}there in the end")
        if self.store.operations():
            self.broken.append("operations are left in the state folder")


def _is_left(step: Any) -> bool:
    if step.action is Action.SKIP:
        return step.reason != "NotConverging"
    return step.action not in (Action.NOOP, Action.FORGET)


@dataclass
class MemoryLog:
    """An audit log that keeps lines in memory."""

    author: Any
    lines: list[dict[str, Any]] = field(default_factory=list)

    def author_of(self, key: object) -> Any:
        return self.author

    def append(self, record: dict[str, Any]) -> None:
        self.lines.append(record)

    def miss(self, problem: str) -> None:
        raise AssertionError(problem)


@contextmanager
def scheduled_azure(folder: Path) -> Iterator[Arm]:
    """Lend an emulator in this process that takes any token."""
    arm = Arm(EmulatorOptions(state=folder, plain_http=True, retry_after_s=1))
    try:
        yield arm
    finally:
        arm.close()


_COUNT: Counter[str] = Counter()


@contextmanager
def build_world(arm: Arm) -> Iterator[ScheduledWorld]:
    """Lend a world of its own, in memory where the system has a folder for that."""
    _COUNT["worlds"] += 1
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=fast if fast.is_dir() else None) as folder:
        world = ScheduledWorld(arm, f"s{_COUNT['worlds']}", Path(folder) / "state")
        try:
            yield world
        finally:
            world.store.close()
            world.calm()
