"""``trueup drift``: what moved in Azure since the last apply, and who moved it."""

from __future__ import annotations

import argparse
import asyncio

from engine.app.exit_codes import ExitCode
from engine.app.options import REPORTS, add_input_arguments, add_report_arguments
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take input, state and output options."""
    add_input_arguments(parser)
    add_state_argument(parser)
    add_snapshot_argument(parser)
    add_report_arguments(parser, REPORTS)
    parser.add_argument("--verbose", action="store_true", help="show long values whole")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Compare, print, and send nothing; 2 when something moved."""
    return asyncio.run(_drift(args, settings))


async def _drift(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.output import print_report, render_drift_as
    from engine.reporting.drift import drift_report

    # Drift asks what differs, not what may be written: adoption and approvals play no part.
    async with open_cycle(args, settings, Limits(adopt=True)) as cycle:
        planned = await make_plan(cycle)
    print_findings(planned.problems, planned.notices)
    style = text_options(args, settings, planned, cycle)
    print_report(args, lambda form: render_drift_as(form, planned.plan, style))
    codes = exit_codes_of(planned) - {ExitCode.BLOCKED}
    report = drift_report(planned.plan)
    if report.drifted or report.unattributed:
        codes.add(ExitCode.DIFFERENCES)
    return ExitCode.worst(codes)
