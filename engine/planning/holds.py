"""Guards from Azure's own locks and deny assignments: what they would refuse is known before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from engine.model.hold import Denial, HoldKind, Holds, Lock
from engine.model.ids import ArmId
from engine.model.plan import Guard, Request, Step
from engine.model.policy import Limits
from engine.planning.guard import DESTRUCTIVE

_DENIED = "--allow-denied"
_NAMED = 3
_TAGS = "/providers/microsoft.resources/tags/default"
_WORDS = {HoldKind.LOCK: "a lock", HoldKind.DENIAL: "a deny assignment"}


def guard_holds(step: Step, holds: Holds, limits: Limits) -> tuple[Guard, ...]:
    """Return what Azure would refuse of a step's requests; what could not be read is a warning of what destroys."""
    if step.id is None or not step.requests:
        return ()
    methods = [r.method for r in step.requests]
    guards = [_guard_lock(lock, methods) for lock in holds.locks if _forbids(lock, step.id, methods)]
    for denial in holds.denials:
        denied = next((a for a in _actions(step) if _denies(denial, step.id, a)), "")
        if denied:
            guards.append(_guard_denial(denial, denied, limits))
    if step.action in DESTRUCTIVE:
        guards += _guard_unread(step.id, holds)
    return tuple(guards)


def _forbids(lock: Lock, resource: ArmId, methods: list[str]) -> bool:
    """Whether a lock holds one of the requests back.

    1. A lock holds for what it was set on and for everything below.
    2. A delete is also held back by a lock on anything that would go with it.
    3. CanNotDelete forbids deletes, ReadOnly every write.
    """
    deletes = "DELETE" in methods
    if resource == lock.scope or resource.is_within(lock.scope):
        return deletes or lock.is_read_only
    return deletes and lock.scope.is_within(resource)


def _guard_lock(lock: Lock, methods: list[str]) -> Guard:
    level = "ReadOnly" if lock.is_read_only else "CanNotDelete"
    refused = "DELETE" if "DELETE" in methods else methods[0]
    return Guard(
        name=HoldKind.LOCK,
        text=f"the lock {lock.id.rpartition('/')[2]} ({level}) on {lock.scope} forbids it",
        effect=f"Azure would refuse the {refused} (ScopeLocked)",
        allow=f"take the lock away for as long as it takes: az lock delete --ids {lock.id}",
    )


def _actions(step: Step) -> Iterator[str]:
    """Yield the action that Azure checks for each request, in lower case."""
    for request in step.requests:
        yield action_of(request, step.arm_type)


def action_of(request: Request, arm_type: str) -> str:
    """Return the action that a request needs, in lower case: ``microsoft.storage/storageaccounts/write``."""
    path = request.url.partition("?")[0].lower()
    folded = arm_type.lower()
    if path.endswith(_TAGS):
        return "microsoft.resources/tags/write"
    if request.method == "POST":
        target, _, action = path.rpartition("/")
        return f"{ArmId(target[target.find('/subscriptions') :]).resource_type}/{action}/action"
    if folded == "microsoft.resources/resourcegroups":
        folded = "microsoft.resources/subscriptions/resourcegroups"
    return f"{folded}/{'delete' if request.method == 'DELETE' else 'write'}"


def _denies(denial: Denial, resource: ArmId, action: str) -> bool:
    if not any(_fits(p, action) for p in denial.actions) or any(_fits(p, action) for p in denial.not_actions):
        return False
    if resource == denial.scope:
        return True
    scope = denial.scope.key.rstrip("/")
    above = not scope or scope.startswith("/providers/microsoft.management/") or resource.is_within(denial.scope)
    return above and denial.children


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.lower().split("*")))


def _fits(pattern: str, action: str) -> bool:
    return _pattern(pattern).fullmatch(action) is not None


def _guard_denial(denial: Denial, action: str, limits: Limits) -> Guard:
    whom = f"everyone but {_names(denial.excluded)}" if denial.excluded else "everyone"
    if not denial.names_everyone:
        whom = f"{_names(denial.principals)}; whether this identity is one of them is not known"
    condition = ", under a condition that is not worked out here" if denial.conditional else ""
    guard = Guard(
        name=HoldKind.DENIAL,
        text=f"the deny assignment {denial.name} on {denial.scope} denies {action} to {whom}{condition}",
        effect="Azure would refuse the request (DenyAssignmentAuthorizationFailed)",
        allow=f"have what manages it let go: a deployment stack, a managed application ({denial.id})",
        blocks=denial.names_everyone,
    )
    if not denial.names_everyone or not (denial.excluded or denial.conditional):
        return guard
    guard = Guard(
        name=guard.name,
        text=guard.text,
        effect=f"{guard.effect}, unless this identity is excluded",
        allow=f"pass {_DENIED} if it is",
    )
    return guard.allowed(_DENIED) if limits.allow_denied else guard


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _guard_unread(resource: ArmId, holds: Holds) -> Iterator[Guard]:
    for unread in holds.unread:
        if resource == unread.scope or resource.is_within(unread.scope):
            text = f"whether {_WORDS[unread.kind]} forbids it could not be read"
            yield Guard(name=unread.kind, text=f"{text}: {unread.cause}", effect="Azure may refuse it", blocks=False)
