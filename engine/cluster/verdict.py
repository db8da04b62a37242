"""What a plan or an apply says of one object, as the Ready condition that users know."""

from __future__ import annotations

from dataclasses import replace

from engine.cluster import condition as ready
from engine.cluster.condition import Condition
from engine.desired.policy import RECONCILE_POLICY
from engine.errors import PolicyDeniedError, Remedy
from engine.model.ids import ResourceKey
from engine.model.plan import Action, Reason, Step
from engine.model.policy import DriftPolicy
from engine.model.result import Outcome, StepResult
from engine.model.state import Wait

_WRITTEN = (Outcome.CREATED, Outcome.UPDATED, Outcome.REPLACED, Outcome.UNCHANGED)
_NAMED = 3
_UNKNOWN_ERROR = "UnknownError"


def condition_of_step(step: Step, generation: int, *, is_there: bool) -> Condition | None:
    """Return what the object's owner should know of a decision; None where its condition has nothing new to say.

    Args:
        step: The decision; nothing was sent for it yet.
        generation: Of the object that was looked at.
        is_there: Azure holds the resource.
    """
    match step.action:
        case Action.NOOP:
            return _in_sync(step, generation)
        case Action.CREATE | Action.UPDATE | Action.REPLACE:
            return ready.reconciling(generation)
        case Action.DELETE:
            return ready.deleting(generation)
        case Action.WAIT:
            return _waiting(step, generation)
        case Action.SKIP:
            return _skipped(step, generation, is_there=is_there)
        case Action.BLOCKED:
            return ready.warning("ReconciliationBlocked", step.detail, generation)
        case Action.UNREADABLE:
            return ready.warning(_UNKNOWN_ERROR, step.detail, generation)
        case _:
            return None


def _in_sync(step: Step, generation: int) -> Condition | None:
    if step.reason is not Reason.IN_SYNC:
        return None
    return ready.reconciling(generation) if step.detail else ready.succeeded(generation)


def _skipped(step: Step, generation: int, *, is_there: bool) -> Condition | None:
    """Skip mode looks only; drift that is left alone does not make the object less ready, but is told."""
    if step.reason is Reason.POLICY_SKIP and not is_there:
        return ready.warning("AzureResourceNotFound", f"{step.id} does not exist in Azure", generation)
    return replace(ready.succeeded(generation), message=_left_alone(step))


def _left_alone(step: Step) -> str:
    """Return what differs in Azure and stays so; empty where nobody wants to hear of it."""
    if step.desired is None:
        return ""
    if step.reason is Reason.POLICY_SKIP:
        return "; ".join(w for w in step.desired.policy.warnings if RECONCILE_POLICY in w)
    if step.desired.policy.drift is DriftPolicy.IGNORE:
        return ""
    places = [change.path.text for change in step.changes]
    if not places or step.reason is not Reason.DRIFT_POLICY:
        return step.detail
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"Azure differs at {', '.join(places[:_NAMED])}{more}; {step.detail}"


def _waiting(step: Step, generation: int) -> Condition:
    match step.reason:
        case Reason.WAITING_FOR_OWNER:
            return ready.warning("WaitingForOwner", _owner_text(step.waits) or step.detail, generation)
        case Reason.WAITING_FOR_REFERENCE:
            return ready.warning("ReferenceNotFound", _told(step), generation)
        case Reason.WAITING_FOR_INPUT:
            is_secret = any(w.secret_only for w in step.waits)
            return ready.warning("SecretNotFound" if is_secret else "ConfigMapNotFound", _told(step), generation)
        case Reason.NOT_SETTLED:
            return ready.warning("ReconciliationBlocked", step.detail, generation)
        case _:
            return ready.warning("Failed", step.detail, generation)


def _told(step: Step) -> str:
    """Return what a step waits for; where ASO has a sentence of its own, that is what alerting rules look for."""
    return "; ".join(dict.fromkeys(w.told or w.text for w in step.waits)) or step.detail


def _owner_text(waits: tuple[Wait, ...]) -> str:
    owner = next((w.on for w in waits if w.path is None and w.on is not None), None)
    return owner_missing(owner) if owner is not None else ""


def owner_missing(owner: ResourceKey) -> str:
    """Return ASO's sentence for an owner that is not there, or not ready."""
    name = f"{owner.name}, Group/Kind: {owner.group}/{owner.kind}"
    return f'Owner "{name}" cannot be found. Progress is blocked until the owner is created.'


def condition_of_result(result: StepResult, generation: int) -> Condition | None:
    """Return what the object's owner should know of how a step ended; None for what never began."""
    if result.outcome in _WRITTEN:
        return ready.succeeded(generation)
    if result.outcome is not Outcome.FAILED:
        return None
    code = result.code or result.reason or _UNKNOWN_ERROR
    is_final = result.remedy is Remedy.ASK and result.reason != PolicyDeniedError.reason
    say = ready.error if is_final else ready.warning
    return say(code, result.said or result.cause, generation)
