"""``trueup diff``: two manifests, two snapshots, manifests and Azure; or many pairs of bodies, offline."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from engine.app.exit_codes import ExitCode
from engine.app.options import COMPARISONS, add_input_arguments, add_report_arguments
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

_FLUSH_EVERY = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what is compared and the output form."""
    parser.add_argument("first", nargs="?", metavar="A", help="manifests (a file or a folder), or a saved snapshot")
    parser.add_argument("second", nargs="?", metavar="B", help="the same kind of thing; without both: -f with Azure")
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        help="JSON lines (.xz is unpacked, - is stdin), each with type, api, id, desired, actual; "
        "baseline (desired and actual of the last settled write) and owned (ids of children) if there are any",
    )
    add_input_arguments(parser)
    add_report_arguments(parser, COMPARISONS)
    parser.add_argument(
        "--verbose", action="store_true", help="show resources that are the same, and long values whole"
    )
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 2 when something differs")
    parser.set_defaults(ignore=[], state=Path(), output=None)
    parser.epilog = (
        "--pairs prints ndjson, one result per line: index (0-based line), changes, suppressed and state, or index\n"
        "and error; its exit code is 1 when a line could not be used, 2 never: the results say what differs."
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Compare, print, and send nothing."""
    if args.pairs is None:
        return asyncio.run(_compare(args, settings))
    if args.first or args.filename or args.report or args.output not in (None, "ndjson"):
        raise InvalidSpecError("--pairs is the whole input, and prints ndjson")
    return _compare_pairs(args.pairs)


async def _compare(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.comparisons import compare_places
    from engine.app.output import print_report, render_comparison_as
    from engine.app.session import print_findings, text_options

    outcome = await compare_places(args, settings)
    print_findings(outcome.problems, outcome.notices)
    args.output = args.output or COMPARISONS[0]
    style = text_options(args, settings)
    print_report(args, style, lambda form, how: render_comparison_as(form, outcome.comparison, how))
    codes = set(outcome.codes)
    if args.detailed_exitcode and outcome.comparison.has_differences:
        codes.add(ExitCode.DIFFERENCES)
    return ExitCode.worst(codes)


def _compare_pairs(name: str) -> int:
    """Compare line by line; a line that cannot be used is reported and the rest go on."""
    import gc

    from engine.app.pairs import compare_line, read_lines
    from engine.reporting.values import printable_json

    # Parsed bodies are many short-lived containers without cycles: collecting them early finds nothing.
    gc.set_threshold(200_000, 50, 1_000)
    failed = False
    out = sys.stdout.buffer
    for index, line in enumerate(read_lines(name)):
        if not line.strip():
            continue
        result = compare_line(index, line)
        failed = failed or result.failed
        out.write(printable_json(result.line) + b"\n")
        if index % _FLUSH_EVERY == 0:
            out.flush()
    out.flush()
    return ExitCode.ERROR if failed else ExitCode.CLEAN
