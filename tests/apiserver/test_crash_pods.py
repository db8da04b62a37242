"""Killed at any request to Azure or write to the cluster, pods lose nothing, and send nothing twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.apiserver.crash_world import CrashWorld, Launcher, Play, launcher
from tests.apiserver.plane import ControlPlane
from tests.verbs_desk import Azure

pytestmark = pytest.mark.apiserver

EVERY_POINT = bool(os.environ.get("TRUEUP_EVERY_POINT"))
SAMPLE = 16
WANTED = 200
AT_ONCE = 12
"""So many plays are brought to their end by one pod."""
STORIES: dict[str, tuple[bool, Callable[[Play], None], int]] = {
    "create": (False, Play.create, 110),
    "update": (True, Play.update, 65),
    "delete": (True, Play.delete, 30),
}
"""Name -> whether the objects are there before, what changes, and the least number of points of death."""


@pytest.fixture(scope="module")
def pods(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Return the process that forks pods."""
    with launcher(azure, tmp_path_factory.mktemp("warm")) as made:
        yield made


@pytest.mark.parametrize("story", STORIES)
def test_a_pod_killed_anywhere_loses_nothing(
    story: str, plane: ControlPlane, azure: Azure, pods: Launcher, tmp_path: Path
) -> None:
    """The next pod ends as one that was never killed, with the same writes, no token and no finalizer left over."""
    is_there, change, least = STORIES[story]
    folder = tmp_path / story
    folder.mkdir()
    world = CrashWorld.build(plane, azure, pods, folder)
    usual = world.new_play()
    if is_there:
        usual.create()
        world.work([usual])
    azure.forget_traffic()
    change(usual)
    points = len(world.work([usual]))
    expected = world.writes(usual)
    chosen = list(range(1, points + 1)) if EVERY_POINT else list(range(SAMPLE // 2, points, SAMPLE))
    wrong: list[str] = []

    for some in (chosen[n : n + AT_ONCE] for n in range(0, len(chosen), AT_ONCE)):
        plays = {point: world.new_play() for point in some}
        if is_there:
            for play in plays.values():
                play.create()
            world.work(list(plays.values()))
        azure.forget_traffic()
        for point, play in plays.items():
            change(play)
            world.die(play, point)
        world.work(list(plays.values()))
        wrong += [f"{point}: {text}" for point, play in plays.items() for text in world.judge(play, expected)]
        wrong += [f"two writes at once: {text}" for text in world.overlaps()]

    assert wrong == []
    assert points >= least
    assert world.deaths >= 0.8 * len(chosen)


def test_points_are_enough() -> None:
    """The stories together have as many points of death as are wanted."""
    assert sum(least for _, _, least in STORIES.values()) >= WANTED
