"""``trueup diff``: compare bodies offline."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, BinaryIO

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    from engine.app.pairs import compare_line
    from engine.reporting.values import printable_json

    # Parsed bodies are many short-lived containers without cycles: collecting them early finds nothing.
    gc.set_threshold(200_000, 50, 1_000)
    failed = False
    out = sys.stdout.buffer
    for index, line in enumerate(_lines(args.pairs)):
        if not line.strip():
            continue
        result = compare_line(index, line)
        failed = failed or result.failed
        out.write(printable_json(result.line) + b"\n")
        if index % _FLUSH_EVERY == 0:
            out.flush()
    out.flush()
    return ExitCode.ERROR if failed else ExitCode.CLEAN


def _lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    import lzma

    from engine.errors import InvalidSpecError

    try:
        with _open(name) as file:
            yield from file
    except (OSError, EOFError, lzma.LZMAError) as exc:
        raise InvalidSpecError("cannot read the pairs", detail=f"{name}: {exc}") from exc


def _open(name: str) -> BinaryIO:
    if name.endswith(".xz"):
        import lzma

        return lzma.open(name, "rb")  # type: ignore[return-value]  # an LZMAFile reads like any binary file
    return open(name, "rb")
