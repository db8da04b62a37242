"""``trueup comment``: put a report on the pull request of this CI job."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from engine.app.ci_systems import SIGNS
from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

_MARK = re.compile(r"[A-Za-z0-9._/-]{1,100}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the report, and what tells it from others."""
    parser.add_argument("report", metavar="FILE", help="markdown, as -o markdown prints it; - for standard input")
    parser.add_argument(
        "--mark",
        metavar="NAME",
        default="plan",
        help="tells comments apart: the one with the same name is written over (default plan)",
    )
    parser.add_argument(
        "--on", choices=tuple(SIGNS), help="which system it is; unless given, what the job's variables say"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Write the comment, and print where it is."""
    from engine.app.pull_requests import detect_system, open_pull_request
    from providers.reviews.comments import put_comment

    if not _MARK.fullmatch(args.mark) or "--" in args.mark:
        raise InvalidSpecError(f"--mark {args.mark!r} cannot be used", hint="letters, digits, '.', '_', '/', '-'")
    text = _read(args.report)
    pull, connection = open_pull_request(args.on or detect_system(os.environ), os.environ, settings)
    try:
        comment = put_comment(pull, args.mark, text)
    finally:
        connection.close()
    sys.stdout.write(f"{comment.url or comment.path}\n")
    return ExitCode.CLEAN


def _read(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"{name} cannot be read", detail=str(exc.strerror)) from exc
    text = raw.decode("utf-8", "replace").strip()
    if not text:
        raise InvalidSpecError(f"{name} is empty", hint="trueup plan -o markdown > FILE")
    return text + "\n"
