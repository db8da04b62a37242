"""``trueup apply``: make Azure as the manifests say."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.app.console import complain
from engine.app.exit_codes import ExitCode
from engine.app.interrupt import interruptible, see_through
from engine.app.options import REPORTS, add_input_arguments, add_report_arguments
from engine.app.session import (
    add_limit_arguments,
    add_state_argument,
    build_limits,
    exit_codes_of,
    make_plan,
    open_cycle,
    print_findings,
    text_options,
)
from engine.app.settings import Settings
from engine.errors import InvalidSpecError
from engine.model.plan import Action, Plan
from engine.planning.saved import StaleStep
from engine.reporting.phrases import plural
from engine.runtime.cycle import Cycle
from engine.runtime.world import PassResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take input, limits, state and output options, and a saved plan."""
    parser.add_argument("plan", nargs="?", type=Path, help="a plan saved by 'trueup plan --out'")
    add_input_arguments(parser)
    add_limit_arguments(parser)
    add_state_argument(parser)
    add_report_arguments(parser, REPORTS)
    parser.add_argument("--brief", action="store_true", help="one line per resource, no values")
    parser.add_argument("--verbose", action="store_true", help="show resources that are in sync, and long values whole")
    parser.add_argument(
        "--partial", action="store_true", help="of a saved plan in which something moved since: apply the rest"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can answer")
    parser.add_argument(
        "--allow-incomplete", action="store_true", help="apply the rest when some resources could not be read"
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=900.0,
        help="how long one resource may keep failing (default 900)",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Plan, ask, apply, report."""
    if args.partial and args.plan is None:
        raise InvalidSpecError("--partial is about a saved plan", hint="leave it out, or name the plan: apply FILE")
    return asyncio.run(_apply(args, settings))


async def _apply(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.saved import load_plan, restrict_to_saved

    saved = load_plan(args.plan, args) if args.plan is not None else None
    async with open_cycle(args, settings, build_limits(args), writes=True) as cycle:
        resumed = await cycle.resume()
        if resumed.followed:
            followed = plural(len(resumed.followed), "operation")
            sys.stderr.write(f"trueup: followed {followed} of an earlier run to the end\n")
        for resource in resumed.interrupted:
            sys.stderr.write(
                f"trueup: an earlier run never learned what became of its write of {resource}: it was stopped, or "
                "Azure gave no proper answer; nothing goes on there now, the plan shows what is left to do\n"
            )
        for resource, why in resumed.unfinished.items():
            sys.stderr.write(f"trueup: warning: {resource}: {why}\n")
        planned = await make_plan(cycle, keep_in_sync=True)
        print_findings(planned.problems, planned.notices)
        stale: tuple[StaleStep, ...] = ()
        if saved is not None:
            planned, stale = restrict_to_saved(planned, saved)
            for step in stale:
                complain(f"{step.key}: the saved plan is stale: {step.moved}; plan again")
        if stale and not args.partial:
            complain(f"{_share(stale, saved)}, nothing was sent (--partial applies the rest)")
            return ExitCode.STALE_PLAN
        code = await _carry_out(cycle, planned, args, settings)
        return ExitCode.worst({ExitCode(code), ExitCode.STALE_PLAN}) if stale else code


def _share(stale: tuple[StaleStep, ...], saved: Plan | None) -> str:
    writes = sum(1 for s in saved.steps if s.action.mutates) if saved is not None else 0
    return f"{len(stale):,} of {plural(writes, 'step')} of the saved plan {'is' if len(stale) == 1 else 'are'} stale"


async def _carry_out(cycle: Cycle, planned: PassResult, args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.output import ProgressPrinter, print_report, render_plan_as, render_result_as
    from engine.app.progress import watch
    from engine.planning.partial import without_unknown, without_unreadable
    from engine.runtime.clock import SystemClock
    from engine.runtime.executor import ExecutorOptions

    planned = replace(planned, plan=without_unknown(planned.plan))
    codes = exit_codes_of(planned)
    style = text_options(args, settings, planned)
    if args.output == "text":
        sys.stdout.write(render_plan_as("text", planned.plan, style) + "\n")
    plan = without_unreadable(planned.plan) if args.allow_incomplete else planned.plan
    if not plan.complete:
        complain("the plan is incomplete, nothing was sent (--allow-incomplete applies the rest)")
        return ExitCode.worst(codes)
    if plan.appliable and not args.yes and not _confirm(plan):
        return ExitCode.worst(codes | {ExitCode.ERROR})
    printer = ProgressPrinter(args.output, style)
    options = ExecutorOptions(patience=timedelta(seconds=args.timeout))
    work = cycle.apply(replace(planned, plan=plan), report=printer.report, options=options)
    result = await see_through(watch(work, printer.waiting, SystemClock()), options.stop, printer.waiting)
    if result is None:
        complain(_left_text(printer.under_way))
        return ExitCode.ERROR
    print_report(args, style, lambda form, how: render_result_as(form, result, how))
    if result.failed:
        codes.add(ExitCode.APPLY_FAILED)
    if result.stopped or any(step.action is Action.WAIT for step in plan.steps):
        codes.add(ExitCode.INCOMPLETE)
    return ExitCode.worst(codes)


def _left_text(names: list[str]) -> str:
    """Say what was under way and what to do about it."""
    left = f"left {plural(len(names), 'step')} under way: {', '.join(names)}" if names else "nothing was under way"
    again = "the same apply again follows that to its end, reads before it writes, and does the rest"
    return f"interrupted, {left} (what runs in Azure runs on: {again})"


def _confirm(plan: Plan) -> bool:
    """Ask on a terminal.

    Raises:
        InvalidSpecError: Nobody can answer.
    """
    if not sys.stdin.isatty():
        raise InvalidSpecError("nobody can confirm the plan here, nothing was sent", hint="add --yes")
    writes = plan.budget.writes + plan.budget.deletes
    with interruptible():
        sys.stderr.write(f"Send {plural(writes, 'request')} to Azure? Only 'yes' is taken: ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip()
    if answer == "yes":
        return True
    sys.stderr.write("trueup: nothing was sent\n")
    return False
