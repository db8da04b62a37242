"""Two replicas, killed, stopped, cut off and held up: one write of a resource at a time, none of them twice."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.crash_world import Launcher, launcher
from tests.apiserver.plane import ControlPlane
from tests.apiserver.replicas import (
    LEASE_S,
    SHARDS,
    Replica,
    Work,
    broken_laws,
    describe,
    holders,
    two_replicas,
    wait,
)
from tests.verbs_desk import Azure

pytestmark = pytest.mark.apiserver

# More of them, for longer: TRUEUP_REPLICA_SCHEDULES=60 python -m pytest tests/apiserver/test_replica_schedules.py
SEEDS = int(os.environ.get("TRUEUP_REPLICA_SCHEDULES", "3"))
STEPS = 12
SLOW = (
    {"match": {"path_regex": "(?i)/storageaccounts/"}, "times": None, "polls": 3},
    {"match": {"method": "PUT", "path_regex": "(?i)/resourcegroups/plan"}, "times": None, "delay_ms": 300},
)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """Return Azure as an emulator that keeps what was written."""
    state = tmp_path_factory.mktemp("azure")
    options = EmulatorOptions(state=state, plain_http=True, retry_after_s=0, keep_bodies=True)
    with emulator_thread(options, SystemClock()) as connection:
        yield Azure(connection)


@pytest.fixture(scope="module")
def pods(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Return the process that forks replicas."""
    with launcher(azure, tmp_path_factory.mktemp("warm")) as made:
        yield made


@pytest.fixture(scope="module")
def replicas(
    plane: ControlPlane, azure: Azure, pods: Launcher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Replica]]:
    """Return two replicas that outlive what is done to them."""
    with two_replicas(plane, azure, pods, tmp_path_factory.mktemp("replicas")) as found:
        yield found


def kill(replica: Replica) -> None:
    """Kill it, and start another in its place."""
    replica.end(signal.SIGKILL)
    replica.start()


def roll(replica: Replica) -> None:
    """End it as a rollout does, and start another in its place."""
    replica.end(signal.SIGTERM)
    replica.start()


def swallow(replica: Replica) -> None:
    """Let nothing pass between it and the API server, until it goes on."""
    replica.proxy.is_held = True


def do_nothing(replica: Replica) -> None:
    """Leave it alone."""


def settle(plane: ControlPlane, work: Work, replicas: list[Replica]) -> None:
    """Wait until everything is as asked; say what is not."""
    try:
        plane.admin.wait_for("everything to be as asked", lambda: _revive(replicas) or not work.unsettled())
    except AssertionError as exc:
        for text in (*work.unsettled(), *map(describe, replicas)):
            exc.add_note(str(text))
        raise


def _revive(replicas: list[Replica]) -> None:
    for replica in replicas:
        replica.revive()


FAULTS: tuple[Callable[[Replica], None], ...] = (
    kill,
    roll,
    Replica.pause,
    Replica.go_on,
    lambda replica: replica.proxy.cut(),
    swallow,
    do_nothing,
)


def share(plane: ControlPlane, replicas: list[Replica]) -> None:
    """Wait until both hold shards."""
    operator = replicas[0].operator

    def is_shared() -> bool:
        _revive(replicas)
        return sorted(holders(plane, operator).values()) == [SHARDS // 2] * 2

    plane.admin.wait_for("both to hold shards", is_shared)


@pytest.mark.parametrize("hold_up", [Replica.pause, swallow], ids=["stopped", "cut off"])
def test_who_was_held_up_for_longer_than_a_lease_writes_nothing(
    hold_up: Callable[[Replica], None], plane: ControlPlane, azure: Azure, replicas: list[Replica]
) -> None:
    """A replica stands still in the middle of its work; another one does it, and it stays done as the first goes on."""
    choice, work = random.Random(1), Work.begin(plane, azure)
    azure.clear_script()
    azure.script(*SLOW)
    share(plane, replicas)
    azure.forget_traffic()
    for _ in work.webs * 2:
        work.create(choice)

    wait(plane, LEASE_S / 10)
    hold_up(replicas[0])
    plane.admin.wait_for("one to hold all", lambda: [*holders(plane, replicas[0].operator).values()] == [SHARDS])
    settle(plane, work, replicas)
    work.edit_all()
    replicas[0].go_on()
    settle(plane, work, replicas)
    share(plane, replicas)
    work.edit_all()
    settle(plane, work, replicas)

    assert broken_laws(azure) == []


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_whatever_happens_nothing_is_written_twice(
    seed: int, plane: ControlPlane, azure: Azure, replicas: list[Replica]
) -> None:
    """Once it is quiet everything is as asked, whatever the order; no write overlapped another or was repeated."""
    choice, work = random.Random(seed), Work.begin(plane, azure)
    azure.clear_script()
    azure.script(*SLOW)
    azure.forget_traffic()

    for step in range(STEPS):
        for _ in range(3):
            choice.choice((work.create, work.edit, work.edit, work.delete))(choice)
        _revive(replicas)
        choice.choice(FAULTS)(choice.choice(replicas))
        if step == STEPS // 2:
            plane.restart_apiserver()
        wait(plane, choice.uniform(0, LEASE_S / 2))
    for replica in replicas:
        replica.go_on()
    settle(plane, work, replicas)

    assert broken_laws(azure) == []
