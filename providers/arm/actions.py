"""Calls beside a resource's own requests: keys, credentials, what else an answer holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from engine.errors import EngineError, UnavailableError
from engine.model.document import encode_wire
from engine.model.ids import ApiVersion, ArmId
from engine.model.purpose import Purpose
from engine.ports import Begun, Clock
from providers.arm import lro
from providers.arm.answer import Answer
from providers.arm.errors import decode_fault, error_from_fault
from providers.arm.origin import SAFE_IN_PATH
from providers.arm.retry import RetryPolicy
from providers.arm.transport import Transport
from schemas.behaviour_types import Call

_MOST_PAGES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Sends calls and returns what they answer; answers hold secrets, and nothing of them is kept."""

    transport: Transport
    retry: RetryPolicy
    clock: Clock
    check: Callable[[Answer, str], None]

    async def call(self, call: Call, path: str, begun: Begun | None = None) -> Any:
        """Return the answer's JSON; the items of all pages where it has pages, nothing where nothing is to be read.

        Raises:
            EngineError: Azure refuses, nobody answers, or the answer is none of Azure's.
        """
        what = f"{call.method} {path}"
        url = f"{self.transport.origin.text}{quote(path, safe=SAFE_IN_PATH)}?api-version={ApiVersion(call.api_version)}"
        answer = await self._send(call, url)
        if answer.status == 202:
            answer = await self._wait(answer, url, what, begun)
        found = self._read(answer, what, is_silent=call.is_silent)
        for _ in range(_MOST_PAGES):
            link = found.get("nextLink") if call.paged and isinstance(found, dict) else None
            if not link:
                break
            page = self._read(await self._get(self.transport.origin.localize(str(link)) or ""), what)
            found = {**page, "value": [*found.get("value", ()), *page.get("value", ())]}
        return found

    async def _send(self, call: Call, url: str) -> Answer:
        body = encode_wire(dict(call.body)) if call.body else b""
        # ARM refuses a POST that does not say how long it is (411), and no body is no length for the client.
        headers = () if body or call.method == "GET" else (("content-length", "0"),)

        async def attempt() -> Answer:
            return await self.transport.send(call.method, url, body=body, headers=headers, purpose=Purpose.FOLLOW)

        return await (attempt() if call.is_long_running else self.retry.read(attempt))

    async def _get(self, url: str) -> Answer:
        async def attempt() -> Answer:
            return await self.transport.send("GET", url, purpose=Purpose.FOLLOW)

        send: Callable[[Callable[[], Awaitable[Answer]]], Awaitable[Answer]] = self.retry.read
        return await send(attempt)

    async def _wait(self, answer: Answer, url: str, what: str, begun: Begun | None) -> Answer:
        """Follow an operation to its end; its result is the last answer, or lies at the first one's Location."""
        origin, location = self.transport.origin, answer.header("location")
        verdict = lro.start("POST", answer, url=url, origin=origin, now=self.clock.now())
        kind = lro.PollKind.LOCATION
        if begun is not None and isinstance(verdict, lro.Running):
            await begun(verdict.poller.beside(url).encode())
        while isinstance(verdict, lro.Running):
            await self.clock.sleep(verdict.wait)
            kind = verdict.poller.kind
            answer = await self._get(verdict.poller.url)
            verdict = lro.advance(verdict.poller, answer, origin=origin, now=self.clock.now())
            if isinstance(verdict, lro.Running) and verdict.poller.unanswered > lro.MAX_UNANSWERED:
                raise UnavailableError(f"{what}: nobody answers how it stands")
        if isinstance(verdict, lro.Failed):
            raise error_from_fault(verdict.fault, what=what)
        result = origin.localize(location) if location and kind is lro.PollKind.OPERATION else None
        return await self._get(result) if result else answer

    def _read(self, answer: Answer, what: str, *, is_silent: bool = False) -> Any:
        self.check(answer, what)
        if not answer.is_success:
            arm_type = ArmId(what.partition(" ")[2]).resource_type
            raise error_from_fault(decode_fault(answer, self.clock.now()), what=what, arm_type=arm_type)
        if is_silent:
            return {}
        found = answer.decode()
        if not isinstance(found, dict):
            error: EngineError = UnavailableError(f"{what} was answered without the values asked for")
            raise error
        return found
