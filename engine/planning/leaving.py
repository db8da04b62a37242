"""What still names a resource that leaves: it lets go of it first, else Azure refuses the delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.model.ids import ArmId
from engine.model.plan import Action, Step
from engine.model.state import Baseline
from engine.planning.depend import Identity
from engine.planning.finding import PlanInput


def users_of_leaving(removed: Sequence[Step], data: PlanInput) -> Mapping[Identity, tuple[Identity, ...]]:
    """Return for each resource that is pruned whose last write named it: they may have to be changed or deleted first.

    Azure's own answers are no help: there both sides often name each other.

    Args:
        removed: One step for each of ``data.orphans``, in their order.
        data: What the plan is made of.
    """
    leaving = {s.id: s.key.identity for s in removed if s.action is Action.DELETE and s.id is not None}
    found: dict[Identity, list[Identity]] = {}
    for user, baseline in _written(removed, data) if leaving else ():
        raw = baseline.desired.raw.lower()
        for target, identity in leaving.items():
            if identity != user and not baseline.id.is_within(target) and _names(raw, target):
                found.setdefault(identity, []).append(user)
    return {identity: tuple(users) for identity, users in found.items()}


def _written(removed: Sequence[Step], data: PlanInput) -> Iterator[tuple[Identity, Baseline]]:
    for step, (baseline, _) in zip(removed, data.orphans, strict=True):
        if step.action is Action.DELETE:
            yield step.key.identity, baseline
    for finding in data.findings:
        if finding.baseline is not None:
            yield finding.desired.key.identity, finding.baseline


def _names(raw: bytes, target: ArmId) -> bool:
    """Whether a body holds the id, or that of something in it."""
    text = target.key.encode()
    return any(text + end in raw for end in (b'"', b"/"))
