"""What another process costs: CPU seconds and memory, as the system counts them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return user and system seconds of a process so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(frozen=True)
class Memory:
    """Resident MiB: now, of it not shared with files, and at most."""

    rss_mib: float
    anonymous_mib: float
    peak_mib: float


def memory(pid: int) -> Memory:
    """Return the memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")

    def field(name: str) -> float:
        found = re.search(rf"{name}:\s+(\d+)", text)
        return round(int(found[1]) / 1024, 1) if found else 0.0

    return Memory(field("VmRSS"), field("RssAnon"), field("VmHWM"))
