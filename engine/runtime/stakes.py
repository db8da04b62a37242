"""What a plan may take away, and which resources of other objects it therefore has to know."""

from __future__ import annotations

from collections.abc import Sequence

from engine.desired.index import Index
from engine.model.ids import ArmId, ResourceKey
from engine.model.policy import Limits
from engine.model.state import ActualState, Baseline, Presence
from engine.planning.finding import Finding
from engine.planning.owners import manager_of

Orphans = Sequence[tuple[Baseline, ActualState]]
_GROUP_TYPE = "microsoft.resources/resourcegroups"


def may_be_deleted(finding: Finding, limits: Limits) -> bool:
    """Whether a resource may be deleted, or deleted and created anew."""
    approved = bool(limits.allow_replace) or finding.desired.policy.allow_replace is not None
    return finding.desired.deleting or (approved and bool(finding.diff.changes))


def groups_at_stake(findings: Sequence[Finding], orphans: Orphans, limits: Limits) -> set[ArmId]:
    """Return the resource groups that a plan may delete."""
    groups = {f.desired.id for f in findings if f.desired.id is not None and may_be_deleted(f, limits)}
    if limits.prune:
        groups |= {b.id for b, a in orphans if a.presence is Presence.PRESENT}
    return {g for g in groups if g.resource_type.lower() == _GROUP_TYPE}


def objects_at_stake(
    findings: Sequence[Finding], orphans: Orphans, limits: Limits, index: Index
) -> dict[ArmId, ResourceKey]:
    """Return the resources of objects that matter to a plan: all of them where something may be deleted.

    Else only those that manage others count: what they manage is not somebody else's.
    """
    if orphans or any(may_be_deleted(f, limits) for f in findings):
        return {i: r.key for r in index.resources if (i := index.id_of(r)) is not None}
    bodies = (f.actual.document.value for f in findings if f.actual is not None and f.actual.document is not None)
    managers = {manager for body in bodies if (manager := manager_of(body)) is not None}
    return {m: key for m in managers if (key := index.holder_of(m)) is not None}
