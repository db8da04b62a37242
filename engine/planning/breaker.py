"""The breaker: a plan that deletes much at once waits until somebody confirms that this is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from engine.model.ids import ArmId
from engine.model.plan import Guard, Step
from engine.model.policy import Limits
from engine.planning.guard import DESTRUCTIVE

_MANY = 2
_OPTION = "--allow-mass-delete"


def guard_mass_delete(
    steps: Sequence[Step], *, managed: Mapping[str, int], owned: Mapping[ArmId, str], limits: Limits
) -> dict[str, Guard]:
    """Return the breaker of each namespace whose deletes have to wait.

    Too many are deleted when their count and their share both reach the limit, of the whole pass (then every
    namespace waits) or of one namespace. What goes with a deleted resource group counts too.

    Args:
        steps: All steps of the plan.
        managed: How many resources the input manages, per namespace.
        owned: Resources of objects, with the object's namespace.
        limits: Count and share.
    """
    lost = Counter(_lost(steps, owned))
    if not lost:
        return {}
    count, all_managed = lost.total(), sum(managed.values())
    if _is_much(count, all_managed, limits):
        breaker = _breaker(f"{count} of {all_managed} managed resources", limits)
        return dict.fromkeys((s.key.namespace for s in steps), breaker)
    found = {}
    for namespace, gone in sorted(lost.items()):
        if _is_much(gone, managed.get(namespace, 0), limits):
            where = f"{gone} of {managed.get(namespace, 0)} managed resources of namespace {namespace}"
            found[namespace] = _breaker(where, limits)
    return found


def guard_empty_input(steps: Sequence[Step], limits: Limits) -> dict[str, Guard]:
    """Return the breaker when an input without objects would delete several: a wrong folder looks just like that."""
    lost = [s.key.namespace for s in steps if s.action in DESTRUCTIVE]
    if len(lost) < _MANY:
        return {}
    return dict.fromkeys(lost, _breaker(f"the input holds no objects: all {len(lost)} that were applied", limits))


def _is_much(count: int, managed: int, limits: Limits) -> bool:
    return count >= limits.mass_delete_count and count >= limits.mass_delete_share * managed


def _breaker(what: str, limits: Limits) -> Guard:
    guard = Guard(name="mass-delete", text=f"{what} would be deleted at once", allow=f"pass {_OPTION}")
    return guard.allowed(_OPTION) if limits.allow_mass_delete else guard


def _lost(steps: Sequence[Step], owned: Mapping[ArmId, str]) -> Iterator[str]:
    """Yield the namespace of every resource that would go, each once."""
    deleted = [s for s in steps if s.action in DESTRUCTIVE]
    yield from (s.key.namespace for s in deleted)
    gone = {s.id.key for s in deleted if s.id is not None}
    if gone:
        yield from (where for i, where in owned.items() if i.key not in gone and _is_below(i.key, gone))


def _is_below(key: str, gone: set[str]) -> bool:
    """Whether something the id lies in goes."""
    parts = key.split("/")
    return any("/".join(parts[:n]) in gone for n in range(2, len(parts)))
