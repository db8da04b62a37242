"""``trueup plan``: what apply would do."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from engine.app.exit_codes import ExitCode
from engine.app.options import REPORTS, add_input_arguments, add_report_arguments
from engine.app.session import (
    add_limit_arguments,
    add_snapshot_argument,
    add_state_argument,
    build_limits,
    exit_codes_of,
    has_differences,
    make_plan,
    open_cycle,
    print_findings,
    text_options,
)
from engine.app.settings import Settings
from engine.errors import InvalidSpecError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take input, limits, state and output options."""
    add_input_arguments(parser)
    add_limit_arguments(parser)
    add_state_argument(parser)
    add_snapshot_argument(parser)
    add_report_arguments(parser, REPORTS)
    parser.add_argument("--brief", action="store_true", help="one line per resource, no values")
    parser.add_argument("--verbose", action="store_true", help="show resources that are in sync, and long values whole")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 2 when something differs")
    parser.add_argument("--out", metavar="FILE", type=Path, help="save the plan; 'trueup apply FILE' does exactly that")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Plan, print, and send nothing."""
    if args.snapshot is not None and args.out is not None:
        raise InvalidSpecError("a plan of a snapshot cannot be applied, so it cannot be saved", hint="leave out --out")
    return asyncio.run(_plan(args, settings))


async def _plan(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.output import print_report, render_plan_as, write_atomically
    from engine.app.saved import save_plan

    async with open_cycle(args, settings, build_limits(args)) as cycle:
        planned = await make_plan(cycle)
        print_findings(planned.problems, planned.notices)
        style = text_options(args, settings, planned, cycle)
        print_report(args, style, lambda form, how: render_plan_as(form, planned.plan, how))
        if args.out is not None:
            write_atomically(args.out, save_plan(planned.plan, args))
    codes = exit_codes_of(planned)
    if args.detailed_exitcode and has_differences(planned.plan):
        codes.add(ExitCode.DIFFERENCES)
    return ExitCode.worst(codes)
