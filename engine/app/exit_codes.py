"""Exit codes: public, stable, the same for every verb."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the process tells its caller; when several hold, the first in ``_PRECEDENCE`` wins."""

    CLEAN = 0
    ERROR = 1
    DIFFERENCES = 2
    INCOMPLETE = 3
    BLOCKED = 4
    APPLY_FAILED = 5
    STALE_PLAN = 6

    @classmethod
    def worst(cls, codes: set[ExitCode]) -> ExitCode:
        """Return the one that outranks the others; CLEAN for none."""
        return next((c for c in _PRECEDENCE if c in codes), cls.CLEAN)


_PRECEDENCE = (
    ExitCode.ERROR,
    ExitCode.STALE_PLAN,
    ExitCode.APPLY_FAILED,
    ExitCode.BLOCKED,
    ExitCode.INCOMPLETE,
    ExitCode.DIFFERENCES,
)

MEANINGS = {
    ExitCode.CLEAN: "clean: nothing differs, or everything was done",
    ExitCode.ERROR: "error, wrong usage included",
    ExitCode.DIFFERENCES: "differences (drift always, plan with --detailed-exitcode)",
    ExitCode.INCOMPLETE: "incomplete: something could not be read, or apply left something that waits",
    ExitCode.BLOCKED: "blocked by a guard or a policy",
    ExitCode.APPLY_FAILED: "apply finished with failures",
    ExitCode.STALE_PLAN: "the saved plan is stale",
}
