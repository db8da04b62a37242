"""``trueup diff``: compare bodies offline."""

from __future__ import annotations

import argparse
import sys

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings

_FLUSH_EVERY = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file of pairs and the output form."""
    parser.add_argument(
        "--pairs",
        metavar="FILE",
        required=True,
        help="JSON lines (.xz is unpacked, - is stdin), each with type, api, id, desired, actual; "
        "baseline (desired and actual of the last settled write) and owned (ids of children) if there are any",
    )
    parser.add_argument("-o", "--output", choices=("ndjson",), default="ndjson", help="one JSON object per line")
    parser.epilog = (
        "One result per line: index (0-based line), changes, suppressed and state, or index and error.\n"
        "Exit code 1 when a line could not be used, 2 never: the results say what differs."
    )


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Compare line by line; a line that cannot be used is reported and the rest go on."""
    import gc

    from engine.app.pairs import compare_line, read_lines
    from engine.reporting.values import printable_json

    # Parsed bodies are many short-lived containers without cycles: collecting them early finds nothing.
    gc.set_threshold(200_000, 50, 1_000)
    failed = False
    out = sys.stdout.buffer
    for index, line in enumerate(read_lines(args.pairs)):
        if not line.strip():
            continue
        result = compare_line(index, line)
        failed = failed or result.failed
        out.write(printable_json(result.line) + b"\n")
        if index % _FLUSH_EVERY == 0:
            out.flush()
    out.flush()
    return ExitCode.ERROR if failed else ExitCode.CLEAN
