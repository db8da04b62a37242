"""Which part of the work is this pod's: all of it, or the shards whose Leases it holds."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from engine.app.logs import Log
from engine.cluster.detect import ASO_LEASE, Lease
from engine.cluster.leases import shard_of
from engine.cluster.operating import Operating
from engine.ports import Clock
from engine.runtime.controller.holdings import Holdings, Terms
from engine.runtime.controller.neighbour import Beside, ReadLease
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.shards import Shards
from engine.runtime.controller.tenure import Everything, Permits, Tenure

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

MEMBERS: Final = "trueup-replica-"


def make_shards(
    client: KubeClient,
    args: argparse.Namespace,
    operating: Operating,
    clock: Clock,
    log: Log,
    *,
    objects: Objects,
    queue: WorkQueue,
) -> Shards | None:
    """Return what shares the work with other replicas; None where this pod is to be alone."""
    from providers.kube.leases import KubeLeases

    if not (args.enable_leader_election and operating.mode.writes):
        return None

    def gained(shard: int) -> None:
        for found in objects.all():
            if shard_of(found.resource.key.namespace, args.shards) == shard:
                queue.add(found.identity)

    return Shards(
        KubeLeases(client, operating.namespace, clock),
        clock,
        identity=f"{socket.gethostname()[:40].lower()}-{uuid.uuid4().hex[:8]}",
        count=args.shards,
        name_of=lambda n: f"{ASO_LEASE}-{n}" if n else ASO_LEASE,
        member_prefix=MEMBERS,
        gained=gained,
        tell=log.info,
    )


def make_tenure(
    client: KubeClient,
    args: argparse.Namespace,
    operating: Operating,
    clock: Clock,
    log: Log,
    *,
    shards: Shards | None,
    objects: Objects,
    queue: WorkQueue,
) -> Tenure:
    """Return what says which namespaces are this pod's: its shards, and nothing while an ASO is live."""
    inner = shards or Everything()
    if not operating.mode.writes:
        return inner

    def gone() -> None:
        for found in objects.all():
            queue.add(found.identity)

    return Beside(
        inner,
        clock,
        namespaces=(operating.namespace, *args.take_over_from),
        read=lease_reader(client),
        member_prefix=MEMBERS,
        gone=gone,
        tell=log.warn,
    )


def make_holdings(args: argparse.Namespace, operating: Operating, shards: Shards | None, tenure: Tenure) -> Holdings:
    """Return what says which shards are this pod's; one that only reports never shares its work."""
    count = args.shards if operating.mode.writes else 1

    def terms() -> Terms:
        ours = shards.terms if shards is not None else dict.fromkeys(range(count), 0)
        return tenure.over(ours) if isinstance(tenure, Beside) else ours

    return Holdings(count, terms)


def lease_reader(client: KubeClient) -> ReadLease:
    """Return what reads Leases, of other programs too."""
    from providers.kube.leases import read_lease

    async def read(namespace: str, name: str) -> Lease | None:
        return await asyncio.to_thread(read_lease, client, namespace, name)

    return read


@contextlib.asynccontextmanager
async def sharing(shards: Shards | None, tenure: Tenure, permits: Permits) -> AsyncIterator[None]:
    """Hold Leases meanwhile and watch those of others; give up our own in the end."""
    tasks = [asyncio.create_task(shards.run())] if shards is not None else []
    if isinstance(tenure, Beside):
        await tenure.look()
        tasks.append(asyncio.create_task(tenure.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if shards is not None:
            await shards.release(permits.broken_off)
