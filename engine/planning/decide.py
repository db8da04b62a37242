"""One resource: its diff and its policy become an action and a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.compare.leaving import RULE as LEFT
from engine.compare.returning import describe_return, does_not_converge
from engine.compare.unsent import has_unsent
from engine.errors import InvalidSpecError
from engine.model.change import ChangeOrigin, DiffState
from engine.model.document import UNKNOWN
from engine.model.ids import ResourceKey
from engine.model.plan import Action, Guard, Reason
from engine.model.policy import ALLOW_OBJECTS, ALLOW_REPLACE, Limits, ReconcilePolicy
from engine.model.state import Presence, Wait
from engine.planning.finding import Finding
from schemas.behaviours import lookup_behaviour
from schemas.operations import TypeOperations

_BUSY_WORDS = "Azure is still working on it"
_REWRITTEN = Guard(
    name="not-converging",
    text="what differs was put right before and moved back to the same value",
    effect="it is written once more, and may move back again",
    allow="pass --allow-rewrite",
).allowed("--allow-rewrite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action with its explanation; requests come later."""

    action: Action
    reason: Reason
    detail: str = ""
    notes: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()


def decide(finding: Finding, operations: TypeOperations | None, limits: Limits) -> Decision:
    """Choose what to do with one resource.

    Args:
        finding: Desired, actual and their diff.
        operations: REST facts of the type; None when nothing is known of it.
        limits: What this run allows.
    """
    desired = finding.desired
    if desired.deleting:
        return _decide_delete(finding, operations)
    if desired.policy.reconcile is ReconcilePolicy.SKIP:
        return Decision(action=Action.SKIP, reason=Reason.POLICY_SKIP, detail="its reconcile-policy is skip")
    if desired.id is None or finding.actual is None:
        return _wait(desired.waits)
    busy = _busy_owner(finding)
    if busy:
        return Decision(action=Action.WAIT, reason=Reason.NOT_SETTLED, detail=busy)
    if finding.actual.presence is Presence.UNREADABLE:
        return Decision(action=Action.UNREADABLE, reason=Reason.UNREADABLE, detail=finding.actual.cause)
    if finding.actual.presence is Presence.ABSENT:
        return _decide_absent(finding)
    return _decide_present(finding, operations, limits)


def _decide_delete(finding: Finding, operations: TypeOperations | None) -> Decision:
    policy = finding.desired.policy.reconcile
    if policy is not ReconcilePolicy.MANAGE:
        return Decision(action=Action.FORGET, reason=Reason.DETACHED, detail=f"its reconcile-policy is {policy}")
    actual = finding.actual
    if actual is None or actual.presence is Presence.ABSENT:
        return Decision(action=Action.NOOP, reason=Reason.OBJECT_DELETED, detail="it is gone from Azure")
    if actual.presence is Presence.UNREADABLE:
        return Decision(action=Action.UNREADABLE, reason=Reason.UNREADABLE, detail=actual.cause)
    if operations is not None and "DELETE" not in operations.methods:
        return Decision(action=Action.FORGET, reason=Reason.OBJECT_DELETED, detail="Azure cannot delete it by itself")
    return Decision(action=Action.DELETE, reason=Reason.OBJECT_DELETED, detail="the object is being deleted")


def _decide_absent(finding: Finding) -> Decision:
    desired = finding.desired
    if desired.waits:
        return _wait(desired.waits)
    if finding.diff.state is not DiffState.DRIFTED:
        return Decision(action=Action.CREATE, reason=Reason.MISSING, detail="it does not exist in Azure")
    if desired.policy.why_drift_stays:
        detail = f"it was deleted in Azure; {desired.policy.why_drift_stays}"
        return Decision(action=Action.SKIP, reason=Reason.DRIFT_POLICY, detail=detail)
    return Decision(action=Action.CREATE, reason=Reason.DRIFTED, detail="it was deleted in Azure since the last apply")


def _decide_present(finding: Finding, operations: TypeOperations | None, limits: Limits) -> Decision:
    desired, diff = finding.desired, finding.diff
    notes = _notes(finding)
    if finding.provisioning.lower() in ("deleting", "deprovisioning"):
        return Decision(action=Action.WAIT, reason=Reason.NOT_SETTLED, detail="Azure is deleting it")
    if not finding.settled and finding.provisioning.lower() not in ("failed", "canceled"):
        if diff.changes:
            return Decision(
                action=Action.WAIT,
                reason=Reason.NOT_SETTLED,
                detail=f"{_BUSY_WORDS} (provisioningState {finding.provisioning})",
            )
        return Decision(action=Action.NOOP, reason=Reason.IN_SYNC, detail=_BUSY_WORDS, notes=notes)
    if not diff.changes and finding.settled:
        return Decision(action=Action.NOOP, reason=Reason.IN_SYNC, notes=notes)
    closed = _closed_gate(finding)
    if closed:
        detail = f"Azure takes no changes in its state ({closed})"
        return Decision(action=Action.WAIT, reason=Reason.NOT_SETTLED, detail=detail)
    if any(c.after is UNKNOWN for c in diff.changes):
        return _wait(tuple(w for w in desired.waits if not w.secret_only) or desired.waits)
    if not finding.settled and (finding.baseline is not None or limits.adopt):
        left = _decide_changed(finding, operations, limits, notes) if diff.changes else None
        if left is not None and left.action is Action.SKIP:
            return left
        detail = f"its last operation ended as {finding.provisioning}"
        return Decision(action=Action.UPDATE, reason=Reason.NOT_SETTLED, detail=detail, notes=notes)
    return _decide_changed(finding, operations, limits, notes)


def _closed_gate(finding: Finding) -> str:
    """Return the state in which the type refuses changes; empty when nothing speaks against a write."""
    behaviour = lookup_behaviour(finding.desired.arm_type)
    document = finding.actual.document if finding.actual is not None else None
    if behaviour is None or behaviour.gate is None or document is None or behaviour.gate.is_open(document.value):
        return ""
    return ", ".join(behaviour.gate.read(document.value))


def _busy_owner(finding: Finding) -> str:
    """Return the state of the owner in which the type takes no requests; empty when nothing speaks against one."""
    behaviour = lookup_behaviour(finding.desired.arm_type)
    document = finding.owner.document if finding.owner is not None else None
    if behaviour is None or behaviour.owner_gate is None or document is None:
        return ""
    if behaviour.owner_gate.is_open(document.value):
        return ""
    state = ", ".join(behaviour.owner_gate.read(document.value))
    return f"Azure takes no changes in the state of its owner ({state})"


def _decide_changed(
    finding: Finding, operations: TypeOperations | None, limits: Limits, notes: tuple[str, ...]
) -> Decision:
    desired, diff = finding.desired, finding.diff
    if finding.baseline is None and not limits.adopt:
        return Decision(
            action=Action.ADOPT,
            reason=Reason.DIFFERS if diff.changes else Reason.NOT_SETTLED,
            detail="it exists already and was never applied from here; --adopt writes it",
            notes=notes,
        )
    if diff.state is DiffState.DRIFTED and desired.policy.why_drift_stays:
        detail = desired.policy.why_drift_stays
        return Decision(action=Action.SKIP, reason=Reason.DRIFT_POLICY, detail=detail, notes=notes)
    has_returned = does_not_converge(finding.diff, finding.baseline)
    if has_returned and not limits.allow_rewrite:
        detail = describe_return(finding.diff)
        return Decision(action=Action.SKIP, reason=Reason.NOT_CONVERGING, detail=detail, notes=notes)
    fixed = create_only_paths(finding, operations)
    if fixed:
        return _decide_replace(finding, limits, fixed, notes)
    guards = (_REWRITTEN,) if has_returned else ()
    return Decision(action=Action.UPDATE, reason=_reason(finding), notes=notes, guards=guards)


def _decide_replace(finding: Finding, limits: Limits, fixed: tuple[str, ...], notes: tuple[str, ...]) -> Decision:
    desired = finding.desired
    detail = f"{', '.join(fixed)} can only be set when it is created"
    policy = desired.policy
    option = f"--allow-replace {desired.key}"
    guard = Guard(
        name="replace",
        text=f"{', '.join(fixed)} cannot be changed",
        effect="it would be deleted and created anew, with what lies in it",
        allow=f"pass {option}, or set {ALLOW_REPLACE} to its generation",
    )
    action = Action.REPLACE
    if str(desired.key) in limits.allow_replace:
        guard = guard.allowed(option)
    elif policy.allow_replace is not None and policy.allow_replace == desired.generation:
        guard = guard.allowed(ALLOW_REPLACE)
    else:
        action, detail = Action.BLOCKED, f"{detail}; to delete and create it anew: {option}"
    return Decision(action=action, reason=Reason.IMMUTABLE_CHANGE, detail=detail, notes=notes, guards=(guard,))


def resolve_approvals(limits: Limits, keys: Iterable[ResourceKey]) -> Limits:
    """Return the limits with the objects that approvals name as full names.

    Raises:
        InvalidSpecError: A name means no object, or more than one: an approval to delete must not be guessed.
    """
    if not limits.names_objects:
        return limits
    known = list(keys)

    def full(option: str) -> frozenset[str]:
        return frozenset(_full_name(option, name, known) for name in sorted(getattr(limits, ALLOW_OBJECTS[option])))

    return replace(
        limits,
        allow_replace=full("--allow-replace"),
        allow_protected=full("--allow-protected"),
        allow_subscription=full("--allow-subscription"),
    )


def _full_name(option: str, name: str, known: Iterable[ResourceKey]) -> str:
    wanted = name.lower()
    found = [k for k in known if wanted in (str(k).lower(), f"{k.kind}/{k.name}".lower(), k.name.lower())]
    if len(found) != 1:
        what = f"means {len(found)} objects: {', '.join(map(str, found[:3]))}" if found else "means no object"
        raise InvalidSpecError(f"{option} {name} {what}", hint="name one as namespace/Kind/name")
    return str(found[0])


def create_only_paths(finding: Finding, operations: TypeOperations | None) -> tuple[str, ...]:
    """Return changed places that Azure only takes at creation, in the reader's form, sorted."""
    out = set()
    for change in finding.diff.changes:
        names = tuple(s if isinstance(s, str) else "[]" for s in change.path.segments)
        if names == ("location",) or (operations is not None and operations.is_create_only(names)):
            out.add(change.path.text)
    return tuple(sorted(out))


def _reason(finding: Finding) -> Reason:
    origins = {c.origin for c in finding.diff.changes}
    if ChangeOrigin.BOTH in origins or {ChangeOrigin.USER, ChangeOrigin.DRIFT} <= origins:
        return Reason.CONFLICTED
    if ChangeOrigin.DRIFT in origins:
        return Reason.DRIFTED
    return Reason.SPEC_CHANGED if ChangeOrigin.USER in origins else Reason.DIFFERS


def _notes(finding: Finding) -> tuple[str, ...]:
    desired, document = finding.desired, finding.actual.document if finding.actual is not None else None
    left = [s.path.text for s in finding.diff.suppressed if s.rule == LEFT]
    notes = (f"drift is left alone at {', '.join(left)}: {desired.policy.why_drift_stays}",) if left else ()
    is_missing = any(w.secret_only for w in desired.waits)
    if is_missing or (document is not None and has_unsent(desired.body, document.value, finding.baseline)):
        return ("secret not compared", *notes)
    return notes


def _wait(waits: tuple[Wait, ...]) -> Decision:
    """Explain a wait by its first cause: the owner, a referenced object, or an input."""
    first = waits[0] if waits else Wait(text="its owner is not known")
    if first.path is None:
        reason = Reason.WAITING_FOR_OWNER
    elif first.on is not None:
        reason = Reason.WAITING_FOR_REFERENCE
    else:
        reason = Reason.WAITING_FOR_INPUT
    return Decision(
        action=Action.WAIT, reason=reason, detail="; ".join(dict.fromkeys(w.text for w in waits)) or first.text
    )
