"""What Azure Service Operator asks for with as many objects, and what of that the pod may ask for.

Requests grow with the number of objects and are compared at any; CPU seconds are those of a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ASO: dict[str, dict[str, float]] = {
    "create": {"arm_writes": 1050, "arm_reads": 1717, "api_writes": 7270, "pod_cpu_s": 20, "apiserver_cpu_s": 61},
    "steady": {"arm_writes": 1050, "arm_reads": 1384, "api_writes": 4200, "pod_cpu_s": 11.5, "apiserver_cpu_s": 37},
    "restart": {"arm_writes": 1050, "arm_reads": 1384, "api_writes": 3715, "pod_cpu_s": 8.8},
}
"""With 1,000 such objects and 50 groups on a machine like ours; events count as writes, a sync is its steady pass."""
ASO_OBJECTS = 1050
CREATE_WRITES = 0.5
NOTHING_CHANGED = 0.01
_REQUESTS = ("arm_writes", "arm_reads", "api_writes")


def shares(results: Mapping[str, Any], count: int) -> dict[str, dict[str, float]]:
    """Return what was measured with so many objects as shares of ASO's; phases that were left out are left out."""
    found: dict[str, dict[str, float]] = {}
    for name, theirs in ASO.items():
        if name not in results:
            continue
        ours, scale = results[name], count / ASO_OBJECTS
        found[name] = {
            "requests": round(sum(ours[r] for r in _REQUESTS) / (sum(theirs[r] for r in _REQUESTS) * scale), 4),
            "api_writes": round(ours["api_writes"] / (theirs["api_writes"] * scale), 4),
            "pod_cpu": round(ours["pod_cpu_s"] / (theirs["pod_cpu_s"] * scale), 4),
        }
        if "apiserver_cpu_s" in theirs:
            found[name]["apiserver_cpu"] = round(ours["apiserver_cpu_s"] / (theirs["apiserver_cpu_s"] * scale), 4)
    return found


def broken_bars(results: Mapping[str, Any], count: int) -> list[str]:
    """Return what does not hold of the counts, in words; times are noise on shared machines.

    1. A create writes at most half as often to the API server as ASO, events counted.
    2. A full pass and a restart that find nothing changed ask for at most one hundredth of what ASO's ask for.
    3. None of those two writes to Azure.
    """
    broken = []
    for name, share in shares(results, count).items():
        if name == "create":
            if share["api_writes"] > CREATE_WRITES:
                broken.append(f"create: {share['api_writes']:.1%} of ASO's API server writes, at most half is allowed")
            continue
        if share["requests"] > NOTHING_CHANGED:
            broken.append(f"{name}: {share['requests']:.2%} of ASO's requests, at most 1 % is allowed")
        if results[name]["arm_writes"]:
            broken.append(f"{name}: {results[name]['arm_writes']:g} writes to Azure, though nothing had changed")
    return broken
