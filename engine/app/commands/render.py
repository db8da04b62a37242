"""``trueup render``: the ARM requests that manifests turn into, offline."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from engine.app.console import complain, warn
from engine.app.exit_codes import ExitCode
from engine.app.options import add_input_arguments, add_output_argument, build_selection, open_source
from engine.app.settings import Settings

if TYPE_CHECKING:  # only for annotations: heavy
    from engine.desired.build import BuildResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the input, the format and whether secrets may be seen."""
    add_input_arguments(parser)
    add_output_argument(parser, ("text", "yaml", "http", "ndjson"))
    parser.add_argument("--show-secrets", action="store_true", help="print values of Secrets instead of ***")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print what can be rendered; complain about the rest on standard error."""
    from engine.app.rendered import FORMATS, Rendering
    from engine.runtime.desired import gather_desired

    selection = build_selection(args)
    subscription = args.subscription or settings.subscription
    result = asyncio.run(gather_desired(open_source(args), subscription=subscription, strict=args.strict))
    rendering = Rendering(endpoint=settings.endpoint, show_secrets=args.show_secrets)
    write = FORMATS[args.output]
    for state in result.states:
        if selection.covers(result.resources[state.key], state.id):
            sys.stdout.write(write(rendering, state))
    return _complain(result)


def _complain(result: BuildResult) -> ExitCode:
    from engine.app.exports import find_export_problems

    for notice in result.notices:
        warn(notice)
    problems = (*result.problems, *find_export_problems(result))
    for problem in problems:
        complain(problem)
    return ExitCode.ERROR if problems else ExitCode.CLEAN
