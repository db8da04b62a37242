"""Azure, the store and time as the executor meets them: scripted, and what they were asked is kept."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.errors import (
    EngineError,
    InvalidSpecError,
    UnavailableError,
)
from engine.model.document import Body, Document
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Plan, Request, Step
from engine.model.purpose import Purpose
from engine.model.refusal import Refusal
from engine.model.result import ApplyResult, OperationProgress, OperationStatus, Outcome
from engine.model.state import ActualState, Presence
from engine.ports import ReadTarget
from engine.runtime.executor import Executor, ExecutorOptions, Progress, Resumed
from tests.builders import build_id, build_key, build_step
from tests.fakes import MemoryAudit, build_ledger

DONE = OperationProgress(status=OperationStatus.SUCCEEDED)


RUNNING = OperationProgress(status=OperationStatus.RUNNING, token="op-1", wait=timedelta(seconds=15))


class StubClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.naps: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, duration: timedelta) -> None:
        self.naps.append(duration.total_seconds())
        self.elapsed += duration.total_seconds()
        await asyncio.sleep(0)


class StubAzure:
    """Answers writes from a script (by method and name), remembers what was sent."""

    def __init__(self, script: dict[str, list[object]] | None = None) -> None:
        self.script = script or {}
        self.sent: list[str] = []
        self.headers: list[tuple[tuple[str, str], ...]] = []
        self.gone: set[ArmId] = set()
        self.stays = False
        self.kept: list[Body] = []
        self.purposes: list[Purpose] = []
        self.reads: list[ActualState] = []

    def keep_secrets(self, body: Body) -> None:
        self.kept.append(body)

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        return "intent"

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        if announce is not None:
            announce("intent")
        self.sent.append(f"{request.method} {resource.name}")
        self.headers.append(request.headers)
        self.purposes.append(purpose)
        await asyncio.sleep(0)
        answers = self.script.get(f"{request.method} {resource.name}") or []
        answer = answers.pop(0) if answers else DONE
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, OperationProgress)
        if request.method == "DELETE" and not self.stays:
            self.gone.add(resource)
        return answer

    async def poll(self, token: str) -> OperationProgress:
        self.sent.append(f"poll {token}")
        answers = self.script.get(f"poll {token}") or []
        answer = answers.pop(0) if answers else DONE
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, OperationProgress)
        return answer

    async def fetch(self, target: ReadTarget, **_: object) -> ActualState:
        if self.reads:
            return self.reads.pop(0)
        presence = Presence.ABSENT if target.id in self.gone else Presence.PRESENT
        return ActualState(id=target.id, presence=presence, document=Document(value={}))


class StubRefresh:
    """Asks for a fresh read before each PUT, and counts them; answers from a script."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.reads = 0
        self.asked: list[bool] = []

    def is_needed(self, _step: Step, request: Request) -> bool:
        return request.method == "PUT" and not request.headers

    def is_as_asked(self, _step: Step, _actual: ActualState) -> bool:
        return True

    def decide_again(self, _step: Step, _request: Request, _actual: ActualState, *, may_be_ours: bool) -> None:
        self.asked.append(may_be_ours)

    def refresh(self, _step: Step, request: Request, _actual: ActualState) -> Request:
        self.reads += 1
        if self.answers:
            raise self.answers.pop(0)
        return replace(request, body={"read": self.reads})


class StubStore:
    """Remembers calls."""

    def __init__(self, pending: dict[ArmId, str] | None = None) -> None:
        self.log: list[str] = []
        self.pending = pending or {}

    def save_operation(self, resource: ArmId, _key: ResourceKey, token: str) -> None:
        self.log.append(f"save {resource.name} {token}")

    def clear_operation(self, resource: ArmId) -> None:
        self.log.append(f"clear {resource.name}")

    def operations(self) -> dict[ArmId, str]:
        return self.pending

    def forget(self, resource: ArmId) -> None:
        self.log.append(f"forget {resource.name}")

    def save_refusal(self, refusal: Refusal) -> None:
        self.log.append(f"refused {refusal.member}")


def answered(status: int, detail: str, kind: type[EngineError] = InvalidSpecError) -> EngineError:
    error = kind("refused", detail=detail)
    error.http_status = status
    return error


def step_for(name: str, action: Action = Action.CREATE, *, needs: tuple[str, ...] = (), **more: object) -> Step:
    methods = {Action.CREATE: ("PUT",), Action.UPDATE: ("PATCH",), Action.DELETE: ("DELETE",)}.get(action, ())
    requests = tuple(Request(method=m, url=f"https://x/{name}", body={}) for m in methods)
    step = build_step(action)
    fields = {f: getattr(step, f) for f in step.__dataclass_fields__} | {
        "key": build_key(f"default/StorageAccount/{name}"),
        "id": build_id(name),
        "requests": requests,
        "depends_on": tuple(build_key(f"default/StorageAccount/{n}") for n in needs),
        **more,
    }
    return Step(**fields)  # type: ignore[arg-type]


def carry_out(
    azure: StubAzure,
    *steps: Step,
    store: StubStore | None = None,
    clock: StubClock | None = None,
    settle: Callable[[Step, ActualState], str] = lambda _step, _actual: "",
    refresh: StubRefresh | None = None,
    news: list[Progress] | None = None,
    log: MemoryAudit | None = None,
) -> ApplyResult:
    executor = Executor(
        azure,  # type: ignore[arg-type]
        store or StubStore(),  # type: ignore[arg-type]
        clock or StubClock(),
        ledger=build_ledger(log),
        settle=settle,
        refresh=refresh,
        report=(news if news is not None else []).append,
        options=ExecutorOptions(patience=timedelta(minutes=5)),
    )
    return asyncio.run(executor.run(Plan(steps=steps, complete=True)))


def outcomes(result: ApplyResult) -> dict[str, Outcome]:
    return {r.step.key.name: r.outcome for r in result.results}


async def resume_and_run(azure: StubAzure, store: StubStore, *steps: Step) -> tuple[Resumed, ApplyResult]:
    def executor(unfinished: dict[ArmId, str]) -> Executor:
        return Executor(
            azure,  # type: ignore[arg-type]
            store,  # type: ignore[arg-type]
            StubClock(),
            ledger=build_ledger(),
            settle=lambda _s, _a: "",
            report=lambda _n: None,
            options=ExecutorOptions(),
            unfinished=unfinished,
        )

    resumed = await executor({}).resume()
    return resumed, await executor(dict(resumed.unfinished)).run(Plan(steps=steps, complete=True))


def seen(name: str, state: str = "", *, presence: Presence = Presence.PRESENT) -> ActualState:
    body = {"properties": {"provisioningState": state}} if state else {}
    return ActualState(id=build_id(name), presence=presence, document=Document(value=body))


NO_ANSWER = UnavailableError("cut")


PUT = (Request(method="PUT", url="https://x/app", body={}),)
