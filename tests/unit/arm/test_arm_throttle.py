"""How requests keep to limits far below the documented ones, in virtual time."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest

from engine.errors import UnavailableError
from engine.model.purpose import Purpose
from providers.arm.answer import Answer
from providers.arm.bucket import RATES, Bucket, RequestKind
from providers.arm.options import ArmOptions
from providers.arm.throttle import Throttle
from providers.arm.token import FixedToken
from providers.arm.transport import Transport
from tests.arm_server import ROOT, refusal, reply
from tests.fakes import LoopClock, run_virtually

LATENCY = timedelta(milliseconds=120)
THROTTLED = Answer(status=429, headers={"retry-after": "9"})


@dataclass
class StingyArm:
    """Grants ``per_s`` requests a second after ``burst``; ``told`` is what its headers say is left."""

    burst: float
    per_s: float
    told: str = "truth"
    clock: LoopClock = field(default_factory=LoopClock)
    served: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    _level: float = math.nan
    _at: float = 0.0

    async def handle(self, _request: httpx.Request) -> httpx.Response:
        await self.clock.sleep(LATENCY / 2)
        answer = self._answer(self.clock.monotonic())
        await self.clock.sleep(LATENCY / 2)
        return answer

    def _answer(self, now: float) -> httpx.Response:
        level = self.burst if math.isnan(self._level) else self._level
        self._level, self._at = min(self.burst, level + (now - self._at) * self.per_s), now
        if self._level < 1:
            self.refused.append(now)
            wait = math.ceil((1 - self._level) / self.per_s)
            return refusal(429, "SubscriptionRequestsThrottled", retry_after=str(wait), **self._left(0))
        self._level -= 1
        self.served.append(now)
        return reply(201, {}, **self._left(int(self._level)))

    def _left(self, count: int) -> dict[str, str]:
        said = {"truth": str(count), "nonsense": "199"}.get(self.told)
        return {"x_ms_ratelimit_remaining_subscription_writes": said} if said else {}

    @property
    def floor_s(self) -> float:
        """Return the shortest time in which so many can be served."""
        return (len(self.served) - self.burst) / self.per_s


def send_all(arm: StingyArm, count: int, *, at_once: int = 8) -> float:
    """Send that many writes, each until it is taken; return how long that lasts."""

    async def main() -> float:
        slots = asyncio.Semaphore(at_once)
        async with Transport(
            ArmOptions(),
            tokens=FixedToken(),
            throttle=Throttle(arm.clock),
            make_wire=lambda: httpx.MockTransport(arm.handle),
        ) as transport:

            async def send(number: int) -> None:
                while True:
                    async with slots:
                        answer = await transport.send("PUT", f"{ROOT}/resourceGroups/g{number}")
                    if answer.status != 429:
                        return
                    await arm.clock.sleep(answer.retry_after(arm.clock.now()) or timedelta(seconds=1))

            async with asyncio.TaskGroup() as group:
                for number in range(count):
                    group.create_task(send(number))
        return arm.clock.monotonic()

    return run_virtually(main())


@pytest.mark.parametrize("told", ["truth", "nothing", "nonsense"])
@pytest.mark.parametrize(
    ("burst", "per_s"), [(10, 0.5), (2, 0.1), (3, 1), (40, 2), (20, 7)], ids=["0.5", "0.1", "1", "2", "7"]
)
def test_limits_far_below_the_documented_ones_are_learnt(burst: float, per_s: float, told: str) -> None:
    """After the first second at most 5 % are refused, and all are served within 15 % of the shortest time."""
    arm = StingyArm(burst=burst, per_s=per_s, told=told)

    lasted = send_all(arm, 300)

    late = [at for at in arm.refused if at > 1]
    assert len(arm.served) == 300
    assert len(late) <= 0.05 * (300 + len(arm.refused))
    assert lasted <= 1.15 * arm.floor_s


def test_who_sleeps_looks_again_before_sending() -> None:
    """A refusal holds also those who were waiting for their turn when it came."""
    clock = LoopClock()

    async def main() -> list[float]:
        throttle = Throttle(clock)
        tickets = [await throttle.admit("s", RequestKind.WRITE) for _ in range(200)]
        passed: list[float] = []

        async def one_more() -> None:
            await throttle.admit("s", RequestKind.WRITE)
            passed.append(clock.monotonic())

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(one_more())
            await clock.sleep(timedelta(milliseconds=50))
            throttle.learn(tickets[-1], THROTTLED)
        return passed

    passed = run_virtually(main())

    # One when the wait is over, the others at half the documented rate of 10 a second.
    assert passed == pytest.approx([9.05, 9.25, 9.45])


def test_first_come_first_served() -> None:
    """Requests pass in the order in which they came, one cancelled among them holds up nobody."""
    clock = LoopClock()

    async def main() -> list[int]:
        throttle = Throttle(clock)
        for _ in range(250):
            await throttle.admit("s", RequestKind.READ)
        order: list[int] = []

        async def pass_by(number: int) -> None:
            await throttle.admit("s", RequestKind.READ)
            order.append(number)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pass_by(number)) for number in range(6)]
            await clock.sleep(timedelta(milliseconds=1))
            tasks[0].cancel()
            tasks[3].cancel()
        return order

    order = run_virtually(main())

    assert order == [1, 2, 4, 5]


def test_requests_refused_together_teach_once() -> None:
    """Eight requests under way at one refusal halve the rate once, not eight times."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)
    serials = [bucket.take(waited=False) for _ in range(8)]

    for serial in serials:
        bucket.refuse(serial, None, 1.0, 0.1)

    assert bucket.per_s == 5


def test_the_rate_never_sinks_to_nothing() -> None:
    """However often the server refuses, a request is tried again: at least one in 200 of the documented rate."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)

    for turn in range(100):
        bucket.refuse(bucket.take(waited=False), None, 0.0, float(turn))

    assert bucket.per_s == pytest.approx(10 / 200)


def test_successes_bring_the_rate_back() -> None:
    """When another client has left, the documented rate is reached again, and never passed."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)
    bucket.refuse(bucket.take(waited=False), None, 1.0, 0.0)
    rates = []

    for turn in range(1000):
        bucket.grant(bucket.take(waited=True), None, 2.0 + turn)
        rates.append(bucket.per_s)

    assert rates[40] < 6
    assert rates[-1] == 10


def test_a_count_that_a_refusal_proved_wrong_is_believed_only_downwards() -> None:
    """A resource provider's own limit refuses while ARM's headers show plenty: those then raise nothing."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)
    bucket.refuse(bucket.take(waited=False), 199, 5.0, 0.0)

    bucket.grant(bucket.take(waited=True), 198, 5.0)

    assert bucket.wait_s(5.0) == pytest.approx(1 / 5, rel=0.01)


def test_a_wait_of_nothing_is_no_leave_to_hurry() -> None:
    """Retry-After 0 with every refusal slows down all the same."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)

    bucket.refuse(bucket.take(waited=False), None, 0.0, 0.0)

    assert bucket.wait_s(0.0) == pytest.approx(1 / 5)


def test_a_late_refusal_gives_no_second_leave() -> None:
    """A refusal of the same burst that comes after the wait holds again, and is no token."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)
    early, late = bucket.take(waited=False), bucket.take(waited=False)
    bucket.refuse(early, None, 1.0, 0.0)
    bucket.wait_s(1.0)
    bucket.take(waited=True)

    bucket.refuse(late, None, 1.0, 1.0)

    assert bucket.wait_s(1.0) == pytest.approx(1.2)


def test_an_absurd_wait_ends() -> None:
    """No Retry-After stops all requests for more than an hour, the longest window that ARM counts in."""
    bucket = Bucket(RATES[RequestKind.WRITE], now=0.0)

    bucket.refuse(bucket.take(waited=False), None, 1e9, 0.0)

    assert bucket.wait_s(0.0) == 3600


def test_polls_that_hang_hold_up_no_other_poll_and_no_read_back() -> None:
    """While 200 polls hang, others pass within seconds; those themselves end half a minute after they were sent."""

    async def hang(request: httpx.Request) -> httpx.Response:
        if "hangs" in request.url.path:
            await asyncio.sleep(3600)
        return reply(200, {})

    async def main() -> tuple[float, float, float]:
        clock = LoopClock()
        options = ArmOptions()
        throttle = Throttle(clock, in_flight=options.in_flight)
        async with Transport(
            options, tokens=FixedToken(), throttle=throttle, make_wire=lambda: httpx.MockTransport(hang)
        ) as transport:

            async def ask(name: str, purpose: Purpose) -> float:
                await transport.send("GET", f"{ROOT}/operations/{name}", purpose=purpose)
                return clock.monotonic()

            async def ask_in_vain() -> None:
                with pytest.raises(UnavailableError, match="took too long"):
                    await ask("hangs", Purpose.POLL)

            async with asyncio.TaskGroup() as group:
                for _ in range(200):
                    group.create_task(ask_in_vain())
                read_back, poll = await asyncio.gather(ask("own", Purpose.FOLLOW), ask("other", Purpose.POLL))
        return read_back, poll, clock.monotonic()

    read_back, poll, all_ended = run_virtually(main())

    assert read_back < 0.1
    assert poll <= 8.1
    assert all_ended <= 45
