"""The pieces of a pod, put together."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from engine.app import metric_names as names
from engine.app.auditing import StreamAudit, describe_author
from engine.app.azure_metrics import AzureRequests
from engine.app.credentials import CredentialBook
from engine.app.endpoints import Vitals
from engine.app.exports import build_exporter
from engine.app.feed import Feed
from engine.app.logs import Log
from engine.app.metrics import Gauge, Histogram, single
from engine.app.pod_page import PodPage
from engine.app.settings import Settings
from engine.app.sharing import make_holdings, make_shards, make_tenure
from engine.app.telemetry import PassTelemetry
from engine.app.tokens import TokenBook
from engine.cluster.operating import Operating
from engine.errors import EngineError
from engine.model.audit import Principal
from engine.model.ids import ResourceKey
from engine.ports import Clock, ClusterWriter
from engine.runtime.clock import SystemClock
from engine.runtime.controller.board import Board
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.corrections import Corrections
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.freshness import Freshness
from engine.runtime.controller.groups import SecurityGroups
from engine.runtime.controller.lookout import NoWriter
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.controller.outside import Handler, Outside
from engine.runtime.controller.parts import Parts, Rules
from engine.runtime.controller.post_checks import PostChecks
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.referrers import Referrers
from engine.runtime.controller.store import ControllerStore
from engine.runtime.controller.tenure import Permits
from engine.runtime.controller.users import Users
from engine.runtime.executor import ExecutorOptions
from engine.runtime.stop import Stop

if TYPE_CHECKING:
    from engine.app.pod_alerts import PodAlerts
    from providers.kube.client import KubeClient
    from providers.kube.cluster import WatchedCluster


class Assembly:
    """The pieces of a pod, put together; nothing runs yet."""

    def __init__(
        self, client: KubeClient, args: argparse.Namespace, settings: Settings, operating: Operating, log: Log
    ) -> None:
        from providers.graph.groups import Groups
        from providers.kube.cluster import WatchedCluster

        clock = SystemClock()
        self.cluster = WatchedCluster(client, namespaces=operating.namespaces)
        self.objects = Objects(self.cluster, default_policy=operating.default_policy)
        self.latency = Histogram(names.QUEUE_LATENCY)
        self.queue = WorkQueue(clock, operating.retry_rate, self.latency.observe)
        self.requests = AzureRequests()
        self.book = CredentialBook(
            self.cluster,
            settings,
            clock,
            operating,
            is_told=lambda: self.cluster.sees_secrets,
            on_request=self.requests.note,
        )
        self.directory = Groups(settings.ca_file, settings.proxy)
        self.shards = make_shards(client, args, operating, clock, log, objects=self.objects, queue=self.queue)
        self.tenure = make_tenure(
            client, args, operating, clock, log, shards=self.shards, objects=self.objects, queue=self.queue
        )
        self.holdings = make_holdings(args, operating, self.shards, self.tenure)
        self.permits, self.halt = Permits(self.tenure), Stop()
        self.parts = self._parts(client, args, settings, operating, log)
        self.alerts = self._alerts(client, args, settings, operating, log) if args.alerts is not None else None

    def _parts(
        self, client: KubeClient, args: argparse.Namespace, settings: Settings, operating: Operating, log: Log
    ) -> Parts:
        clock, objects, queue = SystemClock(), self.objects, self.queue
        corrections = Corrections(clock, operating.sync_period)
        writer, name = _writer(client, self.cluster, clock, operating, log), _operator_name(args, operating)
        freshness = Freshness(self.cluster, self.permits.term)
        contract = Contract(writer, objects, clock, name, self.permits, freshness)
        store = ControllerStore(_hash_key(client, operating, log))
        audit, operations = self._audit(log), Operations()
        outside = Outside(objects, contract, queue, corrections, self._handlers(client, settings, store))
        self.telemetry = PassTelemetry(
            objects,
            operations,
            clock,
            is_outside=outside.takes,
            holds=self.permits.holds,
            is_per_object=args.metrics_per_object,
        )
        return Parts(
            objects=objects,
            contract=contract,
            store=store,
            operations=operations,
            outside=outside,
            telemetry=self.telemetry,
            audit=audit,
            post_checks=self._post_checks(contract, store, audit, operations),
            clock=clock,
            queue=queue,
            credentials=self.book,
            rules=Rules(endpoint=settings.endpoint, executor=ExecutorOptions(patience=timedelta(0), stop=self.halt)),
            corrections=corrections,
            exporter=build_exporter(client, objects, queue, clock, period=timedelta(seconds=args.export_period)),
            drift=DriftBook(clock, self.holdings),
            board=Board(clock),
        )

    def _alerts(
        self, client: KubeClient, args: argparse.Namespace, settings: Settings, operating: Operating, log: Log
    ) -> PodAlerts:
        from engine.app.pod_alerts import make_alerts

        return make_alerts(
            client,
            args,
            operating,
            SystemClock(),
            log,
            holdings=self.holdings,
            objects=self.objects,
            book=self.parts.drift,
            ca_file=settings.ca_file,
        )

    def _post_checks(
        self, contract: Contract, store: ControllerStore, audit: StreamAudit, operations: Operations
    ) -> PostChecks:
        return PostChecks(
            objects=self.objects,
            contract=contract,
            queue=self.queue,
            credentials=self.book,
            operations=operations,
            audit=audit,
            clock=SystemClock(),
            secret_key=store.secret_key(),
        )

    def _audit(self, log: Log) -> StreamAudit:
        who = describe_author(Principal())
        return StreamAudit(sys.stdout, author=who, principal_of=self._principal_of, complain=log.error)

    def _principal_of(self, key: ResourceKey) -> Principal:
        found = self.objects.find(key.identity)
        return self.book.principal_of(found.resource) if found is not None else Principal()

    def _handlers(self, client: KubeClient, settings: Settings, store: ControllerStore) -> Sequence[Handler]:
        """Return who sees to objects that Azure Resource Manager knows nothing of."""
        from providers.databases.adapter import Databases
        from providers.kube.exported import KubeExports

        tokens = TokenBook(self.book, settings.graph_endpoint, SystemClock())
        users = Users(self.objects, Databases(settings.ca_file), tokens, store.secret_key())
        return (users, SecurityGroups(self.directory, tokens, KubeExports(client)))

    def feed(self, operating: Operating, log: Log) -> Feed:
        """Return what takes in the cluster's news."""
        return Feed(
            objects=self.objects,
            queue=self.queue,
            referrers=Referrers(operating.namespace),
            corrections=self.parts.corrections,
            contract=self.parts.contract,
            operations=self.parts.operations,
            book=self.book,
            log=log,
            exporter=self.parts.exporter,
            drift=self.parts.drift,
            tenure=self.tenure,
        )

    def vitals(self, observe: timedelta) -> Vitals:
        """Return what the endpoints tell."""
        quota = Gauge(names.QUOTA_LEFT, lambda: sorted(self.book.quota_left().items()))
        period = single(names.OBSERVE_PERIOD, observe.total_seconds)
        told = self.alerts.metrics if self.alerts is not None else ()
        metrics = (*self.requests.metrics(), quota, *self.telemetry.metrics(), self.latency, period, *told)
        return Vitals(
            objects=self.objects,
            queue=self.queue,
            shards=self.shards,
            metrics=metrics,
            troubles=self.cluster.troubles,
        )

    def page(self) -> PodPage:
        """Return what people see."""
        return PodPage(board=self.parts.board, objects=self.objects, is_ours=self.permits.holds)

    async def close(self) -> None:
        """Close what was opened."""
        await self.parts.post_checks.close()
        await self.parts.contract.close()
        await self.directory.close()
        self.cluster.stop()
        await self.book.close()


def _operator_name(args: argparse.Namespace, operating: Operating) -> OperatorName:
    return OperatorName(
        namespace=operating.namespace,
        version=f"v{version_of('trueup')}",
        takes_over=frozenset(args.take_over_from),
    )


def _hash_key(client: KubeClient, operating: Operating, log: Log) -> bytes:
    """Return the key that hashes of secrets are made with; one of this process where the cluster's cannot be had."""
    from providers.kube.hash_key import ensure_hash_key, read_hash_key

    try:
        get = ensure_hash_key if operating.mode.writes else read_hash_key
        found = get(client, operating.namespace)
    except EngineError as exc:
        log.warn(f"the key of remembered secrets cannot be had, so that restarts do not know what was sent: {exc}")
        found = None
    return found or secrets.token_bytes(32)


def _writer(client: KubeClient, cluster: WatchedCluster, clock: Clock, operating: Operating, log: Log) -> ClusterWriter:
    from providers.kube.writer import KubeWriter

    return KubeWriter(client, cluster, clock, complain=log.error) if operating.mode.writes else NoWriter()
