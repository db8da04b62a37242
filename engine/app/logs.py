"""The pod's log: one JSON object a line on standard error."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from typing import TextIO

import orjson

from engine.runtime.spans import trace_id


def take_over_logging(log: Log) -> None:
    """Let what libraries and Python itself warn of become lines of the log."""
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_Handler(log)], level=logging.WARNING, force=True)
    sys.excepthook = lambda kind, exc, trace: logging.getLogger("trueup").error(
        "a defect of trueup, please report it", exc_info=(kind, exc, trace)
    )


class Log:
    """Writes lines; each has ``level``, ``time`` and ``text``, and what it is about."""

    def __init__(self, stream: TextIO) -> None:
        """Write nothing yet."""
        self._stream = stream
        self._lock = threading.Lock()

    def info(self, text: str, **about: str | float) -> None:
        """Say what happened."""
        self._write("info", text, about)

    def warn(self, text: str, **about: str | float) -> None:
        """Say what is odd but stops nothing."""
        self._write("warning", text, about)

    def error(self, text: str, **about: str | float) -> None:
        """Say what went wrong."""
        self._write("error", text, about)

    def _write(self, level: str, text: str, about: dict[str, str | int | float]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        traced = {"trace_id": found} if (found := trace_id()) else {}
        line = orjson.dumps(
            {"level": level, "time": now, "text": text, **about, **traced}, option=orjson.OPT_APPEND_NEWLINE
        )
        with self._lock:
            self._stream.write(line.decode())
            self._stream.flush()


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        say = self._log.error if record.levelno >= logging.ERROR else self._log.warn
        say(self.format(record), source=record.name)
