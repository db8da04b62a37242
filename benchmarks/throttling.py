"""Apply thousands of creates against the emulator's request limits, in virtual time.

    python -m benchmarks.throttling [--creates 5000] [--scale 20] [-o json|text]

The executor, the adapter with its buckets and the emulator with ARM's limits times ``scale`` run in one process; each
request takes 30 to 60 ms both ways, so answers and requests overtake each other. Exit 1 where the apply takes more
than 10 % longer than the limits alone set, or more than 1 % of its requests are answered 429.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from benchmarks.virtual_time import LoopClock, run_virtually
from engine.model.audit import Author
from engine.model.change import DiffState, ResourceDiff
from engine.model.document import Body
from engine.model.ids import ApiVersion, ArmId, PlanId, ResourceKey
from engine.model.plan import Action, Budget, Plan, Reason, Request, Step
from engine.model.result import ApplyResult, Outcome
from engine.runtime.executor import Executor, ExecutorOptions
from engine.runtime.ledger import Ledger
from providers.arm.adapter import AzureResourceManager
from providers.arm.bucket import RATES, RequestKind
from providers.arm.options import ArmOptions
from providers.arm.token import FixedToken
from providers.emulator.emulator import Emulator
from providers.emulator.gateway import Request as Received
from providers.emulator.options import EmulatorOptions

BASE = "https://emulator.test"
OVER_FLOOR = 1.10
REFUSED_SHARE = 0.01
_GROUP_API, _NETWORK_API = ApiVersion("2021-04-01"), ApiVersion("2024-03-01")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one apply took.

    Attributes:
        lasted_s: Virtual seconds.
        floor_s: Longest time that ARM's limits alone need for the writes, or for the reads, that were served.
        refused: Requests answered 429.
        cpu_s: Of this process, executor and emulator together.
    """

    creates: int
    scale: float
    created: int
    requests: int
    writes: int
    reads: int
    refused: int
    lasted_s: float
    floor_s: float
    cpu_s: float = 0.0

    def broken(self) -> list[str]:
        """Return what does not hold, in words."""
        broken = []
        if self.created != self.creates or self.writes != self.creates:
            broken.append(f"{self.creates} creates became {self.created} resources by {self.writes} writes")
        if self.lasted_s > self.floor_s * OVER_FLOOR:
            broken.append(f"{self.lasted_s} s is more than {OVER_FLOOR:g} times the floor of {self.floor_s} s")
        if self.refused > self.requests * REFUSED_SHARE:
            broken.append(f"{self.refused} of {self.requests} requests were refused, more than {REFUSED_SHARE:.0%}")
        return broken


@dataclass
class Wire:
    """Carries requests to an emulator in this process and counts the answers by method and status."""

    emulator: Emulator
    clock: LoopClock
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await self._travel()
        query = {name.lower(): value for name, value in parse_qsl(request.url.query.decode())}
        received = Received(request.method, request.url.path, query, dict(request.headers), request.content, BASE)
        answer = self.emulator.arm(received)
        self.answers[request.method, answer.status] += 1
        await self._travel()
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    async def _travel(self) -> None:
        await self.clock.sleep(timedelta(microseconds=self.chance.randint(15_000, 30_000)))

    def refused(self, *methods: str) -> int:
        """Return how many of these were answered 429."""
        return sum(self.answers[method, 429] for method in methods)

    def served(self, method: str) -> int:
        """Return how many were answered otherwise."""
        return sum(n for (asked, status), n in self.answers.items() if asked == method and status != 429)


class _NoDisk:
    """Stands in for the state folder and its audit log: how long a disk takes is not in question here."""

    def author_of(self, _key: object) -> Author:
        """Return who writes."""
        return Author(user="benchmark", host="here")

    def __getattr__(self, _name: str) -> Callable[..., None]:
        """Return what takes anything and keeps nothing."""
        return lambda *_args: None


def carry_out(folder: Path, *, creates: int, scale: float) -> tuple[ApplyResult, Wire, Figures]:
    """Create a group and networks in it: each is an operation that is polled and read back.

    Args:
        folder: For the emulator's state.
        creates: How many, the group included.
        scale: Factor on ARM's limits.
    """

    async def main() -> tuple[ApplyResult, Wire, float]:
        clock = LoopClock()
        emulator = Emulator(EmulatorOptions(state=folder, plain_http=True, limits_scale=scale), clock)
        emulator.serve_at(BASE)
        wire = Wire(emulator, clock)
        azure = AzureResourceManager(
            ArmOptions(endpoint=BASE), clock, tokens=FixedToken(), make_wire=lambda: httpx.MockTransport(wire.handle)
        )
        nowhere: Any = _NoDisk()
        executor = Executor(
            azure,
            nowhere,
            clock,
            ledger=Ledger(nowhere, clock, plan=PlanId("p"), secret_key=b"k" * 32),
            settle=lambda _step, _actual: "",
            report=lambda _progress: None,
            # Less than the apply lasts: a step that only waits for its turn must not run out of it.
            options=ExecutorOptions(patience=timedelta(seconds=45)),
        )
        async with azure:
            result = await executor.run(_plan(f"/subscriptions/{emulator.identity.subscription}", creates))
        emulator.close()
        return result, wire, clock.monotonic()

    before = time.process_time()
    result, wire, lasted_s = run_virtually(main())
    figures = Figures(
        creates=creates,
        scale=scale,
        created=sum(r.outcome is Outcome.CREATED for r in result.results),
        requests=wire.answers.total(),
        writes=wire.served("PUT"),
        reads=wire.served("GET"),
        refused=wire.refused("PUT", "GET"),
        lasted_s=round(lasted_s, 2),
        floor_s=round(_floor_s(wire, scale), 2),
        cpu_s=round(time.process_time() - before, 1),
    )
    return result, wire, figures


def _floor_s(wire: Wire, scale: float) -> float:
    """Return how long ARM's buckets need to grant what was served, full at the start."""
    served = {RequestKind.WRITE: wire.served("PUT"), RequestKind.READ: wire.served("GET")}
    return max((n - RATES[kind].burst * scale) / (RATES[kind].per_s * scale) for kind, n in served.items())


def _plan(subscription: str, creates: int) -> Plan:
    group = ArmId(f"{subscription}/resourceGroups/rg")
    network = {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    first = _step("rg", group, _GROUP_API, {"location": "westus2"})
    others = [
        _step(
            f"n{n}",
            ArmId(f"{group}/providers/Microsoft.Network/virtualNetworks/n{n}"),
            _NETWORK_API,
            network,
            first.key,
        )
        for n in range(creates - 1)
    ]
    return Plan(steps=(first, *others), complete=True, id=PlanId("p"), budget=Budget(writes=creates))


def _step(name: str, resource: ArmId, api_version: ApiVersion, body: Body, *needs: ResourceKey) -> Step:
    url = f"{BASE}{resource}?api-version={api_version}"
    return Step(
        key=ResourceKey(namespace="default", group="benchmark", kind="Any", name=name),
        id=resource,
        arm_type=resource.resource_type,
        api_version=api_version,
        action=Action.CREATE,
        reason=Reason.MISSING,
        diff=ResourceDiff(state=DiffState.CHANGED),
        requests=(Request(method="PUT", url=url, body=body),),
        depends_on=needs,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Apply once; say what it took and what of it is too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--creates", type=int, default=5000)
    parser.add_argument("--scale", type=float, default=20.0)
    parser.add_argument("-o", "--output", choices=("json", "text"), default="text")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as name:
        _, _, figures = carry_out(Path(name), creates=args.creates, scale=args.scale)
    broken = figures.broken()
    if args.output == "json":
        print(json.dumps({**asdict(figures), "broken": broken}))
    else:
        print("\n".join(f"{name}: {value}" for name, value in asdict(figures).items()))
        print("\n".join(broken) or "all hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
