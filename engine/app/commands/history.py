"""``trueup history``: what was written to Azure from here, by whom, and what became of it."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import datetime, timedelta

from engine.app.console import warn
from engine.app.exit_codes import ExitCode
from engine.app.options import add_output_argument
from engine.app.session import DEFAULT_STATE, text_options
from engine.app.settings import Settings
from engine.errors import InvalidSpecError
from engine.model.ids import ArmId, ResourceKey
from engine.reporting.phrases import plural

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the object, how far back to look, the state folder and the format."""
    parser.add_argument(
        "object", nargs="?", default="", help="NAME, KIND/NAME, NAMESPACE/KIND/NAME or an ARM id; * is any text"
    )
    parser.add_argument("--since", metavar="WHEN", default="", help="only writes from then on: 2h, 7d, or a time")
    parser.add_argument("--limit", metavar="N", type=int, default=50, help="the newest N (default 50), 0 for all")
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=type(DEFAULT_STATE),
        default=DEFAULT_STATE,
        help="state folder of the applies (default .trueup)",
    )
    add_output_argument(parser, ("text", "json", "ndjson"))
    parser.add_argument("--verbose", action="store_true", help="show all that was sent for creates, and values whole")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Read the audit log and print it."""
    from engine.reporting.events import history_events
    from engine.reporting.history import collect_history, encode_history
    from engine.reporting.text_history import render_history
    from engine.runtime.clock import SystemClock
    from engine.runtime.selection import matches
    from providers.state.audit import read_audit

    if args.limit < 0:
        raise InvalidSpecError(f"--limit {args.limit} is no number of writes", hint="0 shows all")

    def chosen(key: ResourceKey, resource: ArmId | None) -> bool:
        return not args.object or matches(args.object, key, resource)

    since = parse_since(args.since, SystemClock().now()) if args.since else None
    history = collect_history(read_audit(args.state), chosen=chosen, since=since, limit=args.limit)
    if args.object and not history.writes:
        warn(f"no write of {args.object!r} is recorded in {args.state}")
    elif not args.state.is_dir():
        warn(f"there is no state folder {args.state} here (--state names another)")
    if history.damaged:
        damaged = plural(history.damaged, "line")
        warn(f"{damaged} of the audit log in {args.state} cannot be read; a kill cuts one short")
    if args.output == "json":
        sys.stdout.write(encode_history(history).decode())
    elif args.output == "ndjson":
        sys.stdout.writelines(line.decode() for line in history_events(history))
    else:
        sys.stdout.write(render_history(history, text_options(args, settings)))
    return ExitCode.CLEAN


def parse_since(text: str, now: datetime) -> datetime:
    """Return the moment of ``90s``, ``30m``, ``2h``, ``7d`` ago, or of a time in RFC 3339; without zone it is local.

    Raises:
        InvalidSpecError: It is neither.
    """
    ago = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except (ValueError, OverflowError) as exc:
        raise InvalidSpecError(
            f"--since {text!r} is no time", hint="use 90s, 30m, 2h, 7d, or 2026-11-23T16:00:00Z"
        ) from exc
