"""What Azure is asked beside the resources themselves before it is decided: deleted namesakes, and owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.model.change import DiffState, ResourceDiff
from engine.model.ids import ApiVersion, ArmId
from engine.model.state import ActualState, Presence, ReadTarget
from engine.planning.finding import Finding
from engine.planning.soft_delete import find_deleted_twin
from engine.ports import ActualSource
from schemas import arm
from schemas.behaviours import lookup_behaviour


async def look_for_deleted_twins(azure: ActualSource, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with whether a deleted resource holds a name that is to be created.

    Azure is asked where the object leaves open what to do about one.
    """
    return [await _with_twin(azure, finding) for finding in findings]


async def _with_twin(azure: ActualSource, finding: Finding) -> Finding:
    actual = finding.actual
    twin = find_deleted_twin(finding.desired) if actual is not None and actual.presence is Presence.ABSENT else None
    if twin is None or actual is None:
        return finding
    where, api_version = twin
    target = ReadTarget(id=where, arm_type=where.resource_type, api_version=ApiVersion(api_version))
    found = await azure.fetch(target)
    if found.presence is Presence.UNREADABLE:
        unread = replace(actual, presence=Presence.UNREADABLE, cause=found.cause)
        return replace(finding, actual=unread, diff=ResourceDiff(state=DiffState.UNREADABLE))
    return replace(finding, soft_deleted=found.presence is Presence.PRESENT)


async def look_at_owners(azure: ActualSource, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with the state of their owners, where a request would be sent and the type waits for it.

    What cannot be read of an owner speaks against nothing: Azure itself answers then.
    """
    seen: dict[ArmId, ActualState] = {}
    out = []
    for finding in findings:
        owner = _owner_to_ask(finding)
        if owner is not None and owner.id not in seen:
            seen[owner.id] = await azure.fetch(owner)
        out.append(replace(finding, owner=seen[owner.id]) if owner is not None else finding)
    return out


def _owner_to_ask(finding: Finding) -> ReadTarget | None:
    desired, actual = finding.desired, finding.actual
    behaviour = lookup_behaviour(desired.arm_type)
    if behaviour is None or behaviour.owner_gate is None or desired.id is None or desired.deleting or actual is None:
        return None
    if actual.presence is Presence.PRESENT and finding.settled and not finding.diff.changes:
        return None
    parent = desired.id.parent
    if parent is None:
        return None
    known = arm.versions(parent.resource_type)
    version = desired.api_version if desired.api_version in known or not known else ApiVersion(known[-1])
    return ReadTarget(id=parent, arm_type=parent.resource_type, api_version=version)
