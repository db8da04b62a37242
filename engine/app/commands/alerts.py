"""``trueup alerts``: who would hear of drift, whether it reaches them, and what did not."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.app.options import add_output_argument
from engine.app.session import DEFAULT_STATE
from engine.app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take ``check``, ``test``, ``list`` and ``retry``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|test|list|retry")
    check = actions.add_parser("check", help="say what a file means and what is wrong with it; nothing is sent")
    test = actions.add_parser("test", help="send each sink an alert that is marked as a test, and its end")
    shown = actions.add_parser("list", help="print what sinks were told, what waits, and what nobody took")
    retry = actions.add_parser("retry", help="send again what nobody took, as far as it is still so, and what waits")
    for sub in (check, test, retry):
        sub.add_argument("file", metavar="FILE", type=Path, help="file of sinks and routes, as for drift --alerts")
    test.add_argument("--sink", metavar="NAME", action="append", default=[], help="only this sink; may be repeated")
    retry.add_argument("id", metavar="ID", nargs="*", default=[], help="only these messages")
    for sub in (shown, retry):
        sub.add_argument(
            "--state",
            metavar="DIR",
            type=type(DEFAULT_STATE),
            default=DEFAULT_STATE,
            help="state folder of drift --alerts (default .trueup)",
        )
    add_output_argument(shown, ("text", "json"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked for."""
    from engine.app import alert_desk as desk

    match args.action:
        case "check":
            return desk.check(args.file)
        case "test":
            return desk.test(args.file, args.sink, ca_file=settings.ca_file)
        case "list":
            return desk.show(args.state, as_json=args.output == "json")
        case _:
            return desk.retry(args.file, args.state, args.id, ca_file=settings.ca_file)
