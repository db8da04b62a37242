"""The engine's cycle over some objects of the controller."""

from __future__ import annotations

from collections.abc import Mapping

from engine.desired.identity import ObjectIdentity
from engine.model.purpose import Purpose
from engine.runtime.controller.azure import ContractAzure
from engine.runtime.controller.parts import LIMITS, Parts
from engine.runtime.controller.routing import Router
from engine.runtime.cycle import Cycle
from engine.runtime.memory import PassMemory
from engine.runtime.selection import Selection
from engine.runtime.world import PassOptions, World


def cycle_over(
    parts: Parts,
    wanted: frozenset[ObjectIdentity],
    purpose: Purpose,
    memory: PassMemory,
    drift_waits: Mapping[ObjectIdentity, str],
) -> tuple[Cycle, ContractAzure]:
    """Return a cycle, and Azure as it sees it; nothing is read yet.

    Args:
        parts: What passes are made of.
        wanted: The objects.
        purpose: What its requests are for.
        memory: What earlier passes found in sync, and worked out of the objects.
        drift_waits: Objects whose drift is not corrected by it, and why.
    """
    azure = ContractAzure(
        Router(parts.credentials, lambda: cycle.prepared),
        parts.contract,
        parts.objects,
        parts.clock,
        endpoint=parts.rules.endpoint,
        purpose=purpose,
        promise=parts.store.promise,
    )
    world = World(source=parts.objects, azure=azure, store=parts.store, clock=parts.clock, audit=parts.audit)
    options = PassOptions(
        endpoint=parts.rules.endpoint,
        subscription_of=parts.credentials.subscription_of,
        edition=parts.credentials.edition,
        selection=Selection(only=wanted),
        limits=LIMITS,
        drift_waits=drift_waits,
    )
    cycle = Cycle(world, options, memory)
    return cycle, azure
