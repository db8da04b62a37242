"""An apply against a twentieth of ARM's limits, in virtual time: executor, adapter and emulator together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx

from engine.model.document import Body
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Step
from engine.model.result import ApplyResult, Outcome
from engine.runtime.executor import Executor, ExecutorOptions
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.arm.token import FixedToken
from providers.emulator.gateway import Request
from providers.emulator.options import EmulatorOptions
from tests.builders import build_key, build_plan, build_request, build_step
from tests.emulator_driver import BASE, NETWORK, RESOURCES, Arm
from tests.fakes import LoopClock, build_ledger, run_virtually

SCALE = 0.05
NETWORKS = 60


class NoStore:
    """Remembers no operation."""

    def save_operation(self, _resource: ArmId, _key: ResourceKey, _token: str) -> None: ...

    def clear_operation(self, _resource: ArmId) -> None: ...


@dataclass
class Wire:
    """Carries requests to an emulator in this process and counts the answers by method and status."""

    arm: Arm
    clock: LoopClock
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await self.clock.sleep(timedelta(milliseconds=40))
        query = {name.lower(): value for name, value in parse_qsl(request.url.query.decode())}
        answer = self.arm.emulator.arm(
            Request(request.method, request.url.path, query, dict(request.headers), request.content, BASE)
        )
        self.answers[request.method, answer.status] += 1
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    def refused(self, method: str) -> int:
        return self.answers[method, 429]

    def served(self, method: str) -> int:
        return sum(n for (asked, status), n in self.answers.items() if asked == method and status != 429)


def put_step(name: str, resource: str, api: str, body: Body, **more: object) -> Step:
    put = build_request(url=f"{BASE}{resource}?api-version={api}", body=body)
    arm_id = ArmId(resource)
    fields = {"id": arm_id, "arm_type": arm_id.resource_type, "api_version": api, "requests": (put,), **more}
    return build_step(Action.CREATE, f"default/Any/{name}", **fields)


def build_networks(subscription: str) -> list[Step]:
    """Return steps for one group and many networks in it; those are operations that are polled and read back."""
    group = f"{subscription}/resourceGroups/rg"
    body = {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    needs = (build_key("default/Any/rg"),)
    return [
        put_step("rg", group, RESOURCES, {"location": "westus2"}),
        *(
            put_step(
                f"n{n}", f"{group}/providers/Microsoft.Network/virtualNetworks/n{n}", NETWORK, body, depends_on=needs
            )
            for n in range(NETWORKS)
        ),
    ]


def carry_out(state: Path) -> tuple[ApplyResult, Wire, float]:
    """Apply all steps; return the result, what went over the wire and how long it took."""

    async def main() -> tuple[ApplyResult, Wire, float]:
        clock = LoopClock()
        arm = Arm(EmulatorOptions(state=state, plain_http=True, limits_scale=SCALE), clock)  # type: ignore[arg-type]
        wire = Wire(arm, clock)
        azure = AzureResourceManager(
            ArmOptions(endpoint=BASE),
            clock,
            tokens=FixedToken(),
            make_wire=lambda: httpx.MockTransport(wire.handle),
        )
        executor = Executor(
            azure,
            NoStore(),  # type: ignore[arg-type]
            clock,
            ledger=build_ledger(),
            settle=lambda _step, _actual: "",
            report=lambda _progress: None,
            # Less than the apply lasts: a step that only waits for its turn must not run out of it.
            options=ExecutorOptions(patience=timedelta(seconds=45)),
        )
        async with azure:
            result = await executor.run(build_plan(build_networks(arm.subscription)))
        arm.close()
        return result, wire, clock.monotonic()

    return run_virtually(main())


def test_an_apply_far_above_the_limits_is_hardly_refused(state: Path) -> None:
    """All succeed in little more than the time that the limits set, and a handful of requests is answered 429."""
    result, wire, lasted = carry_out(state)

    floor = max((wire.served("PUT") - 200 * SCALE) / (10 * SCALE), (wire.served("GET") - 250 * SCALE) / (25 * SCALE))
    assert {r.outcome for r in result.results} == {Outcome.CREATED}
    assert wire.served("PUT") == NETWORKS + 1
    assert wire.refused("PUT") <= 6
    assert wire.refused("GET") <= 12
    assert lasted <= 1.1 * floor
