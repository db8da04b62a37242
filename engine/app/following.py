"""``trueup drift --watch``: the DriftReports of a cluster as they change. Nothing is asked of Azure."""

from __future__ import annotations

import argparse
import queue
import sys
from collections.abc import Mapping
from typing import Any

from engine.app.console import warn
from engine.app.exit_codes import ExitCode
from engine.drift.follow import news_of
from engine.errors import InvalidSpecError
from providers.kube.connect import Connection, connect
from providers.kube.drift_reports import ReportWatch
from providers.kube.stream import Trouble


def follow(args: argparse.Namespace) -> int:
    """Print what is there, then what is news, until Ctrl-C; 2 when something is drifted then.

    Raises:
        InvalidSpecError: No cluster is named, or there is other input beside it.
    """
    if args.filename or args.context is None:
        raise InvalidSpecError("--watch follows the DriftReports of a cluster", hint="give --context, and no -f")
    client = connect(Connection(context=args.context, kubeconfig=args.kubeconfig))
    news: queue.SimpleQueue[tuple[str, Mapping[str, Any]] | Trouble] = queue.SimpleQueue()
    watch = ReportWatch(client, args.namespace or "", lambda name, report: news.put((name, report)), news.put)
    watch.stream.start()
    held: dict[str, Mapping[str, Any]] = {}
    try:
        while True:
            _print(news.get(), held)
    except KeyboardInterrupt:
        watch.stream.stop()
    is_drifted = any(report["summary"].get("state") == "Drifted" for report in held.values())
    return ExitCode.DIFFERENCES if is_drifted else ExitCode.CLEAN


def _print(news: tuple[str, Mapping[str, Any]] | Trouble, held: dict[str, Mapping[str, Any]]) -> None:
    if isinstance(news, Trouble):
        if news.error is not None:
            warn(news.error)
        return
    namespace, report = news
    # Before the first look, what ended earlier is no news.
    before = held.get(namespace) or {"metadata": report.get("metadata"), "ended": report.get("ended", ())}
    if report:
        held[namespace] = report
        sys.stdout.writelines(f"{line}\n" for line in news_of(before, report))
        sys.stdout.flush()
    else:
        held.pop(namespace, None)
