"""Who passes first, and whom a refusal holds, in virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import orjson
import pytest

from engine.model.purpose import Purpose
from providers.arm.answer import Answer
from providers.arm.bucket import RequestKind
from providers.arm.limits import Limit, refused_by
from providers.arm.throttle import Throttle
from tests.fakes import LoopClock, run_virtually

COMPUTE, NETWORK = "microsoft.compute", "microsoft.network"
WRITE = RequestKind.WRITE
CREATED = Answer(status=201)


def error(code: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=429, headers=named, body=orjson.dumps({"error": {"code": code, "message": "no"}}))


def run(script: Callable[[Throttle, LoopClock], Coroutine[Any, Any, Any]], *, in_flight: int = 0) -> Any:
    async def main() -> Any:
        clock = LoopClock()
        limits = dict.fromkeys(Purpose, in_flight) if in_flight else {}
        return await script(Throttle(clock, in_flight=limits), clock)

    return run_virtually(main())


async def send(throttle: Throttle, clock: LoopClock, *, provider: str = "", **more: Any) -> float:
    """Send one write that is answered at once; return when it passed."""
    ticket = await throttle.admit(more.pop("subscription", "s"), WRITE, provider=provider, **more)
    throttle.learn(ticket, CREATED)
    throttle.release(ticket)
    return clock.monotonic()


def test_the_limit_of_one_provider_holds_that_provider_alone() -> None:
    """After compute refused, a write to compute waits as long as asked, and one to network passes at once."""
    refused = error("OperationNotAllowed", retry_after="120", x_ms_ratelimit_remaining_resource="Microsoft.Compute/P;0")

    async def script(throttle: Throttle, clock: LoopClock) -> list[float]:
        ticket = await throttle.admit("s", WRITE, provider=COMPUTE)
        throttle.learn(ticket, refused)
        throttle.release(ticket)
        return await asyncio.gather(*(send(throttle, clock, provider=p) for p in (COMPUTE, NETWORK, "")))

    assert run(script) == [pytest.approx(120), 0, 0]


def test_the_limit_of_the_subscription_holds_every_provider() -> None:
    """What ARM itself refuses for rate holds all writes of the subscription, and none of another one."""
    refused = error("SubscriptionRequestsThrottled", retry_after="7", x_ms_ratelimit_remaining_subscription_writes="0")

    async def script(throttle: Throttle, clock: LoopClock) -> list[float]:
        ticket = await throttle.admit("s", WRITE, provider=COMPUTE)
        throttle.learn(ticket, refused)
        throttle.release(ticket)
        here = (send(throttle, clock, provider=p) for p in (COMPUTE, NETWORK))
        return await asyncio.gather(*here, send(throttle, clock, provider=NETWORK, subscription="other"))

    passed = run(script)

    assert min(passed[:2]) == pytest.approx(7)
    assert passed[2] == 0


@pytest.mark.parametrize(
    ("answer", "provider", "expected"),
    [
        pytest.param(error("RetryableError"), NETWORK, Limit.NONE, id="something-else-is-not-ready"),
        pytest.param(error("SubscriptionRequestsThrottled"), NETWORK, Limit.ARM, id="arm-by-code"),
        pytest.param(error("TooManyRequests", x_ms_failure_cause="gateway"), NETWORK, Limit.ARM, id="arm-by-mark"),
        pytest.param(
            error("TooManyRequests", x_ms_ratelimit_remaining_subscription_writes="0"), NETWORK, Limit.ARM, id="0-left"
        ),
        pytest.param(
            error("TooManyRequests", x_ms_ratelimit_remaining_subscription_writes="180"),
            NETWORK,
            Limit.PROVIDER,
            id="plenty-left",
        ),
        pytest.param(error("TooManyRequests", x_ms_failure_cause="service"), NETWORK, Limit.PROVIDER, id="service"),
        pytest.param(Answer(status=429), COMPUTE, Limit.PROVIDER, id="without-a-sign"),
        pytest.param(Answer(status=429), "", Limit.ARM, id="no-provider"),
        pytest.param(Answer(status=503), COMPUTE, Limit.NONE, id="no-refusal-for-rate"),
    ],
)
def test_whose_limit_refused(answer: Answer, provider: str, expected: Limit) -> None:
    """Codes, marks and counts tell ARM's own limit from a provider's, and both from what only sounds like one."""
    assert refused_by(answer, WRITE, provider) is expected


def test_a_429_that_is_no_rate_slows_nobody() -> None:
    """Network answers 429 RetryableError while a referenced resource is not ready: the next write does not wait."""

    async def script(throttle: Throttle, clock: LoopClock) -> float:
        ticket = await throttle.admit("s", WRITE, provider=NETWORK)
        throttle.learn(ticket, error("RetryableError", retry_after="10"))
        throttle.release(ticket)
        return await send(throttle, clock, provider=NETWORK)

    assert run(script) == 0


def test_a_provider_that_is_nearly_spent_is_slowed_before_it_refuses() -> None:
    """Compute's own count of what is left is kept to as soon as it is small."""
    told = Answer(
        status=201, headers={"x-ms-ratelimit-remaining-resource": "Microsoft.Compute/A;3,Microsoft.Compute/B;900"}
    )

    async def script(throttle: Throttle, clock: LoopClock) -> list[float]:
        ticket = await throttle.admit("s", WRITE, provider=COMPUTE)
        throttle.learn(ticket, told)
        throttle.release(ticket)
        return [await send(throttle, clock, provider=COMPUTE) for _ in range(5)]

    assert run(script) == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_an_edit_goes_before_a_sweep() -> None:
    """With 400 sweeping writes in the queue an edit that comes last passes next."""

    async def script(throttle: Throttle, clock: LoopClock) -> tuple[float, float]:
        async with asyncio.TaskGroup() as group:
            sweep = [group.create_task(send(throttle, clock)) for _ in range(600)]
            await clock.sleep(timedelta(seconds=1))
            edit = group.create_task(send(throttle, clock, purpose=Purpose.EDIT))
        return edit.result(), max(task.result() for task in sweep)

    edited, swept = run(script)

    assert edited == pytest.approx(1.1, abs=0.11)
    assert swept == pytest.approx(40.1)


def test_a_large_subscription_holds_up_no_other() -> None:
    """20 writes of a small subscription pass at once while 3,000 of a large one take their five minutes."""

    async def script(throttle: Throttle, clock: LoopClock) -> tuple[float, float]:
        async with asyncio.TaskGroup() as group:
            large = [group.create_task(send(throttle, clock, subscription="large")) for _ in range(3000)]
            small = [group.create_task(send(throttle, clock, subscription="small")) for _ in range(20)]
        return max(t.result() for t in small), max(t.result() for t in large)

    assert run(script, in_flight=8) == (0, pytest.approx(280))


def test_polls_and_sweeps_have_connections_of_their_own() -> None:
    """Eight reads that hang hold up the ninth sweeping read, and neither a poll nor an edit."""

    async def script(throttle: Throttle, clock: LoopClock) -> tuple[bool, bool]:
        for _ in range(8):
            await throttle.admit("s", RequestKind.READ)
        for purpose in (Purpose.POLL, Purpose.FOLLOW, Purpose.EDIT):
            await throttle.admit("s", RequestKind.READ, purpose=purpose)
        ninth = asyncio.ensure_future(throttle.admit("s", RequestKind.READ))
        done, _ = await asyncio.wait({ninth}, timeout=1000)
        ninth.cancel()
        return clock.monotonic() >= 1000, bool(done)

    assert run(script, in_flight=8) == (True, False)


def test_polls_of_hundreds_of_operations_leave_room_for_all_other_reads() -> None:
    """While 500 operations ask as often as they may, edits and read-backs pass next, sweeps get every fourth read."""
    read = RequestKind.READ

    async def keep_asking(throttle: Throttle) -> None:
        while True:
            throttle.release(await throttle.admit("s", read, purpose=Purpose.POLL))

    async def ask(throttle: Throttle, clock: LoopClock, purpose: Purpose, times: int) -> float:
        began = clock.monotonic()
        for _ in range(times):
            throttle.release(await throttle.admit("s", read, purpose=purpose))
        return clock.monotonic() - began

    async def script(throttle: Throttle, clock: LoopClock) -> list[float]:
        polls = [asyncio.ensure_future(keep_asking(throttle)) for _ in range(500)]
        await clock.sleep(timedelta(seconds=60))
        waits = [
            await ask(throttle, clock, Purpose.EDIT, 1),
            await ask(throttle, clock, Purpose.FOLLOW, 1),
            await ask(throttle, clock, Purpose.SWEEP, 100),
        ]
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        return waits

    edit, follow, sweep = run(script, in_flight=64)

    assert max(edit, follow) <= 0.041
    assert sweep == pytest.approx(100 * 4 / 25, abs=0.2)


def test_answers_that_overtake_each_other_raise_no_false_hope() -> None:
    """What was under way when a request was sent may be counted after it: it is not in the count that comes back."""
    told = Answer(status=200, headers={"x-ms-ratelimit-remaining-subscription-reads": "500"})

    async def script(throttle: Throttle, clock: LoopClock) -> int:
        tickets = [await throttle.admit("s", RequestKind.READ) for _ in range(250)]
        throttle.learn(tickets[100], told)
        passed = [asyncio.ensure_future(throttle.admit("s", RequestKind.READ)) for _ in range(1000)]
        await clock.sleep(timedelta(milliseconds=1))
        through = sum(t.done() for t in passed)
        for task in passed:
            task.cancel()
        return through

    assert run(script) == 500 - 249


def test_whoever_sleeps_for_the_others_may_leave() -> None:
    """The one that waits for the next token is cancelled: another one takes over."""

    async def script(throttle: Throttle, clock: LoopClock) -> list[float]:
        for _ in range(200):
            await send(throttle, clock)
        waiting = [asyncio.ensure_future(send(throttle, clock)) for _ in range(3)]
        await clock.sleep(timedelta(milliseconds=10))
        waiting[0].cancel()
        return await asyncio.gather(*waiting[1:])

    assert run(script) == pytest.approx([0.1, 0.2])


def test_thousands_of_requests_are_spread_exactly_and_cheaply() -> None:
    """10,000 writes of ten providers in two subscriptions take the time the limits set, and under 2 s of CPU."""
    before = time.process_time()

    async def script(throttle: Throttle, clock: LoopClock) -> float:
        async with asyncio.TaskGroup() as group:
            for n in range(10_000):
                group.create_task(send(throttle, clock, provider=f"p{n % 10}", subscription=f"s{n % 2}"))
        return clock.monotonic()

    lasted = run(script, in_flight=8)

    assert lasted == pytest.approx((5000 - 200) / 10, rel=0.001)
    assert time.process_time() - before < 2
