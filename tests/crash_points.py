"""Runs the command line and can kill it at any request and any write to the state folder.

``python -m tests.crash_points`` imports the product once and forks for each run that it is told on standard input, so
that a run costs no start. Nothing in the product knows of it: connections and SQLite are wrapped from outside, and the
writes of files are those that the interpreter itself makes.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from engine.app.cli import main
from tests.fakes import FakeClock

_FILE_WRITES = (
    "open",
    "mkdir",
    "unlink",
    "rmdir",
    "rename",
    "replace",
    "ftruncate",
    "write",
    "pwrite",
    "fsync",
    "fdatasync",
)


class Points:
    """Counts the places at which a process can be killed; kills it at the one that is wanted."""

    def __init__(self, log: int, kill_at: int) -> None:
        """Note each place in a file before it is passed; 0 kills nowhere."""
        self._log = log
        self._kill_at = kill_at
        self._passed = 0
        self._write = os.write

    def reach(self, label: str) -> None:
        """Note a place, and die there if it is the one."""
        self._passed += 1
        self._write(self._log, label.encode() + b"\n")
        if self._passed == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, label: str, function: Callable[..., Any], is_one: Callable[..., bool]) -> Callable[..., Any]:
        """Return the function with a place before it and one behind it, for calls that are about state."""

        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if not is_one(*arguments, **named):
                return function(*arguments, **named)
            self.reach(f"before {label}")
            result = function(*arguments, **named)
            self.reach(f"after {label}")
            return result

        return call


def watch_requests(points: Points) -> None:
    """Stop before each request is sent, when it was answered, and when the answer was read."""
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def handle(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        label = f"{request.method} {'/'.join(request.url.path.split('/')[-2:])[:60]}"
        points.reach(f"before {label}")
        response = await send(self, request)
        points.reach(f"after {label} {response.status_code}")
        return response

    httpx.AsyncHTTPTransport.handle_async_request = handle  # type: ignore[method-assign]  # watched from outside


def watch_database(points: Points) -> None:
    """Stop before and after each statement that writes, and before and after each commit."""

    class Watched(sqlite3.Connection):
        """A connection that is looked at."""

        def __exit__(self, *exc: object) -> Any:
            points.reach("before commit")
            result = super().__exit__(*exc)
            points.reach("after commit")
            return result

        def commit(self) -> None:
            points.reach("before commit")
            super().commit()
            points.reach("after commit")

        def executescript(self, sql: str) -> sqlite3.Cursor:
            points.reach("before script")
            result = super().executescript(sql)
            points.reach("after script")
            return result

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            result = super().executemany(sql, rows)
            points.reach(f"within {' '.join(sql.split()[:4])}")
            return result

    sqlite3.connect = functools.partial(sqlite3.connect, factory=Watched)  # type: ignore[assignment]


def watch_files(points: Points, folder: Path) -> None:
    """Stop before and after each write of a file in the folder; SQLite's own are below Python."""
    import fcntl

    def is_in_folder(subject: Any, *_: Any, **__: Any) -> bool:
        name = os.readlink(f"/proc/self/fd/{subject}") if isinstance(subject, int) else os.fspath(subject)
        return Path(name).is_relative_to(folder)

    for name in _FILE_WRITES:
        setattr(os, name, points.around(name, getattr(os, name), is_in_folder))
    fcntl.flock = points.around("flock", fcntl.flock, is_in_folder)


def run_child(task: dict[str, Any], log: int, output: int) -> None:
    """Be the command, to the end or to the point of death."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [n for n in os.environ if n.startswith("AZURE_")]:
        del os.environ[name]
    os.environ.update(task["environment"])
    if task["watch"]:
        points = Points(log, task["kill_at"])
        watch_requests(points)
        watch_database(points)
        watch_files(points, Path(task["state"]))
    try:
        code = main(task["arguments"])
    except SystemExit as exc:
        code = int(exc.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run_task(task: dict[str, Any]) -> dict[str, Any]:
    """Fork, run, and tell how it ended: a negative code is the signal that ended it."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                run_child(task, log.fileno(), output.fileno())
            except BaseException:
                import traceback

                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        log.seek(0)
        output.seek(0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "points": log.read().decode().splitlines(),
            "output": output.read().decode(errors="replace"),
        }


def serve() -> None:
    """Run what standard input says, one task a line; the first is run here, to have everything in memory."""
    import engine.app.session as session

    session.SystemClock = FakeClock  # type: ignore[misc, assignment]  # waits pass at once
    requests, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    for number, line in enumerate(requests):
        task = json.loads(line)
        if number == 0:
            os.environ.update(task["environment"])
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for good
            main(task["arguments"])
            gc.collect()
            gc.freeze()
            sys.stdout = sys.__stdout__
            answer: dict[str, Any] = {}
        else:
            answer = run_task(task)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
