"""Composition root of the pod: cluster, credentials, Azure and the loop between them."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from engine.app.auditing import StreamAudit, describe_author
from engine.app.credentials import CredentialBook
from engine.app.endpoints import Vitals, endpoints
from engine.app.exports import build_exporter
from engine.app.feed import Feed
from engine.app.logs import Log
from engine.app.lookout import PassPrinter
from engine.app.metrics import AzureRequests
from engine.app.settings import Settings
from engine.app.sharing import make_shards, sharing
from engine.app.tokens import TokenBook
from engine.cluster.operating import Operating
from engine.model.audit import Principal
from engine.ports import Clock, ClusterWriter
from engine.runtime.clock import SystemClock
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.groups import SecurityGroups
from engine.runtime.controller.lookout import Lookout, NoWriter
from engine.runtime.controller.loop import Loop, Passes, Periods
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.outside import Outside
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.reconcile import Parts, Reconciler, Rules
from engine.runtime.controller.referrers import Referrers
from engine.runtime.controller.store import ControllerStore
from engine.runtime.controller.tenure import Everything, Permits
from engine.runtime.controller.users import Users
from engine.runtime.executor import ExecutorOptions
from engine.runtime.heap import tune_memory
from engine.runtime.stop import Stop

if TYPE_CHECKING:
    from providers.kube.client import KubeClient
    from providers.kube.cluster import WatchedCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What the pod runs."""

    loop: Loop
    kinds: Mapping[tuple[str, str], str]
    log: Log


def connect_cluster(args: argparse.Namespace) -> KubeClient:
    """Return a client of the cluster that the options name; in a pod that is its own."""
    from providers.kube.connect import Connection, connect

    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ and args.context is None and not args.kubeconfig
    return connect(
        Connection(context=args.context or "", kubeconfig=args.kubeconfig, in_cluster=in_cluster, parallel=64)
    )


async def prepare_cluster(client: KubeClient, args: argparse.Namespace, operating: Operating) -> None:
    """Bring definitions and admission policies up to date, where that is this pod's business."""
    from engine.app.definitions import bring_definitions, parse_labels

    labels = parse_labels(args.crd_labels)
    if operating.mode.installs and args.crd_management == "auto":
        for line in await bring_definitions(client, pattern=args.crd_pattern, labels=labels, clock=SystemClock()):
            sys.stderr.write(f"trueup: {line}\n")


@contextlib.asynccontextmanager
async def open_controller(
    client: KubeClient, args: argparse.Namespace, settings: Settings, operating: Operating, periods: Periods
) -> AsyncIterator[Controller]:
    """List everything once, and close again in the end."""
    from providers.databases.adapter import Databases
    from providers.graph.groups import Groups
    from providers.kube.cluster import WatchedCluster
    from providers.kube.exported import KubeExports

    tune_memory()
    clock, log = SystemClock(), Log(sys.stderr)
    cluster = WatchedCluster(client, namespaces=operating.namespaces)
    objects = Objects(cluster, default_policy=operating.default_policy)
    queue = WorkQueue(clock, operating.retry_rate)
    corrections = Corrections(clock, operating.sync_period)
    requests = AzureRequests()
    book = CredentialBook(cluster, settings, clock, operating, on_request=requests.note)
    name = OperatorName(
        namespace=operating.namespace,
        version=f"v{version_of('trueup')}",
        takes_over=frozenset(args.take_over_from),
    )
    shards = make_shards(client, args, operating, clock, log, objects=objects, queue=queue)
    permits, halt = Permits(shards or Everything()), Stop()
    contract = Contract(_writer(client, cluster, clock, operating), objects, clock, name, permits)
    store = ControllerStore(secrets.token_bytes(32))
    period = timedelta(seconds=args.export_period)
    exporter = build_exporter(client, objects, queue, clock, period=period)
    tokens, directory = TokenBook(book, settings.graph_endpoint, clock), Groups(settings.ca_file, settings.proxy)
    users = Users(objects, Databases(settings.ca_file), tokens, store.secret_key())
    groups = SecurityGroups(directory, tokens, KubeExports(client))
    parts = Parts(
        objects=objects,
        contract=contract,
        store=store,
        outside=Outside(objects, contract, queue, corrections, [users, groups]),
        audit=StreamAudit(sys.stdout, author=describe_author(Principal())),
        clock=clock,
        queue=queue,
        credentials=book,
        rules=Rules(endpoint=settings.endpoint, executor=ExecutorOptions(patience=timedelta(0), stop=halt)),
        corrections=corrections,
        exporter=exporter,
    )
    try:
        feed = Feed(
            objects=objects,
            queue=queue,
            referrers=Referrers(operating.namespace),
            corrections=corrections,
            book=book,
            log=log,
            exporter=exporter,
        )
        vitals = Vitals(objects=objects, queue=queue, shards=shards, requests=requests)
        passes = _passes(client, parts, args, operating)
        loop = Loop(objects, queue, passes, clock, periods, complain=log.error, permits=permits, halt=halt)
        async with endpoints(vitals, log, health=args.health_addr, metrics=args.metrics_addr):
            await cluster.start(feed.take)
            vitals.is_listed = True
            async with sharing(shards):
                yield Controller(loop=loop, kinds=cluster.plurals, log=log)
    finally:
        await parts.contract.close()
        await directory.close()
        cluster.stop()
        await book.close()


def _writer(client: KubeClient, cluster: WatchedCluster, clock: Clock, operating: Operating) -> ClusterWriter:
    from providers.kube.writer import KubeWriter

    return KubeWriter(client, cluster, clock) if operating.mode.writes else NoWriter()


def _passes(client: KubeClient, parts: Parts, args: argparse.Namespace, operating: Operating) -> Passes:
    from providers.kube.leases import read_lease

    if operating.mode.writes:
        return Reconciler(parts)
    read = functools.partial(read_lease, client)
    printer = PassPrinter(parts.objects, parts.clock, read, as_json=args.json_logging, is_quiet=args.verbosity <= 0)
    return Lookout(parts, printer.report)
