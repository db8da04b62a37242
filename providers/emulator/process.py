"""Running emulators for programs: in a thread beside synchronous code, or as a process of its own.

On a running event loop use :func:`providers.emulator.server.running_emulator` itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

from engine.errors import UnavailableError
from engine.ports import Clock
from providers.emulator.connection import EmulatorConnection
from providers.emulator.options import EmulatorOptions
from providers.emulator.server import running_emulator

_STOP_TIMEOUT_S = 20.0


@contextmanager
def emulator_thread(options: EmulatorOptions, clock: Clock) -> Iterator[EmulatorConnection]:
    """Serve in a thread with an event loop of its own until the block is left.

    Raises:
        InvalidSpecError: As :func:`running_emulator`.
    """
    thread = _Thread(options, clock)
    thread.start()
    try:
        yield thread.connection()
    finally:
        thread.stop()


@contextmanager
def emulator_process(state: Path, *, arguments: Sequence[str] = ()) -> Iterator[EmulatorConnection]:
    """Start ``trueup emulator`` with more arguments and stop it when the block is left.

    Raises:
        UnavailableError: It ended before it was ready; its own message is on standard error.
    """
    command = [sys.executable, "-m", "engine", "emulator", "--state", str(state), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603  # our own command
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise UnavailableError("the emulator did not start", detail=" ".join(command))
        yield EmulatorConnection(**orjson.loads(line))
    finally:
        process.terminate()
        process.wait(_STOP_TIMEOUT_S)
        if process.stdout:
            process.stdout.close()


class _Thread(threading.Thread):
    """One emulator on one loop."""

    def __init__(self, options: EmulatorOptions, clock: Clock) -> None:
        super().__init__(name="emulator", daemon=True)
        self._options = options
        self._clock = clock
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._connection: EmulatorConnection | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:  # handed to the thread that waits
            self._error = exc
        finally:
            self._ready.set()

    def connection(self) -> EmulatorConnection:
        self._ready.wait()
        if self._connection is None:
            raise self._error or UnavailableError("the emulator did not start")
        return self._connection

    def stop(self) -> None:
        if self._loop is not None and self._stopped is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self.join(_STOP_TIMEOUT_S)

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        async with running_emulator(self._options, self._clock) as connection:
            self._connection = connection
            self._ready.set()
            await self._stopped.wait()
