"""Killed at any moment and started again, the command neither loses a write nor makes one twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.emulator.connection import EmulatorConnection
from providers.emulator.process import emulator_process
from tests.crash_desk import CrashDesk, Launcher, Story, launcher
from tests.verbs_desk import (
    GROUP_API,
    NETWORK_API,
    STORAGE_API,
    Azure,
    Object,
    account,
    group,
    identity,
    network,
    secret,
    server,
    subnet,
)

pytestmark = pytest.mark.loopback

EVERY_POINT = bool(os.environ.get("TRUEUP_EVERY_POINT"))
SAMPLE = 4
WANTED = 200
IDENTITY_API = "2023-01-31"
SERVER_API = "2022-12-01"
NET = "/providers/Microsoft.Network/virtualNetworks/net"
IDENTITY = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app"
SERVER = "/providers/Microsoft.DBforPostgreSQL/flexibleServers/{}pg"
STORE = "/providers/Microsoft.Storage/storageAccounts/{}store"
LONG = {"match": {"path_regex": ".*"}, "times": None, "polls": 3}


def keep(name: str) -> list[Object]:
    return [group(name), identity("keep", name)]


def application(name: str) -> list[Object]:
    net, sub = network("net", name), subnet("front", "net", "10.0.1.0/24")
    return [*keep(name), account(f"{name}store", name), net, sub]


def stored(name: str, **spec: Any) -> list[Object]:
    return [group(name), account(f"{name}store", name, **spec)]


def database(name: str) -> list[Object]:
    return [group(name), server(f"{name}pg", name), secret()]


def networked(name: str, **spec: Any) -> list[Object]:
    return [group(name), network("net", name, **spec), subnet("front", "net", "10.0.1.0/24")]


def reported(objects: list[Object]) -> list[Object]:
    """Return objects whose drift is only to be reported."""
    note = {"annotations": {"trueup.dev/drift-policy": "report"}}
    return [{**o, "metadata": {**o["metadata"], **note}} for o in objects]


def detached(name: str) -> list[Object]:
    note = {"annotations": {"serviceoperator.azure.com/reconcile-policy": "detach-on-delete"}}
    return [*keep(name), {**identity("app", name), "metadata": {"name": "app", "namespace": "web", **note}}]


PRUNE = ("--prune", "--allow-data-loss", "--allow-mass-delete")
REPLACE = ("--allow-replace", "web/VirtualNetwork/net", "--allow-data-loss")
NETWORK = ((NET, NETWORK_API), (NET + "/subnets/front", NETWORK_API))
STORIES = {
    "create": Story(before=None, after=networked, points=90, there=NETWORK),
    "patch": Story(
        before=stored, after=lambda name: stored(name, accessTier="Cool"), points=30, there=((STORE, STORAGE_API),)
    ),
    "tags": Story(
        before=stored, after=lambda name: stored(name, tags={"a": "b"}), points=30, there=((STORE, STORAGE_API),)
    ),
    "put": Story(
        before=networked,
        after=lambda name: networked(name, addressSpace={"addressPrefixes": ["10.0.0.0/16", "10.1.0.0/16"]}),
        points=30,
        there=NETWORK,
    ),
    "replace where drift is reported": Story(
        before=lambda name: reported(networked(name)),
        after=lambda name: reported(networked(name, location="northeurope")),
        options=REPLACE,
        points=75,
        there=NETWORK,
    ),
    "prune": Story(before=application, after=keep, options=PRUNE, points=50, gone=(*NETWORK, (STORE, STORAGE_API))),
    "forget": Story(before=detached, after=keep, options=PRUNE, points=20, there=((IDENTITY, IDENTITY_API),)),
    "long create": Story(before=None, after=database, rules=(LONG,), points=60, there=((SERVER, SERVER_API),)),
    "long delete": Story(
        before=lambda name: [*database(name), identity("keep", name)],
        after=keep,
        rules=(LONG,),
        options=PRUNE,
        points=45,
        gone=((SERVER, SERVER_API),),
    ),
    "group delete": Story(
        before=lambda name: [*application(name), group(f"{name}-b"), network("far", f"{name}-b")],
        after=lambda name: [group(f"{name}-b"), network("far", f"{name}-b")],
        rules=(LONG,),
        options=PRUNE,
        points=60,
        gone=(("", GROUP_API), *NETWORK),
        there=(("-b", GROUP_API),),
    ),
}


@pytest.fixture(scope="module")
def crash_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorConnection]:
    """Return an emulator that outlives every process that is killed."""
    state = tmp_path_factory.mktemp("azure")
    with emulator_process(state, arguments=("--plain-http", "--retry-after", "0")) as connection:
        yield connection


@pytest.fixture(scope="module")
def crash_launcher(crash_emulator: EmulatorConnection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Return the process that forks commands."""
    with launcher(crash_emulator, tmp_path_factory.mktemp("warm")) as made:
        yield made


@pytest.mark.parametrize("name", STORIES)
def test_killed_anywhere_nothing_is_lost_and_nothing_done_twice(
    name: str, crash_emulator: EmulatorConnection, crash_launcher: Launcher, tmp_path: Path
) -> None:
    """After a kill at any point further runs end as one run would have, with the same writes."""
    prefix = "".join(word[:4] for word in name.split())
    desk = CrashDesk(STORIES[name], crash_launcher, Azure(crash_emulator), tmp_path, prefix)
    points = len(desk.record())
    chosen = range(1, points + 1) if EVERY_POINT else range(points // 2, points, points // SAMPLE)

    wrong = [text for point in chosen for text in desk.die_at(point)]

    assert wrong == []
    assert points >= STORIES[name].points
    assert desk.deaths >= 0.9 * len(chosen)


def test_points_are_enough() -> None:
    """The stories together have as many points of death as are wanted."""
    assert sum(story.points for story in STORIES.values()) >= WANTED
