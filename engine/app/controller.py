"""Composition root of the pod: cluster, credentials, Azure and the loop between them."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.app.assembly import Assembly
from engine.app.drift_reports import bring_report_definition, reporting_drift
from engine.app.endpoints import Installation, endpoints
from engine.app.logs import Log
from engine.app.settings import Settings
from engine.app.sharing import lease_reader, sharing
from engine.cluster.operating import Operating
from engine.runtime.clock import SystemClock
from engine.runtime.controller.lookout import Lookout
from engine.runtime.controller.loop import Loop, Passes, Periods
from engine.runtime.controller.parts import Parts
from engine.runtime.controller.reconcile import Reconciler

if TYPE_CHECKING:
    from providers.kube.client import KubeClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What the pod runs."""

    loop: Loop
    kinds: Mapping[tuple[str, str], str]


def connect_cluster(args: argparse.Namespace) -> KubeClient:
    """Return a client of the cluster that the options name; in a pod that is its own."""
    from providers.kube.connect import Connection, connect

    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ and args.context is None and not args.kubeconfig
    return connect(
        Connection(
            context=args.context or "",
            kubeconfig=args.kubeconfig,
            in_cluster=in_cluster,
            service_account=os.environ.get("TRUEUP_SERVICE_ACCOUNT", ""),
            parallel=64,
        )
    )


async def prepare_cluster(client: KubeClient, args: argparse.Namespace, operating: Operating, log: Log) -> None:
    """Bring definitions and admission policies up to date, where that is this pod's business."""
    from engine.app.definitions import bring_definitions, parse_labels

    labels = parse_labels(args.crd_labels)
    if operating.mode.installs and args.crd_management == "auto":
        for line in await bring_definitions(client, pattern=args.crd_pattern, labels=labels, clock=SystemClock()):
            log.info(line)
    elif operating.mode.reports and args.crd_management == "auto":
        await bring_report_definition(client, log)


@contextlib.asynccontextmanager
async def open_controller(
    client: KubeClient, args: argparse.Namespace, settings: Settings, operating: Operating, log: Log, periods: Periods
) -> AsyncIterator[Controller]:
    """Prepare the cluster, list everything once, and close again in the end; probes are answered from the start."""
    made = Assembly(client, args, settings, operating, log)
    parts, vitals = made.parts, made.vitals(periods.observe)
    try:
        passes = _passes(client, parts, args, operating)
        loop = Loop(
            parts.objects,
            parts.queue,
            passes,
            parts.clock,
            periods,
            complain=log.error,
            permits=made.permits,
            halt=made.halt,
        )
        async with endpoints(vitals, made.page(), log, args, client, parts.clock):
            await prepare_cluster(client, args, operating, log)
            await made.cluster.start(made.feed(operating, log).take)
            vitals.is_listed = True
            held = sharing(made.shards, made.tenure, made.permits)
            listener = made.alerts.dispatcher if made.alerts is not None else None
            telling = made.alerts.telling() if made.alerts is not None else contextlib.nullcontext()
            async with held, telling, reporting_drift(client, parts, operating, log, listener=listener):
                yield Controller(loop=loop, kinds=made.cluster.plurals)
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def open_installation(
    client: KubeClient, args: argparse.Namespace, operating: Operating, log: Log
) -> AsyncIterator[None]:
    """Prepare the cluster, and watch nothing; probes are answered meanwhile."""
    told = Installation()
    async with endpoints(told, None, log, args, client, SystemClock()):
        await prepare_cluster(client, args, operating, log)
        told.is_done = True
        yield


def _passes(client: KubeClient, parts: Parts, args: argparse.Namespace, operating: Operating) -> Passes:
    if operating.mode.writes:
        return Reconciler(parts)
    from engine.app.lookout import PassPrinter

    read = lease_reader(client)
    printer = PassPrinter(parts.objects, parts.clock, read, as_json=args.json_logging, is_quiet=args.verbosity <= 0)
    return Lookout(parts, printer.report)
