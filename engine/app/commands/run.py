"""``trueup run``: the pod."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.app.exit_codes import ExitCode
from engine.app.logs import Log, take_over_logging
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

if TYPE_CHECKING:
    from engine.cluster.operating import Operating

_TRUE: Final = frozenset({"1", "t", "true"})
_FALSE: Final = frozenset({"0", "f", "false"})
_WITHOUT_EFFECT: Final = {
    "--webhook-port": "there are no webhooks",
    "--webhook-cert-dir": "there are no webhooks",
    "--profiling-metrics": "there is no profiler of Go programs",
}
"""Flags of ASO that mean nothing here, and why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take which cluster, how often to look, and ASO's flags."""
    parser.add_argument("--context", metavar="NAME", help="a context of the kubeconfig; in a pod its service account")
    parser.add_argument("--kubeconfig", metavar="FILE", default="", help="kubeconfig file, if not the default one")
    parser.add_argument(
        "--observe-period",
        metavar="SECONDS",
        type=float,
        default=300.0,
        help="look at everything this often (default 300)",
    )
    parser.add_argument(
        "--export-period",
        metavar="SECONDS",
        type=float,
        default=900.0,
        help="ask Azure for exported keys again, and check what was exported, this often",
    )
    parser.add_argument(
        "--take-over-from",
        metavar="NAMESPACE",
        action="append",
        default=[],
        help="objects claimed by the operator of this namespace become ours; may be repeated",
    )
    parser.add_argument(
        "--shards",
        metavar="N",
        type=int,
        default=4,
        help="into how many parts namespaces are divided among replicas; the same for all of them (default 4)",
    )
    parser.add_argument(
        "--metrics-per-object",
        action="store_true",
        help="tell in /metrics of each object by name whether it is drifted: one series each",
    )
    parser.add_argument(
        "--alerts",
        metavar="FILE",
        type=Path,
        help="tell what moved to the receivers that this file names; it is read again when it changes",
    )
    page = parser.add_argument_group("a page for people")
    page.add_argument("--page-addr", metavar="ADDRESS", default="0", help="answer it there; 0 for nowhere (default)")
    page.add_argument(
        "--page-token-file", metavar="FILE", default="", help="who has its token is answered; needed with --page-addr"
    )
    page.add_argument(
        "--page-cert-dir", metavar="FOLDER", default="", help="tls.crt and tls.key; without it there is no TLS"
    )
    _add_flags_of_aso(parser)


def _add_flags_of_aso(parser: argparse.ArgumentParser) -> None:
    aso = parser.add_argument_group("flags as ASO has them")
    aso.add_argument(
        "--crd-management", choices=("auto", "none"), default="auto", help="install and upgrade definitions at start"
    )
    aso.add_argument("--crd-pattern", metavar="P;P", default="", help="kinds to install, GROUP/KIND with * and ?")
    aso.add_argument("--crd-labels", metavar="K=V,K=V", default="", help="labels for all definitions")
    _add_switch(aso, "--enable-leader-election", "share the work with other replicas, by Leases")
    aso.add_argument("--health-addr", metavar="ADDRESS", default="", help="answer probes there, as :8081")
    aso.add_argument("--metrics-addr", metavar="ADDRESS", default="0", help="answer /metrics there; 0 for nowhere")
    _add_switch(aso, "--secure-metrics", "by HTTPS, to whom the cluster lets get /metrics (default true)", default=True)
    aso.add_argument(
        "--metrics-cert-dir", metavar="FOLDER", default="", help="tls.crt and tls.key; without it one is made"
    )
    _add_switch(aso, "--json-logging", "print reports as JSON lines")
    aso.add_argument("--v", "--verbose", metavar="N", dest="verbosity", type=int, default=2, help="0 prints no reports")
    for name, why in _WITHOUT_EFFECT.items():
        aso.add_argument(name, nargs="?", const="true", help=f"accepted without effect: {why}")


def _add_switch(group: argparse._ArgumentGroup, name: str, text: str, *, default: bool = False) -> None:
    """Take a switch as Go does: ``--name`` and ``--name=false``."""
    group.add_argument(name, nargs="?", const=True, default=default, type=_parse_switch, metavar="BOOL", help=text)


def _parse_switch(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in _TRUE


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Work until SIGTERM or SIGINT."""
    from engine.cluster.operating import Operating

    log = Log(sys.stderr)
    take_over_logging(log)
    if args.observe_period <= 0:
        raise InvalidSpecError("--observe-period must be more than 0 seconds")
    if args.shards < 1:
        raise InvalidSpecError("--shards must be 1 or more")
    for name, why in _WITHOUT_EFFECT.items():
        if getattr(args, name.removeprefix("--").replace("-", "_")) is not None:
            log.warn(f"{name} is accepted without effect: {why}")
    return asyncio.run(_run(args, settings, Operating.from_environment(os.environ), log))


def report_failure(message: str) -> None:
    """Say as a line of the log what ends the pod."""
    Log(sys.stderr).error(message)


async def _run(args: argparse.Namespace, settings: Settings, operating: Operating, log: Log) -> int:
    from engine.runtime.heap import loading, tune_memory

    with loading():
        from engine.app.controller import connect_cluster, open_controller, open_installation
        from engine.app.traces import tracing
        from engine.runtime.controller.loop import Periods
    tune_memory()

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = connect_cluster(args)
    if not (operating.mode.writes or operating.mode.reports):
        async with open_installation(client, args, operating, log):
            log.info("definitions and admission policies are in place; watching nothing")
            await stop.wait()
        return ExitCode.CLEAN
    observe = timedelta(seconds=args.observe_period)
    periods = Periods(observe=min(observe, operating.sync_period or observe))
    async with tracing(log), open_controller(client, args, settings, operating, log, periods) as controller:
        log.info(f"watching {len(controller.kinds)} kinds", namespace=operating.namespace)
        await controller.loop.run(stop)
    return ExitCode.CLEAN
