"""What a pass costs this process."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass
class Meter:
    """CPU (user and system, all threads) and wall seconds of a ``with`` block."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def __enter__(self) -> Self:
        """Start."""
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop."""
        self.cpu_s = time.process_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall


def rss_mib(field: str = "VmRSS") -> float:
    """Return the resident set in MiB; ``VmHWM`` for its peak (0.0 where the system does not tell)."""
    try:
        text = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(rf"{field}:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else 0.0
