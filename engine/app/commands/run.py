"""``trueup run``: the pod."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from datetime import timedelta

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings
from engine.errors import InvalidSpecError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take which cluster, and how often to look."""
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig; in a pod its service account")
    parser.add_argument("--kubeconfig", metavar="FILE", default="", help="kubeconfig file, if not the default one")
    parser.add_argument(
        "--observe-period", metavar="SECONDS", type=float, default=300.0, help="look at everything this often"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Work until SIGTERM or SIGINT."""
    if args.observe_period <= 0:
        raise InvalidSpecError("--observe-period must be more than 0 seconds")
    return asyncio.run(_run(args, settings))


async def _run(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.controller import open_controller
    from engine.runtime.controller.loop import Periods

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    periods = Periods(observe=timedelta(seconds=args.observe_period))
    namespace = os.environ.get("POD_NAMESPACE", "") or "azureserviceoperator-system"
    async with open_controller(args, settings, periods, operator_namespace=namespace) as controller:
        sys.stderr.write(f"trueup: watching {len(controller.kinds)} kinds\n")
        await controller.loop.run(stop)
    return ExitCode.CLEAN
