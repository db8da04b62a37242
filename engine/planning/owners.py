"""Signs that somebody else manages a resource: an ASO controller, Azure itself, or a tool that leaves tags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from engine.model.ids import ArmId
from engine.model.plan import Action, Guard, Step
from engine.model.policy import Limits
from schemas.behaviours import is_managed_by_relation, owner_marks

_OPTION = "--allow-other-owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What tells of another owner, and how it would be taken away for good."""

    owner: str
    text: str
    release: str


def guard_owner(step: Step, held: object, owned: Collection[ArmId], limits: Limits) -> tuple[Guard, ...]:
    """Return one guard per other owner of a resource that is to be written.

    What the object itself asks for is no sign: whoever writes the same tag is the same owner.

    Args:
        step: The decision.
        held: The body that Azure holds; anything else when there is none.
        owned: Resources of objects; what they manage is ours.
        limits: What this run allows.
    """
    body = held if isinstance(held, Mapping) else {}
    found: dict[str, Guard] = {}
    for sign in (*_claims(step), *_managers(step, body, owned), *_tags(step, body)):
        effect = (
            "what that owner manages would be deleted" if step.action is Action.DELETE else "two owners would write"
        )
        guard = Guard(
            name="other-owner",
            text=sign.text,
            effect=effect,
            allow=f"pass {_OPTION}; for good: {sign.release}",
        )
        found.setdefault(sign.owner, guard.allowed(_OPTION) if limits.allow_other_owner else guard)
    return tuple(found.values())


def _claims(step: Step) -> Iterator[Sign]:
    """Yield the ASO controller that claimed the object: it notes its namespace there and writes until it is gone."""
    namespace = step.desired.policy.operator if step.desired is not None else ""
    if namespace:
        yield Sign(
            owner="aso",
            text=f"a controller in namespace {namespace} (ASO, or Trueup in its place) has claimed its object; "
            "whether it still runs is not known",
            release="stop that controller and remove the annotation serviceoperator.azure.com/operator-namespace",
        )


def manager_of(body: object) -> ArmId | None:
    """Return the resource that Azure says manages another one; None when it says nothing."""
    manager = body.get("managedBy") if isinstance(body, Mapping) else None
    return ArmId(manager) if isinstance(manager, str) and manager else None


def _managers(step: Step, body: Mapping[str, Any], owned: Collection[ArmId]) -> Iterator[Sign]:
    """Yield the Azure resource that manages this one, as ARM's own member ``managedBy`` says."""
    manager = manager_of(body)
    if manager is None or is_managed_by_relation(step.arm_type):
        return
    wanted = step.desired.body.get("managedBy") if step.desired is not None else None
    if manager in owned or (isinstance(wanted, str) and ArmId(wanted) == manager):
        return
    yield Sign(
        owner=manager.key,
        text=f"Azure says that {manager} manages it (managedBy)",
        release="leave it to that resource",
    )


def _tags(step: Step, body: Mapping[str, Any]) -> Iterator[Sign]:
    tags = body.get("tags")
    wanted = step.desired.body.get("tags") if step.desired is not None else None
    own = {str(name).lower() for name in wanted} if isinstance(wanted, Mapping) else set()
    for name, value in sorted(tags.items()) if isinstance(tags, Mapping) else ():
        if name.lower() in own:
            continue
        for mark in owner_marks():
            if fnmatchcase(name.lower(), mark.tag) and fnmatchcase(str(value).lower(), mark.value):
                yield Sign(
                    owner=mark.owner,
                    text=f"its tag {name}={value} is how {mark.owner} marks what it manages",
                    release="remove the tag once that tool has let go of it",
                )
