"""The DriftReports of the pod: their definition, and the task that keeps them up to date."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from engine.app.logs import Log
from engine.cluster.operating import Operating
from engine.errors import EngineError
from engine.runtime.controller.drift_reporter import DriftReporter, ReportListener
from engine.runtime.controller.parts import Parts

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

_LAST_REPORT_S: Final = 1.0


async def bring_report_definition(client: KubeClient, log: Log) -> None:
    """Install the definition of DriftReport where that is allowed; a pod that only reports goes on without it."""
    from engine.app.definitions import bring_own

    try:
        await asyncio.to_thread(bring_own, client)
    except EngineError as exc:
        log.warn(f"the definition of DriftReport cannot be installed: {exc}")


@contextlib.asynccontextmanager
async def reporting_drift(
    client: KubeClient, parts: Parts, operating: Operating, log: Log, *, listener: ReportListener | None
) -> AsyncIterator[None]:
    """Keep the reports up to date meanwhile; what the last pass saw is still written."""
    from providers.kube.drift_reports import KubeDriftReports

    targets = frozenset(operating.namespaces)

    def is_ours(namespace: str) -> bool:
        return parts.contract.permits.holds(namespace) and (not targets or namespace in targets)

    reporter = DriftReporter(
        parts.drift,
        KubeDriftReports(client, namespaces=operating.namespaces),
        is_ours,
        parts.clock,
        teller=parts.contract if operating.mode.writes else None,
        listener=listener,
        complain=log.warn,
    )
    task = asyncio.create_task(reporter.run())
    try:
        yield
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_REPORT_S):
                await reporter.idle()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
