"""What is wrong between the objects of an input, in words: doubles, clashes, cycles, specs that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from engine.desired.identity import Identity, ObjectIdentity
from engine.desired.policy import BASELINE, parse_policy
from engine.errors import InvalidSpecError
from engine.model.ids import ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource

_NAMED: Final = 10
"""Objects that one message names; with more, messages about many objects would grow with their square."""


def check_readable(resource: CustomResource) -> Problem | None:
    """Return what keeps a spec from being read: a cluster hands over bytes, and they may be nested too deeply."""
    try:
        _ = resource.spec.value
    except ValueError as exc:
        error = InvalidSpecError(f"{resource.key} cannot be read", detail=f"its spec is {exc}")
        return Problem(error=error, origin=resource.origin, key=resource.key)
    return None


def find_unique(resources: Sequence[CustomResource]) -> tuple[Sequence[CustomResource], list[Problem], list[Notice]]:
    """Return objects without doubles. Two that differ are both left out: nobody can say which one is meant."""
    by_identity: dict[ObjectIdentity, list[CustomResource]] = {}
    for resource in resources:
        by_identity.setdefault(resource.key.identity, []).append(resource)
    if len(by_identity) == len(resources):
        return resources, [], []
    unique = [same[0] for same in by_identity.values() if _are_equal(same)]
    doubles = [same for same in by_identity.values() if len(same) > 1]
    notices = [_same(same) for same in doubles if _are_equal(same)]
    return unique, [_different(same) for same in doubles if not _are_equal(same)], notices


def find_moved(
    before: Sequence[CustomResource], now: Sequence[CustomResource]
) -> tuple[dict[ObjectIdentity, CustomResource], frozenset[ObjectIdentity]]:
    """Return what is new or another object than before, and who is gone; both inputs are without doubles.

    Objects at both ends that are the very same cost next to nothing.
    """
    first = next((n for n, (one, other) in enumerate(zip(before, now, strict=False)) if one is not other), None)
    if first is None:
        first = min(len(before), len(now))
    most = min(len(before), len(now)) - first
    ends = zip(reversed(before), reversed(now), strict=False)
    last = next((n for n, (one, other) in enumerate(ends) if n == most or one is not other), most)
    old = {r.key.identity: r for r in before[first : len(before) - last]}
    new = {r.key.identity: r for r in now[first : len(now) - last]}
    return {i: r for i, r in new.items() if old.get(i) is not r}, frozenset(old.keys() - new.keys())


def _are_equal(same: Sequence[CustomResource]) -> bool:
    first = same[0]
    return all(
        other.key.version == first.key.version
        and _asking(other.annotations) == _asking(first.annotations)
        and other.spec == first.spec
        for other in same[1:]
    )


def _asking(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that somebody wrote: what we remember asks for nothing."""
    return {name: text for name, text in annotations.items() if name != BASELINE}


def _same(same: Sequence[CustomResource]) -> Notice:
    first = same[0]
    text = f"{first.key} is there {len(same)} times, with the same content: {_places(same)}"
    return Notice(text=text, origin=first.origin, key=first.key)


def _different(same: Sequence[CustomResource]) -> Problem:
    first = same[0]
    summary = f"{first.key} is there {len(same)} times, with different content"
    error = InvalidSpecError(summary, detail=_places(same), hint="keep one")
    return Problem(error=error, origin=first.origin, key=first.key)


def _places(same: Sequence[CustomResource]) -> str:
    named = ", ".join(resource.origin or "unknown place" for resource in same[:_NAMED])
    return named + _rest(len(same) - _NAMED)


def is_writing(resource: CustomResource) -> bool:
    """Whether an object is not one that leaves Azure alone."""
    policy = parse_policy(resource.annotations, resource.namespace_annotations)
    return policy.reconcile is not ReconcilePolicy.SKIP


def tell_clash(identity: Identity, same: Sequence[Identity]) -> Problem:
    """Say that an object stands for the same resource as others."""
    resource = identity.resource
    others = [other.resource for other in islice(same, _NAMED + 1) if other is not identity][:_NAMED]
    named = ", ".join(f"{other.key} ({other.origin})" if other.origin else str(other.key) for other in others)
    named += _rest(len(same) - 1 - len(others))
    error = InvalidSpecError(
        f"{resource.key} stands for the same Azure resource as another object",
        detail=f"{identity.id}, also {named}",
        hint="remove one, or annotate all but one with serviceoperator.azure.com/reconcile-policy: skip",
    )
    return Problem(error=error, origin=resource.origin, key=resource.key)


def tell_cycle(members: Sequence[CustomResource]) -> Problem:
    """Say that owners form a cycle."""
    first = min(members, key=lambda member: member.key)
    at = members.index(first)
    keys = [member.key for member in (*members[at:], *members[:at])]
    error = InvalidSpecError("owners form a cycle", detail=describe_circle(keys), hint="give one of them another owner")
    return Problem(error=error, origin=first.origin, key=first.key)


def describe_circle(keys: Sequence[ResourceKey]) -> str:
    """Return the names along a cycle, the first once more at the end."""
    shown = " -> ".join(str(key) for key in keys[:_NAMED])
    return f"{shown}{_rest(len(keys) - _NAMED)} -> {keys[0]}"


def _rest(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
