"""What a pod that only reports prints: the plan of each pass, and who else manages the objects."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from engine.app.output import render_plan_as
from engine.cluster.detect import ASO_LEASE, Lease, describe_operators, operator_namespaces
from engine.errors import PolicyDeniedError
from engine.reporting.drift import drift_line, drift_report
from engine.reporting.events import diagnostic_line, drift_lines
from engine.reporting.style import TextOptions
from engine.runtime.controller.lookout import Looked
from engine.runtime.controller.neighbour import ReadLease
from engine.runtime.controller.objects import Objects

if TYPE_CHECKING:
    from engine.ports import Clock


class PassPrinter:
    """Prints each pass; a plan that is the one printed before is only counted."""

    def __init__(
        self,
        objects: Objects,
        clock: Clock,
        read_lease: ReadLease,
        *,
        as_json: bool = False,
        is_quiet: bool = False,
        out: TextIO = sys.stdout,
    ) -> None:
        """Take what there is, the time, how Leases are read, and where the report goes."""
        self._is_quiet = is_quiet
        self._objects = objects
        self._clock = clock
        self._read_lease = read_lease
        self._as_json = as_json
        self._out = out
        self._printed = ""

    async def report(self, looked: Looked) -> None:
        """Print one pass."""
        if self._is_quiet:
            return
        operators = await self._operators() if looked.is_whole else ()
        plan = looked.planned.plan
        said = (*operators, *(f"{key}: {why}" for key, why in looked.unspoken.items()))
        text = render_plan_as("ndjson" if self._as_json else "text", plan, TextOptions(width=120))
        if text != self._printed:
            self._out.write(text)
            self._printed = text
        if self._as_json:
            self._out.writelines(diagnostic_line("warning", line).decode() for line in said)
            self._out.write([*drift_lines(plan)][-1].decode())
        else:
            self._out.writelines(f"{line}\n" for line in (*said, drift_line(drift_report(plan))))
        self._out.flush()

    async def _operators(self) -> Sequence[str]:
        objects = list(self._objects.all())
        leases: dict[str, Lease | None] = {}
        refused = []
        for namespace in operator_namespaces(objects):
            try:
                leases[namespace] = await self._read_lease(namespace, ASO_LEASE)
            except PolicyDeniedError as exc:
                refused.append(str(exc))
        return (*describe_operators(objects, leases, self._clock.now()), *refused)
