"""Composition root of the pod: cluster, credentials, Azure and the loop between them."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from engine.app.auditing import StreamAudit, describe_author
from engine.app.console import warn
from engine.app.credentials import CredentialBook
from engine.app.settings import Settings
from engine.cluster.names import CREDENTIAL_FROM
from engine.cluster.objects import ClusterObject
from engine.desired.policy import DRIFT_POLICY, IGNORE, PROTECT, RECONCILE_POLICY
from engine.model.audit import Principal
from engine.model.policy import ALLOW_REPLACE
from engine.runtime.clock import SystemClock
from engine.runtime.controller.contract import Contract, OperatorName
from engine.runtime.controller.loop import Loop, Periods
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.reconcile import Parts, Reconciler, Rules
from engine.runtime.controller.store import ControllerStore

if TYPE_CHECKING:
    from providers.kube.watched import Change, Listing


TRIGGERS = (
    RECONCILE_POLICY, CREDENTIAL_FROM, DRIFT_POLICY, IGNORE, PROTECT, ALLOW_REPLACE, "trueup.dev/reconcile-at",
)  # fmt: skip
"""Annotations whose change leads to a pass over the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What the pod runs."""

    loop: Loop
    kinds: Mapping[tuple[str, str], str]


@contextlib.asynccontextmanager
async def open_controller(
    args: argparse.Namespace, settings: Settings, periods: Periods, *, operator_namespace: str
) -> AsyncIterator[Controller]:
    """Connect, list everything once, and close again in the end."""
    from providers.kube.cluster import WatchedCluster
    from providers.kube.connect import Connection, connect
    from providers.kube.writer import KubeWriter

    clock = SystemClock()
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ and args.context is None and not args.kubeconfig
    client = connect(
        Connection(context=args.context or "", kubeconfig=args.kubeconfig, in_cluster=in_cluster, parallel=64)
    )
    cluster = WatchedCluster(client)
    await cluster.discover()
    objects, queue = Objects(cluster), WorkQueue(clock)
    book = CredentialBook(cluster, settings, clock, operator_namespace=operator_namespace)
    name = OperatorName(namespace=operator_namespace, version=f"v{version_of('trueup')}")
    contract = Contract(KubeWriter(client, cluster.plurals, clock), objects, clock, name)
    reconciler = Reconciler(
        Parts(
            objects=objects,
            contract=contract,
            store=ControllerStore(secrets.token_bytes(32)),
            audit=StreamAudit(sys.stdout, author=describe_author(Principal())),
            clock=clock,
            queue=queue,
            credentials=book,
            rules=Rules(endpoint=settings.endpoint),
        )
    )
    try:
        await cluster.start(lambda news: _take(news, objects, queue))
        loop = Loop(objects, queue, reconciler, clock, periods, complain=warn)
        yield Controller(loop=loop, kinds=cluster.plurals)
    finally:
        cluster.stop()
        await book.close()


def _take(news: Change | Listing, objects: Objects, queue: WorkQueue) -> None:
    """Bring the objects up to date; what changed in more than what we write ourselves is due."""
    from providers.kube.watched import Listing

    if isinstance(news, Listing):
        there = {found.identity for found in news.objects}
        of_kind = [o.identity for o in objects.all() if o.identity[1:3] == (news.group, news.kind)]
        for identity in of_kind:
            if identity not in there:
                objects.drop(identity)
                queue.forget(identity)
        for found in news.objects:
            if _is_due(objects.put(found), found):
                queue.add(found.identity)
    elif news.now is None:
        objects.drop(news.identity)
        queue.forget(news.identity)
    elif _is_due(objects.put(news.now), news.now):
        queue.add(news.identity)


def _is_due(before: ClusterObject | None, now: ClusterObject) -> bool:
    """Whether an event means work: a new object, another generation, another annotation of the user's."""
    if before is None:
        return True
    old, new = before.resource, now.resource
    if (old.uid, old.generation, old.deleting) != (new.uid, new.generation, new.deleting):
        return True
    return any(old.annotations.get(name) != new.annotations.get(name) for name in TRIGGERS)
