"""``trueup emulator``: Azure Resource Manager on this machine until it is told to stop."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

if TYPE_CHECKING:
    from providers.emulator.connection import EmulatorConnection
    from providers.emulator.options import EmulatorOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen, where to keep state, and how to behave."""
    add = parser.add_argument
    add(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where to listen (default 127.0.0.1:0; port 0 is that of the last run on this folder if free, else any)",
    )
    add("--state", type=Path, required=True, metavar="DIR", help="folder for everything it must remember")
    add("--plain-http", action="store_true", help="ARM without TLS, for benchmarks; the authority keeps HTTPS")
    add("--env", action="store_true", help="print shell exports instead of the JSON line")
    add("--subscription", default="", metavar="ID", help="subscription id at the first start (default: a new one)")
    add("--latency-ms", type=int, default=0, metavar="N", help="added to every ARM answer")
    add("--page-size", type=int, default=0, metavar="N", help="items per list page (default: 1,000)")
    add(
        "--limits-scale",
        type=float,
        default=0.0,
        metavar="X",
        help="factor on ARM's request limits (default: 0, no 429s)",
    )
    add("--polls", type=int, default=1, metavar="N", help="how often an operation says it is running (default: 1)")
    add(
        "--retry-after",
        type=_retry_after,
        default=1,
        metavar="SECONDS|none|azure",
        help="Retry-After while an operation runs: a number, none, or what Azure sends (default: 1)",
    )
    add("--busy", action="store_true", help="refuse a second operation on the same network resource, as Azure does")
    add("--keep-bodies", action="store_true", help="keep bodies of writes, secrets too, in /_emulator/requests")
    add(
        "--token-lifetime",
        type=int,
        default=3599,
        metavar="SECONDS",
        help="how long tokens are good for (default: 3,599)",
    )


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM."""
    import asyncio

    return asyncio.run(_serve(_options(args), as_exports=args.env))


async def _serve(options: EmulatorOptions, *, as_exports: bool) -> int:
    import asyncio
    import signal

    from engine.runtime.clock import SystemClock
    from providers.emulator.server import running_emulator

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running_emulator(options, SystemClock()) as connection:
        sys.stdout.write(_ready_text(connection, as_exports=as_exports))
        sys.stdout.flush()
        await stopped.wait()
    return ExitCode.CLEAN


def _ready_text(connection: EmulatorConnection, *, as_exports: bool) -> str:
    if not as_exports:
        return connection.as_json().decode() + "\n"
    import shlex

    return "".join(f"export {k}={shlex.quote(v)}\n" for k, v in connection.environment().items())


def _options(args: argparse.Namespace) -> EmulatorOptions:
    from providers.emulator.options import EmulatorOptions

    host, _, port = args.listen.rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidSpecError("--listen takes HOST:PORT", detail=args.listen, hint="for example 127.0.0.1:0")
    return EmulatorOptions(
        state=args.state,
        host=host.strip("[]"),
        port=int(port),
        plain_http=args.plain_http,
        subscription=args.subscription,
        latency_ms=args.latency_ms,
        page_size=args.page_size,
        limits_scale=args.limits_scale,
        polls=args.polls,
        retry_after_s=args.retry_after,
        token_lifetime_s=args.token_lifetime,
        busy=args.busy,
        keep_bodies=args.keep_bodies,
    )


def _retry_after(text: str) -> int | None:
    words = {"none": None, "azure": -1}
    return words[text] if text in words else int(text)
