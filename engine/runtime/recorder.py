"""Between a pass and its ports: notes what is read, or plays it back."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import InvariantError
from engine.ports import BaselineStore, DesiredSource
from engine.runtime.recording import (
    PlayedAzure,
    PlayedClock,
    PlayedSource,
    PlayedStore,
    Recording,
    RecordingAzure,
    RecordingSource,
)
from engine.runtime.world import PassOptions, PassResult, World


class Recorder:
    """Notes everything that one pass reads."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._recording = Recording()
        self._world: World | None = None

    def watch_source(self, source: DesiredSource) -> DesiredSource:
        """Return the source to read instead."""
        return RecordingSource(source, self._recording)

    def watch(self, world: World, options: PassOptions) -> World:
        """Return the ports to use instead; the source is watched already."""
        self._world = world
        self._recording.endpoint = options.endpoint
        self._recording.subscription = options.subscription
        self._recording.strict = options.strict
        self._recording.inputs = options.scope.roots
        return replace(world, azure=RecordingAzure(world.azure, self._recording))

    def finish(self, planned: PassResult) -> Recording:
        """Return what the pass read. It holds secrets.

        Raises:
            InvariantError: There was no pass.
        """
        if self._world is None or planned.at is None:
            raise InvariantError("nothing was recorded")
        self._recording.taken = planned.at
        self._recording.baselines = self._world.store.load()
        self._recording.secret_key = self._world.store.secret_key()
        return self._recording


def forgetful_store() -> BaselineStore:
    """Return a memory that holds nothing and takes nothing in."""
    return PlayedStore(Recording())


def play(recording: Recording) -> World:
    """Return the ports as they answered when the recording was made."""
    return World(
        source=PlayedSource(recording),
        azure=PlayedAzure(recording),
        store=PlayedStore(recording),
        clock=PlayedClock(recording.taken),
    )
