"""When passes of the pod begin: edits at once, full passes one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.model.document import Document
from engine.model.purpose import Purpose
from engine.model.state import CustomResource
from engine.runtime.controller.loop import Loop, Periods
from engine.runtime.controller.objects import ObjectInputs, Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.tenure import Everything, Permits
from engine.runtime.stop import Stop
from tests.builders import build_key
from tests.fakes import FakeClock

ONE, OTHER = (build_key(f"web/StorageAccount/{name}") for name in ("one", "other"))
PERIODS = Periods(observe=timedelta(seconds=1), spread=timedelta(milliseconds=250))
_LONG = 50
"""Turns of the event loop in which everything that can happen has happened."""


@dataclass
class Notes:
    """Passes that note what they are asked for; looks take until ``may_end`` is set."""

    queue: WorkQueue
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    edits_last: bool = False
    looks: int = 0
    edits: list[list[str]] = field(default_factory=list)

    async def look(self, _wanted: frozenset[ObjectIdentity]) -> frozenset[ObjectIdentity]:
        self.looks += 1
        await self.may_end.wait()
        return frozenset()

    async def run(self, wanted: frozenset[ObjectIdentity], _purpose: Purpose) -> None:
        self.edits.append(sorted(identity[-1] for identity in wanted))
        if self.edits_last:
            await self.may_end.wait()
        for identity in wanted:
            self.queue.done(identity)


@dataclass
class Scene:
    """A loop over two objects."""

    clock: FakeClock
    queue: WorkQueue
    passes: Notes

    async def settle(self) -> None:
        """Let everything happen that can."""
        for _ in range(_LONG):
            await asyncio.sleep(0)


def play(
    act: Callable[[Scene], Awaitable[None]], *, most: int = 100, is_due: bool = False, edits_last: bool = False
) -> Scene:
    """Run a loop while something acts on it.

    Args:
        act: What happens.
        most: What there is room for.
        is_due: Both objects are due before the loop begins.
        edits_last: Passes over edits end with the loop.
    """

    async def run() -> Scene:
        clock = FakeClock()
        queue = WorkQueue(clock, most=most)
        objects = Objects(cast("ObjectInputs", None))
        for key in (ONE, OTHER):
            objects.put(ClusterObject(resource=CustomResource(key=key, spec=Document(value={}))))
            if is_due:
                queue.add(key.identity)
        scene = Scene(clock, queue, Notes(queue, edits_last=edits_last))
        stop = asyncio.Event()
        loop = Loop(
            objects,
            queue,
            scene.passes,
            clock,
            PERIODS,
            complain=lambda text: None,
            permits=Permits(Everything()),
            halt=Stop(),
        )
        running = asyncio.create_task(loop.run(stop))
        await scene.settle()
        await act(scene)
        scene.passes.may_end.set()
        stop.set()
        await running
        return scene

    return asyncio.run(run())


def test_a_full_pass_begins_when_the_last_one_has_ended() -> None:
    """A full pass that takes longer than its period is not joined by a second one."""

    async def act(scene: Scene) -> None:
        scene.clock.advance(5)
        scene.queue.add(ONE.identity)
        await scene.settle()
        seen.append(scene.passes.looks)
        scene.passes.may_end.set()
        await scene.settle()
        scene.clock.advance(5)
        scene.queue.add(ONE.identity)
        await scene.settle()
        seen.append(scene.passes.looks)

    seen: list[int] = []
    play(act)

    assert seen == [1, 2]


def test_an_edit_does_not_wait_for_a_full_pass() -> None:
    """While a full pass looks at an object, an edit of it is worked on."""

    async def act(scene: Scene) -> None:
        scene.queue.add(ONE.identity)
        await scene.settle()

    scene = play(act)

    assert (scene.passes.looks, scene.passes.edits) == (1, [["one"]])


def test_the_first_edit_after_a_pause_is_worked_on_at_once_and_the_next_ones_together() -> None:
    """Nothing is waited for before the first edit; those that follow it become one pass a moment later."""

    async def act(scene: Scene) -> None:
        scene.queue.add(ONE.identity)
        await scene.settle()
        seen.append((list(scene.passes.edits), list(scene.clock.slept)))
        scene.queue.add(ONE.identity)
        scene.queue.add(OTHER.identity)
        await scene.settle()
        seen.append((scene.passes.edits[1:], list(scene.clock.slept)))

    seen: list[tuple[list[list[str]], list[float]]] = []
    play(act)

    assert seen == [([["one"]], []), ([["one", "other"]], [0.25])]


def test_what_there_is_no_room_for_is_worked_on_later() -> None:
    """With room for one object at a time two edits lead to two passes."""

    async def act(scene: Scene) -> None:
        for key in (ONE, OTHER):
            scene.queue.add(key.identity)
        await scene.settle()
        scene.clock.advance(0.25)
        await scene.settle()

    scene = play(act, most=1)

    assert sorted(scene.passes.edits) == [["one"], ["other"]]


def test_what_is_due_at_the_start_is_left_to_the_first_full_pass() -> None:
    """All of it, however little room there is for edits."""

    async def act(scene: Scene) -> None:
        scene.clock.advance(0.25)
        await scene.settle()

    scene = play(act, most=1, is_due=True)

    assert (scene.passes.looks, scene.passes.edits) == (1, [])


def test_many_passes_under_way_make_edits_come_together() -> None:
    """Each pass holds what it knew of all objects: the more of them wait for Azure, the fewer new ones begin."""

    async def act(scene: Scene) -> None:
        for n in range(12):
            scene.queue.add(build_key(f"web/StorageAccount/edited{n}").identity)
            scene.clock.advance(0.25)
            await scene.settle()

    def took(*, edits_last: bool) -> float:
        scene = play(act, edits_last=edits_last)
        assert len(scene.passes.edits) == 12
        return scene.clock.monotonic() - FakeClock().monotonic()

    assert took(edits_last=False) == 12 * 0.25
    assert took(edits_last=True) > 1.5 * 12 * 0.25
