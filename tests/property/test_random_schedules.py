"""Edits on both sides and faults in any order: once the faults stop, passes come to rest; the laws hold all along."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.emulator_driver import Arm
from tests.fakes import run_virtually
from tests.schedule_world import FAULTS, NAMES, ScheduledWorld, build_world, scheduled_azure

EXAMPLES = int(os.environ.get("TRUEUP_SCHEDULES", "100"))
LAST_PASSES = 7

Event = tuple[Any, ...]
edits = st.tuples(st.just("edit"), st.sampled_from(NAMES), st.integers(0, 3))
moves = st.tuples(st.just("move"), st.sampled_from(NAMES), st.integers(0, 3))
faults = st.tuples(st.just("fault"), st.sampled_from(FAULTS), st.integers(0, 9), st.sampled_from((1, 1, 1, 2, 12)))
failures = st.tuples(st.just("operation"), st.sampled_from(("fails", "leaves nothing", "hangs")), st.integers(1, 3))
jumps = st.tuples(st.just("jump"), st.sampled_from((-86_400, -60, 3_500, 90_000)))
restarts = st.just(("restart",))
begun = st.sets(st.sampled_from(NAMES)).map(lambda names: [*(("edit", n, 1) for n in sorted(names)), ("pass",)])
changed = st.lists(st.one_of(edits, edits, moves, faults, faults, faults, failures, jumps, restarts), max_size=5)
rounds = st.lists(changed.map(lambda events: [*events, ("pass",)]), min_size=1, max_size=5)
schedules = st.builds(lambda first, later: [*first, *(e for one in later for e in one)], begun, rounds)


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """Return one emulator for all schedules; each has a group of its own."""
    with scheduled_azure(tmp_path_factory.mktemp("azure")) as made:
        yield made


async def play(world: ScheduledWorld, schedule: list[Event]) -> None:
    """Let everything happen, then let Azure behave and come to rest."""
    for kind, *details in schedule:
        if kind == "pass":
            await world.run()
        else:
            HAPPENS[kind](world, *details)
    world.calm()
    world.restart()
    for _ in range(LAST_PASSES):
        plan = await world.run()
        if not world.wire.writes and plan.complete:
            break
    world.check_rest(await world.run())
    if world.wire.writes:
        world.broken.append(f"it still writes: {world.wire.writes}")


def spoil(world: ScheduledWorld, kind: str, after: int, times: int) -> None:
    world.wire.faults += [(after, kind)] * times


def fail_operations(world: ScheduledWorld, how: str, times: int) -> None:
    error = {"code": "InternalServerError", "message": "It failed."}
    leaves = {"leaves": "nothing"} if how == "leaves nothing" else {}
    world.script({"times": times, **({"polls": 40} if how == "hangs" else {"operation_fails": error, **leaves})})


def jump(world: ScheduledWorld, seconds: int) -> None:
    world.clock.moved += timedelta(seconds=seconds)


HAPPENS: dict[str, Callable[..., None]] = {
    "edit": ScheduledWorld.edit,
    "move": ScheduledWorld.move,
    "fault": spoil,
    "operation": fail_operations,
    "jump": jump,
    "restart": ScheduledWorld.restart,
}


@settings(max_examples=EXAMPLES, derandomize=EXAMPLES <= 1000, suppress_health_check=list(HealthCheck), deadline=None)
@given(schedule=schedules)
@example(
    schedule=[
        ("edit", "app", 1),
        ("pass",),
        ("edit", "app", 2),
        ("move", "app", 3),
        ("pass",),
        ("move", "app", 3),
        ("pass",),
    ]
)
@example(schedule=[("edit", "store", 1), ("pass",), ("move", "store", 3), ("pass",), ("move", "store", 3), ("pass",)])
def test_every_schedule_comes_to_rest(arm: Arm, schedule: list[Event]) -> None:
    """Nothing is written without a plan, created where it is, or put right twice; in the end all is as asked."""
    with build_world(arm) as world:
        run_virtually(play(world, schedule))

        assert world.broken == []
