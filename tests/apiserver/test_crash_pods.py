"""Killed at any request to Azure or write to the cluster, pods lose nothing, and send nothing twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apiserver.crash_world import CrashWorld, Launcher, Play, launcher
from tests.apiserver.plane import ControlPlane
from tests.verbs_desk import Azure

pytestmark = pytest.mark.apiserver

EVERY_POINT = bool(os.environ.get("TRUEUP_EVERY_POINT"))
ALONE = os.environ.get("TRUEUP_CRASH_POINT", "")
"""``STORY:NUMBER`` plays one point of one story, after its last play as after all of them."""
SAMPLE = 16
WANTED = 200
AT_ONCE = 16
"""So many plays are brought to their end by one pod."""
LONG = {"match": {"path_regex": "(?i)/resourcegroups/"}, "times": None, "polls": 2}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happens while the pod is killed.

    Attributes:
        change: What a user does.
        is_there: The objects are there, and Ready, before.
        is_long: Azure answers every write with an operation.
        is_noted: Operations are written down at once; else they are over before it is time to.
        points: The least number of points of death.
    """

    change: Callable[[Play], None]
    points: int
    is_there: bool = True
    is_long: bool = False
    is_noted: bool = False


STORIES = {
    "create": Story(change=Play.create, is_there=False, points=100),
    "update": Story(change=Play.update, points=65),
    "delete": Story(change=Play.delete, points=30),
    "long-create": Story(change=Play.create, is_there=False, is_long=True, points=100),
    "noted-create": Story(change=Play.create, is_there=False, is_long=True, is_noted=True, points=130),
    "long-delete": Story(change=Play.delete, is_long=True, points=35),
}


@pytest.fixture(scope="module")
def pods(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Return the process that forks pods."""
    with launcher(azure, tmp_path_factory.mktemp("warm")) as made:
        yield made


@pytest.fixture
def world(plane: ControlPlane, azure: Azure, pods: Launcher, tmp_path: Path) -> Iterator[CrashWorld]:
    """Return a cluster with definitions, and Azure without rules."""
    yield CrashWorld.build(plane, azure, pods, tmp_path)
    azure.clear_script()


def begin(world: CrashWorld, story: Story, plays: list[Play]) -> None:
    """Bring plays to where the story begins."""
    world.azure.clear_script()
    world.notes_at_once = story.is_noted
    if story.is_there:
        for play in plays:
            play.create()
        world.work(plays)
    if story.is_long:
        world.azure.script(LONG)
    world.azure.forget_traffic()


def choose(name: str, points: int) -> list[int]:
    """Return the points of a story that are played."""
    story, _, point = ALONE.partition(":")
    if ALONE:
        return [int(point)] if story == name else []
    return list(range(1, points + 1)) if EVERY_POINT else list(range(SAMPLE // 2, points, SAMPLE))


@pytest.mark.parametrize("name", STORIES)
def test_a_pod_killed_anywhere_loses_nothing(name: str, world: CrashWorld) -> None:
    """The next pod ends as one that was never killed, with the same writes, no token and no finalizer left over."""
    story, usual = STORIES[name], world.new_play(name)
    begin(world, story, [usual])
    story.change(usual)
    points = len(world.work([usual]))
    expected = world.writes(usual)
    chosen = choose(name, points)
    wrong: list[str] = []

    for some in (chosen[n : n + AT_ONCE] for n in range(0, len(chosen), AT_ONCE)):
        plays = {point: world.new_play(name) for point in some}
        begin(world, story, list(plays.values()))
        for play in plays.values():
            story.change(play)
        places = world.die(plays)
        world.work(list(plays.values()))
        wrong += [
            f"killed {places[point]} (TRUEUP_CRASH_POINT={name}:{point} plays it alone): {text}"
            for point, play in plays.items()
            for text in world.judge(play, expected)
        ]
        wrong += [f"two writes at once: {text}" for text in world.overlaps()]

    assert wrong == []
    assert points >= story.points
    assert world.deaths >= 0.8 * len(chosen)


def test_points_are_enough() -> None:
    """The stories together have as many points of death as are wanted."""
    assert sum(story.points for story in STORIES.values()) >= WANTED
