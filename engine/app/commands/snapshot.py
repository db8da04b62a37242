"""``trueup snapshot``: save what was read, so that reports can be made again without Azure."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from engine.app.exit_codes import ExitCode
from engine.app.options import add_input_arguments
from engine.app.session import (
    add_limit_arguments,
    add_state_argument,
    build_limits,
    exit_codes_of,
    has_differences,
    make_plan,
    open_cycle,
    print_findings,
)
from engine.app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take input, limits, state and the file."""
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="the snapshot; packed with zstandard where the name ends in .zst",
    )
    add_input_arguments(parser)
    add_limit_arguments(parser)
    add_state_argument(parser)
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 2 when something differs")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Read what a plan reads, save it, and send nothing; exit codes are those of the plan."""
    return asyncio.run(_snapshot(args, settings))


async def _snapshot(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.output import write_atomically
    from engine.app.snapshot_file import encode_snapshot
    from engine.reporting.phrases import plural
    from engine.runtime.recorder import Recorder
    from engine.runtime.scrub import scrub

    recorder = Recorder()
    async with open_cycle(args, settings, build_limits(args), recorder=recorder) as cycle:
        planned = await make_plan(cycle)
        recording = scrub(recorder.finish(planned))
    print_findings(planned.problems, planned.notices)
    write_atomically(args.out, encode_snapshot(recording, compress=args.out.suffix == ".zst"))
    objects, read = plural(len(recording.objects), "object"), plural(len(recording.resources), "resource")
    sys.stdout.write(f"Saved {objects} and {read} to {args.out}.\n")
    codes = exit_codes_of(planned)
    if args.detailed_exitcode and has_differences(planned.plan):
        codes.add(ExitCode.DIFFERENCES)
    return ExitCode.worst(codes)
