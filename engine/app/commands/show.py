"""``trueup show``: a saved plan for people and programs, from the file alone."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from engine.app.exit_codes import ExitCode
from engine.app.options import REPORTS, add_report_arguments
from engine.app.settings import Settings
from engine.model.plan import Plan
from engine.reporting.phrases import plural
from engine.reporting.values import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file and output options."""
    parser.add_argument("plan", type=Path, metavar="FILE", help="a plan saved by 'trueup plan --out'")
    add_report_arguments(parser, REPORTS)
    parser.add_argument("--brief", action="store_true", help="one line per resource, no values")
    parser.add_argument("--verbose", action="store_true", help="show resources that are in sync, and long values whole")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print what the file holds; nothing is read beside it."""
    from engine.app.output import print_report, render_plan_as
    from engine.app.saved import read_plan
    from engine.app.session import text_options

    plan, made = read_plan(args.plan)
    style = text_options(args, settings)
    print_report(args, style, lambda form, how: render_plan_as(form, plan, how))
    if args.output == "text":
        sys.stdout.write("".join(f"{line}\n" for line in (*_secret_lines(plan), _origin_line(plan, made))))
    return ExitCode.CLEAN


def _secret_lines(plan: Plan) -> list[str]:
    """Say which secrets apply will need, each source once."""
    sources = {s.source or f"a secret of {step.key}" for step in plan.steps for s in step.precondition.secrets}
    if not sources:
        return []
    head = f"Sends {plural(len(sources), 'secret')} that the file does not hold:"
    return [head, *(f"  {printable(source)}" for source in sorted(sources))]


def _origin_line(plan: Plan, made: dict[str, Any] | None) -> str:
    """Say what the plan was made from, and that ``apply`` takes it."""
    if made is None:
        return "Printed by 'plan -o json', not saved by 'plan --out': it can be read, not applied."
    files = made.get("filename")
    names = [shlex.quote(str(f)) for f in files] if isinstance(files, list) else []
    source = f" from {', '.join(names)}" if names else " from a cluster"
    return printable(f"Plan {plan.id}, made{source}.")
