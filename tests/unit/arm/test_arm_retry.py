"""When a read is tried again, and how requests are spread over time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from engine.errors import UnavailableError
from engine.model.state import Presence
from providers.arm.answer import Answer
from providers.arm.bucket import Bucket, Rate, RequestKind
from providers.arm.errors import UnreachableError, UntrustedError
from providers.arm.retry import RetryPolicy
from providers.arm.throttle import Throttle
from tests.arm_server import ScriptedArm, refusal, reply, storage_target
from tests.fakes import FakeClock


class Attempts:
    def __init__(self, *outcomes: Answer | Exception) -> None:
        self.outcomes = list(outcomes)
        self.made = 0

    async def __call__(self) -> Answer:
        outcome = self.outcomes[min(self.made, len(self.outcomes) - 1)]
        self.made += 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


OK = Answer(status=200)
BUSY = Answer(status=503)
AWAY = UnavailableError("nobody answered")


def read(script: Attempts, clock: FakeClock, attempts: int = 5, budget_s: float = 120.0) -> Answer:
    return asyncio.run(RetryPolicy(clock=clock, attempts=attempts, budget_s=budget_s).read(script))


def test_success_waits_for_nothing() -> None:
    """A read that succeeds is made once."""
    clock, attempts = FakeClock(), Attempts(OK)

    answer = read(attempts, clock)

    assert (answer, attempts.made, clock.slept) == (OK, 1, [])


@pytest.mark.parametrize(
    "outcome", [BUSY, Answer(status=429), Answer(status=408), AWAY], ids=["503", "429", "408", "away"]
)
def test_transient_outcomes_are_tried_again(outcome: Answer | Exception) -> None:
    """Throttling, timeouts, server errors and broken connections are repeated until they end."""
    clock, attempts = FakeClock(), Attempts(outcome, outcome, OK)

    answer = read(attempts, clock)

    assert (answer, attempts.made, len(clock.slept)) == (OK, 3, 2)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409])
def test_other_answers_are_final(status: int) -> None:
    """Refusals and redirects are not repeated."""
    attempts = Attempts(Answer(status=status), OK)

    answer = read(attempts, FakeClock())

    assert (answer.status, attempts.made) == (status, 1)


def test_attempts_are_bounded() -> None:
    """After the last attempt its answer stands, or its error is raised."""
    attempts = Attempts(BUSY)

    answer = read(attempts, FakeClock(), attempts=4)

    assert (answer, attempts.made) == (BUSY, 4)
    with pytest.raises(UnavailableError, match="nobody answered"):
        read(Attempts(AWAY), FakeClock(), attempts=4)


@pytest.mark.parametrize(("error", "attempts"), [(UnreachableError("no route"), 3), (UntrustedError("no trust"), 1)])
def test_hopeless_reads_end_early(error: UnavailableError, attempts: int) -> None:
    """A host that cannot be reached is tried three times, one whose certificate is not trusted once."""
    script = Attempts(error)

    with pytest.raises(type(error)):
        read(script, FakeClock())

    assert script.made == attempts


def test_retry_after_is_honoured() -> None:
    """The server's wait is the least that is waited."""
    clock = FakeClock()

    read(Attempts(Answer(status=429, headers={"retry-after": "14"}), OK), clock)

    assert clock.slept[0] >= 14


def test_waits_are_bounded_altogether() -> None:
    """A server that asks for more patience than there is gets no further attempt."""
    clock, attempts = FakeClock(), Attempts(Answer(status=429, headers={"retry-after": "100"}), OK)

    answer = read(attempts, clock, budget_s=60)

    assert (answer.status, attempts.made, clock.slept) == (429, 1, [])


def test_own_waits_grow() -> None:
    """Waits are spread at random below a bound that doubles."""
    clock = FakeClock()

    read(Attempts(BUSY), clock, attempts=6)

    assert all(wait <= 0.5 * 2**n for n, wait in enumerate(clock.slept))
    assert len(clock.slept) == 5


def test_bucket_admits_its_burst_then_its_rate() -> None:
    """A full bucket lets its burst pass at once and makes each further request wait its turn."""
    bucket = Bucket(Rate(burst=3, per_s=2), now=0.0)
    waits = []

    for now in (0.0, 0.0, 0.0, 0.0, 0.5):
        waits.append(bucket.wait_s(now))
        if not waits[-1]:
            bucket.take(waited=False)

    assert waits == [0.0, 0.0, 0.0, 0.5, 0.0]
    assert bucket.wait_s(0.5) == 0.5


def test_buckets_are_apart() -> None:
    """Reads, writes and deletes, and every subscription, have buckets of their own."""
    clock = FakeClock()
    throttle = Throttle(clock)

    async def spend() -> None:
        for _ in range(201):
            await throttle.admit("one", RequestKind.WRITE)
        waited = len(clock.slept)
        await throttle.admit("one", RequestKind.DELETE)
        await throttle.admit("one", RequestKind.READ)
        await throttle.admit("two", RequestKind.WRITE)
        assert len(clock.slept) == waited

    asyncio.run(spend())

    assert clock.slept == [pytest.approx(0.1)]


def test_server_counts_are_believed() -> None:
    """What the server says is left replaces our own count, whether it is less or more."""
    clock = FakeClock()
    throttle = Throttle(clock)

    async def spend() -> list[float]:
        ticket = await throttle.admit("s", RequestKind.READ)
        throttle.learn(ticket, Answer(status=200, headers=left("reads", 1)))
        ticket = await throttle.admit("s", RequestKind.READ)
        await throttle.admit("s", RequestKind.READ)
        scarce = list(clock.slept)
        clock.slept.clear()
        clock.advance(1)
        throttle.learn(ticket, Answer(status=200, headers=left("reads", 5000)))
        for _ in range(3000):
            await throttle.admit("s", RequestKind.READ)
        return scarce

    scarce = asyncio.run(spend())

    assert scarce == [pytest.approx(0.04)]
    assert clock.slept == []


def left(kind: str, count: int) -> dict[str, str]:
    return {f"x-ms-ratelimit-remaining-subscription-{kind}": str(count)}


def test_throttled_answer_holds_everybody() -> None:
    """After 429 no request of that kind passes before the server's wait is over."""
    clock = FakeClock()
    throttle = Throttle(clock)

    async def spend() -> None:
        ticket = await throttle.admit("s", RequestKind.READ)
        throttle.learn(ticket, Answer(status=429, headers={"retry-after": "9"}))
        await throttle.admit("s", RequestKind.READ)

    asyncio.run(spend())

    assert clock.slept == [pytest.approx(9)]


def test_reads_recover_from_throttling() -> None:
    """A throttled and once broken read ends as if nothing had happened, and the counters tell."""
    wanted = storage_target("a")
    arm = ScriptedArm(
        {
            f"GET {wanted.id}": [
                refusal(429, "TooManyRequests", retry_after="2"),
                httpx.ReadError("cut"),
                reply(200, {"id": wanted.id.text}),
            ]
        }
    )
    clock = FakeClock()
    client = arm.client(clock)

    state = asyncio.run(client.fetch(wanted))

    assert state.presence is Presence.PRESENT
    assert (client.traffic.requests["GET"], client.traffic.throttled) == (3, 1)
    assert sum(clock.slept) >= 2
    assert timedelta(seconds=sum(clock.slept)) < timedelta(seconds=30)


@pytest.mark.parametrize("ours", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 7, 1, tzinfo=UTC)])
def test_a_retry_date_counts_from_the_date_of_its_answer(ours: datetime) -> None:
    """The server's own clock measures the wait, whatever ours says; without it ours does."""
    asked = {"retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}
    dated = Answer(status=429, headers={**asked, "date": "Thu, 01 Jan 2026 00:00:05 GMT"})

    assert dated.retry_after(ours) == timedelta(seconds=15)
    assert Answer(status=429, headers=asked).retry_after(datetime(2026, 1, 1, tzinfo=UTC)) == timedelta(seconds=20)
