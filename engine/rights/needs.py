"""Which actions a mode needs for resources of which types, and what for."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.rights.actions import path_action, type_action
from schemas.behaviour_types import Behaviour, Call
from schemas.behaviours import lookup_behaviour
from schemas.linked_actions import joined_actions
from schemas.poll_actions import poll_actions

_ALWAYS_REGISTERED: Final = frozenset(("microsoft.authorization", "microsoft.resources"))
_EVERYTHING: Final = "*/read"
_CONTENTS: Final = "Microsoft.Resources/subscriptions/resourceGroups/resources/read"
_LOCKS: Final = "Microsoft.Authorization/locks/read"
_DENIALS: Final = "Microsoft.Authorization/denyAssignments/read"
_ROLES: Final = "Microsoft.Authorization/roleDefinitions/read"
_TAGS: Final = "Microsoft.Resources/tags/write"
_GROUPS: Final = "microsoft.resources/resourcegroups"


class Mode(enum.StrEnum):
    """What is done with Azure."""

    WATCH = "watch"
    PLAN = "plan"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked after: all resources of one type.

    Attributes:
        reads, writes, deletes: Whether that is ever asked for.
        twins, purges: A deleted resource of the same name may be asked for; it may be purged.
        tags: Its tags may be changed alone, by the API for tags.
        calls: Requests beside its own: for what is exported.
        links: Actions that its bodies take elsewhere; None: any of them may name it, so what it is named by counts.
    """

    arm_type: str
    reads: bool = True
    writes: bool = True
    deletes: bool = True
    twins: bool = True
    purges: bool = True
    tags: bool = False
    calls: tuple[Call, ...] = ()
    links: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One action, and what it is for."""

    action: str
    purpose: str


def deletes_groups(subjects: Iterable[Subject]) -> bool:
    """Whether resource groups may be deleted, with all that is in them."""
    return any(subject.deletes and subject.arm_type.lower() == _GROUPS for subject in subjects)


def list_needs(
    subjects: Iterable[Subject], mode: Mode, *, registers: bool, whole_groups: bool = False
) -> Iterator[Need]:
    """Yield everything that the mode needs; an action may come for several reasons.

    Plan and watch need the same: both plan, and only look.

    Args:
        subjects: What is looked after.
        mode: What is done with it.
        registers: Resource providers may have to be registered.
        whole_groups: Whatever is in a resource group is to be seen before the group is deleted.
    """
    if whole_groups:
        yield Need(_EVERYTHING, "see all that would go with a resource group")
    for subject in subjects:
        behaviour = lookup_behaviour(subject.arm_type)
        yield from _reading(subject, behaviour)
        if mode is Mode.MANAGE:
            yield from _writing(subject, behaviour, registers=registers)
    yield Need(_LOCKS, "locks that hold back a request are told in the plan")
    yield Need(_DENIALS, "deny assignments that hold back a request are told in the plan")


def _reading(subject: Subject, behaviour: Behaviour | None) -> Iterator[Need]:
    name = subject.arm_type
    if subject.reads:
        yield Need(type_action(name, "read"), f"compare {name}")
    if name.lower() == _GROUPS:
        yield Need(_CONTENTS, "tell what would go with a resource group")
    if behaviour is None:
        return
    if behaviour.owner_gate is not None:
        yield Need(type_action(name.rpartition("/")[0], "read"), f"the owner of {name} must be ready")
    if behaviour.soft_delete is not None and subject.twins:
        where = path_action("GET", behaviour.soft_delete.deleted_url)
        yield Need(where, f"a deleted resource may hold the name of {name}")
    if behaviour.resolves_role:
        yield Need(_ROLES, "find roles by their names")


def _writing(subject: Subject, behaviour: Behaviour | None, *, registers: bool) -> Iterator[Need]:
    name = subject.arm_type
    for call in subject.calls:
        yield Need(_call_action(call, name), f"{call.name} of {name}")
    if not (subject.writes or subject.deletes):
        return
    if subject.writes:
        yield from _changing(subject, registers=registers)
    if subject.deletes:
        yield Need(type_action(name, "delete"), f"delete {name}")
    for action in poll_actions(name):
        yield Need(action, f"follow operations of {name}")
    for call in _calls_around(behaviour, deletes=subject.deletes):
        yield Need(_call_action(call, name), f"{call.name} of {name}")
    if behaviour is not None and behaviour.soft_delete is not None and subject.purges:
        where = path_action("POST", behaviour.soft_delete.purge_url)
        yield Need(where, f"purge a deleted {name}, where an object asks for that")


def _changing(subject: Subject, *, registers: bool) -> Iterator[Need]:
    name, namespace = subject.arm_type, subject.arm_type.partition("/")[0]
    yield Need(type_action(name, "write"), f"create and update {name}")
    if subject.tags:
        yield Need(_TAGS, "change tags and nothing else")
    links = joined_actions(name) if subject.links is None else subject.links
    for action in links:
        yield Need(action, "name a resource that others join")
    if registers and namespace.lower() not in _ALWAYS_REGISTERED:
        yield Need(f"{namespace}/register/action", f"register {namespace} where a subscription does not use it yet")


def _calls_around(behaviour: Behaviour | None, *, deletes: bool) -> Iterator[Call]:
    if behaviour is None:
        return
    if behaviour.post_check is not None and behaviour.post_check.call is not None:
        yield behaviour.post_check.call
    if deletes:
        yield from behaviour.before_delete


def _call_action(call: Call, arm_type: str) -> str:
    """Return the action of a call. Where its path is a link in the status, the member is named as its type."""
    namespace, *types = arm_type.split("/")
    if call.path.startswith("{id}"):
        own = "/".join(f"{word}/x" for word in types)
        return path_action(call.method, f"/providers/{namespace}/{own}{call.path.removeprefix('{id}')}")
    if call.path.startswith("{status."):
        member = call.path.removeprefix("{status.").partition("[")[0].partition(".")[0]
        return path_action(call.method, f"/providers/{namespace}/{member}/x")
    return path_action(call.method, call.path)
