"""``build_plan``: findings become a plan. The one entry point; pure, and the same for plan and apply."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.model.change import ResourceDiff
from engine.model.document import canonical
from engine.model.ids import ArmId, PlanId, ResourceKey
from engine.model.plan import Action, Plan, Precondition, Reason, Request, Step
from engine.model.policy import ReconcilePolicy
from engine.model.state import ActualState, Baseline, Presence
from engine.planning.budget import compute_budget
from engine.planning.decide import Decision, decide, resolve_approvals
from engine.planning.depend import arrange
from engine.planning.finding import Finding, PlanInput
from engine.planning.guarding import attach_guards
from engine.planning.leaving import users_of_leaving
from engine.planning.refusal import refusal_notes, refused_of
from engine.planning.removal import cascade_deletes
from engine.planning.renewal import renew_children
from engine.planning.request import plan_before_delete, plan_delete, plan_fallback, plan_purge, plan_put, plan_update
from engine.planning.verify import check_plan
from schemas.behaviours import lookup_behaviour
from schemas.operations import lookup_operations

_Identity = tuple[str, str, str, str]


def build_plan(data: PlanInput) -> Plan:
    """Decide about every resource and order the decisions.

    Returns:
        A plan with exactly one step per resource, independent of the order of the input.

    Raises:
        InvariantError: A law of plans does not hold; a defect of ours.
    """
    data = replace(data, limits=resolve_approvals(data.limits, _keys(data)))
    decided = [plan_step(f, data) for f in data.findings]
    moved = {f.desired.key.identity: f.desired.id for f in data.findings}
    moved |= {s.key.identity: s.id for s in data.in_sync}
    removed = [_plan_orphan(b, a, data, moved) for b, a in data.orphans]
    guarded = attach_guards(decided + removed, data)
    renewed, settled = renew_children(
        guarded, data.in_sync, data.limits, again=lambda f: plan_step(f, data), others=data.others
    )
    gone = cascade_deletes(renewed, settled=settled, others=data.others, takes_all=data.limits.cascades)
    steps, cycles = arrange(gone, settled=settled, users=users_of_leaving(removed, data))
    problems = (*data.problems, *data.unread, *cycles)
    unread = tuple(s for s in steps if s.action is Action.UNREADABLE)
    plan = Plan(
        steps=steps,
        complete=not (unread or data.unread),
        id=_identify(steps),
        problems=problems,
        budget=compute_budget(steps, data.limits),
        allowed=data.limits.allowed,
    )
    check_plan(plan, resources=data.managed)
    return plan


def _keys(data: PlanInput) -> list[ResourceKey]:
    if not data.limits.names_objects:
        return []
    left = [b.key for b, _ in data.orphans if b.key is not None]
    known = [*(f.desired.key for f in data.findings), *(s.key for s in data.in_sync)]
    seen = {k.identity for k in known}
    return known + [k for k in left if k.identity not in seen]


def plan_step(finding: Finding, data: PlanInput) -> Step:
    """Return the step of one resource, before guards and dependencies."""
    desired = finding.desired
    operations = lookup_operations(desired.arm_type)
    decision = decide(finding, operations, data.limits)
    requests = _requests(decision, finding, data)
    return Step(
        key=desired.key,
        id=desired.id,
        arm_type=desired.arm_type,
        api_version=desired.api_version,
        action=decision.action,
        reason=decision.reason,
        detail=decision.detail,
        requests=requests,
        fallback=_fallback(requests, finding, data),
        diff=finding.diff,
        precondition=_precondition(finding),
        depends_on=_links(finding),
        guards=decision.guards,
        notes=(*decision.notes, *refusal_notes(data.refusals, requests, finding), *desired.policy.warnings),
        waits=desired.waits,
        desired=desired,
        origin=desired.origin,
    )


def _requests(decision: Decision, finding: Finding, data: PlanInput) -> tuple[Request, ...]:
    resource, endpoint = finding.desired.id, data.endpoint
    if resource is None or not decision.action.mutates:
        return ()
    desired = finding.desired
    operations, behaviour = lookup_operations(desired.arm_type), lookup_behaviour(desired.arm_type)
    if decision.action is Action.CREATE:
        purge = plan_purge(endpoint, finding, behaviour)
        put = plan_put(endpoint, resource, finding, operations=operations, behaviour=behaviour)
        return (purge, put) if purge is not None else (put,)
    if decision.action is Action.UPDATE:
        refused = refused_of(data.refusals, desired)
        return (plan_update(endpoint, resource, finding, operations=operations, behaviour=behaviour, refused=refused),)
    delete = plan_delete(endpoint, resource, desired.api_version, actual=finding.actual, behaviour=behaviour)
    before = plan_before_delete(endpoint, finding.actual, behaviour)
    if decision.action is Action.DELETE:
        return (*before, delete)
    fresh = replace(finding, actual=None, diff=ResourceDiff())
    return (*before, delete, plan_put(endpoint, resource, fresh, operations=operations, behaviour=behaviour))


def _fallback(requests: tuple[Request, ...], finding: Finding, data: PlanInput) -> Request | None:
    """Return the request to send if Azure does not take the one that is planned."""
    desired = finding.desired
    if len(requests) != 1 or desired.id is None:
        return None
    return plan_fallback(
        data.endpoint,
        desired.id,
        finding,
        requests[0],
        operations=lookup_operations(desired.arm_type),
        behaviour=lookup_behaviour(desired.arm_type),
        refused=refused_of(data.refusals, desired),
    )


def _plan_orphan(
    baseline: Baseline, actual: ActualState, data: PlanInput, moved: Mapping[_Identity, ArmId | None]
) -> Step:
    """Decide about a resource whose object left the input: listed, deleted only when pruning was asked for.

    An object that stands for another resource now (another name, group or subscription) leaves its old one alone.
    """
    key = baseline.key or ResourceKey(namespace="", group="", kind=baseline.id.resource_type, name=baseline.id.name)
    has_moved = key.identity in moved
    if has_moved:
        key = replace(key, name=f"{key.name} (was {baseline.id.text})")
    step = Step(
        key=key,
        id=baseline.id,
        arm_type=baseline.id.resource_type,
        api_version=baseline.api_version,
        action=Action.SKIP,
        reason=Reason.NO_LONGER_IN_INPUT,
        detail="no longer in the input; --prune deletes it",
        precondition=Precondition(etag=actual.etag, actual_hash=_hash_of(actual)),
    )
    if has_moved and actual.presence is not Presence.ABSENT:
        new = moved[baseline.key.identity] if baseline.key is not None else None
        detail = (
            f"its object stands for {new or 'a resource not known yet'} now; this one is left alone, also by --prune"
        )
        return replace(step, detail=detail)
    if actual.presence is Presence.UNREADABLE:
        return replace(step, action=Action.UNREADABLE, reason=Reason.UNREADABLE, detail=actual.cause)
    if actual.presence is Presence.ABSENT:
        return replace(step, action=Action.FORGET, detail="no longer in the input, and gone from Azure")
    if baseline.reconcile is not ReconcilePolicy.MANAGE:
        detail = f"no longer in the input; its reconcile-policy was {baseline.reconcile}"
        return replace(step, action=Action.FORGET, reason=Reason.DETACHED, detail=detail)
    operations = lookup_operations(step.arm_type)
    if operations is not None and "DELETE" not in operations.methods:
        return replace(step, action=Action.FORGET, detail="no longer in the input; Azure cannot delete it by itself")
    if not data.limits.prune:
        return step
    if data.problems:
        detail = "no longer in the input, but the input has errors: nothing is pruned before they are mended"
        return replace(step, action=Action.BLOCKED, detail=detail)
    behaviour = lookup_behaviour(step.arm_type)
    request = plan_delete(data.endpoint, baseline.id, baseline.api_version, actual=actual, behaviour=behaviour)
    before = plan_before_delete(data.endpoint, actual, behaviour)
    return replace(step, action=Action.DELETE, detail="no longer in the input", requests=(*before, request))


def _links(finding: Finding) -> tuple[ResourceKey, ...]:
    """Return owner and references, each once, sorted."""
    desired = finding.desired
    links = {*desired.references, *((desired.owner,) if desired.owner is not None else ())}
    return tuple(sorted(links - {desired.key}))


def _precondition(finding: Finding) -> Precondition:
    actual = finding.actual
    return Precondition(
        generation=finding.desired.generation,
        etag=actual.etag if actual is not None else "",
        actual_hash=_hash_of(actual),
    )


def _hash_of(actual: ActualState | None) -> str:
    """Return the print of what Azure held; empty for what is not there."""
    if actual is None or actual.document is None:
        return ""
    return actual.body_hash or hashlib.blake2b(actual.document.raw, digest_size=16).hexdigest()


def _identify(steps: Sequence[Step]) -> PlanId:
    """Name the plan by its content: the same input has the same id."""
    digest = hashlib.blake2b(digest_size=8)
    for step in steps:
        if step.action is not Action.NOOP:
            sent = [(r.method, r.url, canonical(r.body)) for r in step.requests]
            digest.update(f"{step.key}{step.id}{step.action}{sent}{step.precondition}".encode())
    return PlanId(digest.hexdigest())
