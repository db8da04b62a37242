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
from engine.cluster.detect import ASO_LEASE
from engine.cluster.leases import shard_of
from engine.cluster.operating import Operating
from engine.ports import Clock
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.shards import Shards
from engine.runtime.controller.tenure import Permits

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


@contextlib.asynccontextmanager
async def sharing(shards: Shards | None, permits: Permits) -> AsyncIterator[None]:
    """Hold Leases meanwhile, and give them up in the end."""
    if shards is None:
        yield
        return
    task = asyncio.create_task(shards.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await shards.release(permits.broken_off)
