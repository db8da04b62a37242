"""How many requests a plan spends, and how long ARM's own limits make that last."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.plan import Budget, Step
from engine.model.policy import Limits


def compute_budget(steps: Iterable[Step], limits: Limits) -> Budget:
    """Count the requests of steps that write.

    The floor is the time ARM's token buckets need to refill once their burst is spent (writes and deletes
    have a bucket each); operations usually take longer.

    Source: "Understand how Azure Resource Manager throttles requests", token bucket limits.
    """
    methods = [r.method for s in steps if s.action.mutates for r in s.requests]
    deletes = methods.count("DELETE")
    writes = len(methods) - deletes
    floor = max(
        max(0, writes - limits.write_burst) / limits.writes_per_s,
        max(0, deletes - limits.write_burst) / limits.deletes_per_s,
    )
    return Budget(writes=writes, deletes=deletes, floor_s=round(floor, 1))
