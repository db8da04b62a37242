"""``trueup drift``: what moved in Azure since the last apply, and who moved it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.app.exit_codes import ExitCode
from engine.app.options import REPORTS, add_input_arguments, add_report_arguments, build_selection
from engine.app.session import (
    add_snapshot_argument,
    add_state_argument,
    exit_codes_of,
    make_plan,
    open_cycle,
    print_findings,
    text_options,
)
from engine.app.settings import Settings
from engine.model.policy import Limits

if TYPE_CHECKING:  # ``--help`` must not load clients
    from engine.app.alerting import AlertRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take input, state and output options."""
    add_input_arguments(parser)
    add_state_argument(parser)
    add_snapshot_argument(parser)
    add_report_arguments(parser, REPORTS)
    parser.add_argument(
        "--alerts", metavar="FILE", type=Path, help="tell what moved to the receivers that this file names, once each"
    )
    parser.add_argument(
        "--watch", action="store_true", help="follow the DriftReports of a cluster until Ctrl-C; Azure is not read"
    )
    parser.add_argument("--verbose", action="store_true", help="show long values whole")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Compare, print, and send nothing; 2 when something moved."""
    if args.watch:
        from engine.app.following import follow

        return follow(args)
    return asyncio.run(_drift(args, settings))


async def _drift(args: argparse.Namespace, settings: Settings) -> int:
    with _alerts(args, settings) as alerts:
        return await _report(args, settings, alerts)


async def _report(args: argparse.Namespace, settings: Settings, alerts: AlertRun | None) -> int:
    from engine.app.output import print_report, render_drift_as
    from engine.reporting.drift import drift_report

    # Drift asks what differs, not what may be written: adoption and approvals play no part.
    async with open_cycle(args, settings, Limits(adopt=True)) as cycle:
        planned = await make_plan(cycle)
    print_findings(planned.problems, planned.notices)
    style = text_options(args, settings, planned, cycle)
    print_report(args, style, lambda form, how: render_drift_as(form, planned.plan, how))
    if alerts is not None:
        prepared = cycle.prepared
        labels = {r.key.identity: r.labels for r in prepared.index.resources} if prepared is not None else {}
        chosen, is_read = build_selection(args), not planned.problems
        await alerts.tell(
            planned.plan.steps,
            lambda identity: labels.get(identity, {}),
            lambda namespace: is_read and chosen.is_whole(namespace),
            cycle.scope,
        )
    codes = exit_codes_of(planned) - {ExitCode.BLOCKED}
    report = drift_report(planned.plan)
    if report.drifted or report.unattributed:
        codes.add(ExitCode.DIFFERENCES)
    return ExitCode.worst(codes)


def _alerts(args: argparse.Namespace, settings: Settings) -> AbstractContextManager[AlertRun | None]:
    """Return who tells alerts; a file that cannot be used is an error before anything is read."""
    if args.alerts is None:
        return contextlib.nullcontext()
    from engine.app.alerting import open_alerts
    from engine.runtime.clock import SystemClock

    return open_alerts(args.alerts, args.state, SystemClock(), ca_file=settings.ca_file)
