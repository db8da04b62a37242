"""A scripted ARM behind httpx's mock transport, and short ways to talk to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import httpx
import orjson

from engine.model.ids import ApiVersion, ArmId
from engine.model.state import ActualState
from engine.ports import ReadTarget
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.arm.token import FixedToken
from tests.fakes import FakeClock

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
ROOT = f"/subscriptions/{SUBSCRIPTION}"
STORAGE = "Microsoft.Storage/storageAccounts"
ARM_HEADERS = {"x-ms-request-id": "11111111-2222-4333-8444-555555555555"}

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def storage_target(name: str, group: str = "rg") -> ReadTarget:
    return target(f"{ROOT}/resourceGroups/{group}/providers/{STORAGE}/{name}", STORAGE)


def target(resource: str, arm_type: str, api: str = "2023-01-01") -> ReadTarget:
    return ReadTarget(id=ArmId(resource), arm_type=arm_type, api_version=ApiVersion(api))


def reply(status: int = 200, body: Any = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    return httpx.Response(status, headers={**ARM_HEADERS, **named}, content=content)


def refusal(status: int, code: str, message: str = "no", **headers: str) -> httpx.Response:
    return reply(status, {"error": {"code": code, "message": message}}, **headers)


def page(resources: Iterable[str | ReadTarget], link: str = "") -> httpx.Response:
    value = [{"id": r if isinstance(r, str) else r.id.text, "properties": {}} for r in resources]
    return reply(200, {"value": value, **({"nextLink": link} if link else {})})


class ScriptedArm:
    """Answers by ``METHOD path`` (without query); a list of replies is used up, its last one stays."""

    def __init__(self, replies: dict[str, Reply | Sequence[Reply]], otherwise: Reply | None = None) -> None:
        self.replies = {key.lower(): list(r) if isinstance(r, (list, tuple)) else [r] for key, r in replies.items()}
        self.otherwise = otherwise or refusal(404, "ResourceNotFound")
        self.requests: list[httpx.Request] = []

    @property
    def seen(self) -> list[str]:
        return [f"{r.method} {r.url.path}" for r in self.requests]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)
        queue = self.replies.get(f"{request.method} {request.url.path}".lower(), [self.otherwise])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def client(self, clock: FakeClock | None = None, **options: Any) -> AzureResourceManager:
        return AzureResourceManager(
            ArmOptions(**options),
            clock or FakeClock(),
            tokens=FixedToken(),
            make_wire=lambda: httpx.MockTransport(self.handle),
        )

    def observe(self, targets: Sequence[ReadTarget], clock: FakeClock | None = None) -> dict[str, ActualState]:
        """Return the states by id; fails when one comes twice or is missing."""
        states = asyncio.run(collect(self.client(clock).observe(targets)))
        by_id = {s.id.text: s for s in states}
        assert len(states) == len(by_id) == len({t.id for t in targets})
        return by_id


async def collect(batches: AsyncIterator[Sequence[ActualState]]) -> list[ActualState]:
    return [state async for batch in batches for state in batch]
