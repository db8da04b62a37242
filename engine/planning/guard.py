"""What speaks against writing one resource, as data on its step: what was found, what would happen, how to allow it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from engine.model.ids import ArmId
from engine.model.plan import Action, Guard, Reason, Step
from engine.model.policy import Limits, ObjectPolicy
from schemas.behaviours import why_data_bearing

DESTRUCTIVE = (Action.DELETE, Action.REPLACE)
DATA_LOSS = "--allow-data-loss"
_ALIASES = "microsoft.subscription/aliases"
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is known about a resource beside its object.

    Attributes:
        unowned: Contents of a resource group that no object owns; None when they could not be read.
    """

    unowned: tuple[ArmId, ...] | None = field(default=())


def guard_step(step: Step, policy: ObjectPolicy, limits: Limits, around: Surroundings) -> tuple[Guard, ...]:
    """Return what speaks against deleting, purging or replacing this one resource.

    Args:
        step: The decision.
        policy: The object's annotations.
        limits: What this run allows.
        around: What else is known.
    """
    guards = [_allow_flag(_PURGE, DATA_LOSS, limits.allow_data_loss)] if _posts(step, "purge") else []
    if step.action not in DESTRUCTIVE:
        return tuple(guards)
    if policy.protect:
        guards.append(_guard_protect(step, limits))
    if step.arm_type.lower() == _ALIASES:
        guards.append(_guard_subscription(step, limits))
    why = why_data_bearing(step.arm_type)
    if why:
        found = Guard(name="data-bearing", text=f"it holds {why}", effect="that would be lost for good")
        guards.append(_allow_flag(found, DATA_LOSS, limits.allow_data_loss))
    contents = _guard_contents(around.unowned, limits)
    return (*guards, contents) if contents is not None else tuple(guards)


_PURGE = Guard(
    name="purge",
    text="a deleted resource of this name can still be recovered",
    effect="it would be purged for good, with what it holds",
)


def _allow_flag(guard: Guard, option: str, given: bool) -> Guard:
    """Return the guard with the option that allows it, as a warning where it was given."""
    guard = replace(guard, allow=f"pass {option}")
    return guard.allowed(option) if given else guard


def allow_object(guard: Guard, option: str, step: Step, named: frozenset[str]) -> Guard:
    """Return the guard with the option that allows it for this object, as a warning where it was given for it."""
    full = f"{option} {step.key}"
    guard = replace(guard, allow=f"pass {full}{f', or {guard.allow}' if guard.allow else ''}")
    return guard.allowed(full) if str(step.key) in named else guard


def _guard_protect(step: Step, limits: Limits) -> Guard:
    remove = "remove the annotation" if step.desired is not None else ""
    found = Guard(
        name="protect",
        text="trueup.dev/protect is set on its object",
        effect=f"it would be {_past(step.action)} all the same",
        allow=remove,
    )
    return allow_object(found, "--allow-protected", step, limits.allow_protected)


def _guard_subscription(step: Step, limits: Limits) -> Guard:
    cancelled = "the subscription would be cancelled, with everything in it"
    left = "only the alias would go: the subscription stays, costs, and nothing manages it"
    found = Guard(
        name="subscription",
        text="it is the alias that a subscription was made with",
        effect=cancelled if _posts(step, "cancel") else left,
    )
    return allow_object(found, "--allow-subscription", step, limits.allow_subscription)


def _guard_contents(unowned: tuple[ArmId, ...] | None, limits: Limits) -> Guard | None:
    if unowned is None:
        return Guard(
            name="unowned-contents",
            text="what the resource group contains could not be read",
            effect="everything in it would be deleted, also what no object asks for",
            allow="let this identity read the group, or delete the group by hand",
        )
    if not unowned:
        return None
    more = f" and {len(unowned) - _NAMED} more" if len(unowned) > _NAMED else ""
    names = ", ".join(i.name for i in unowned[:_NAMED]) + more
    found = Guard(
        name="unowned-contents",
        text=f"the group also holds {names}, which no object asks for",
        effect=f"{'it' if len(unowned) == 1 else 'they'} would be deleted too",
    )
    return _allow_flag(found, DATA_LOSS, limits.allow_data_loss)


def _posts(step: Step, action: str) -> bool:
    """Whether the step sends an action of this name."""
    return any(r.method == "POST" and r.url.partition("?")[0].lower().endswith(f"/{action}") for r in step.requests)


def _past(action: Action) -> str:
    return "deleted" if action is Action.DELETE else "deleted and created anew"


def block(step: Step, guards: tuple[Guard, ...]) -> Step:
    """Attach guards; a guard that blocks turns the step into a blocked one without requests."""
    if not guards:
        return step
    held = (*step.guards, *guards)
    reasons = [f"{g.sentence}; to allow it once: {g.allow}" if g.allow else g.sentence for g in guards if g.blocks]
    if not reasons:
        return replace(step, guards=held)
    return replace(
        step,
        action=Action.BLOCKED,
        reason=Reason.GUARDED,
        detail="; ".join(reasons),
        requests=(),
        fallback=None,
        guards=held,
    )
