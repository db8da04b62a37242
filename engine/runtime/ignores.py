"""Ignore rules in a pass: rules for many objects join those of each, and rules that hide nothing are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from engine.desired.ignore import FleetRule, describe_idle, rules_for
from engine.desired.policy import IGNORE
from engine.model.change import DiffState
from engine.model.path import FieldPath
from engine.model.plan import Action, Step
from engine.model.policy import IgnoreRule
from engine.model.problem import Notice
from engine.model.state import DesiredState, Presence
from engine.planning.finding import Finding
from schemas.kind_types import Kind

_ANNOTATION = FieldPath(("metadata", "annotations", IGNORE))
_BODILESS = (Action.CREATE, Action.UNREADABLE, Action.DELETE, Action.WAIT)


def with_fleet_rules(state: DesiredState, fleet: Sequence[FleetRule], kind: Kind) -> DesiredState:
    """Return the state with the rules for many objects beside its own."""
    more = rules_for(fleet, state.key, kind)
    return replace(state, policy=replace(state.policy, ignore=(*state.policy.ignore, *more))) if more else state


def idle_notices(finding: Finding, today: date) -> Iterator[Notice]:
    """Yield a notice per line of the object's own annotation that hides nothing; silent where nothing was compared."""
    desired = finding.desired
    is_compared = finding.actual is not None and finding.actual.presence is Presence.PRESENT
    if not is_compared or finding.diff.state is DiffState.UNREADABLE:
        return
    for rule in desired.policy.ignore:
        if not rule.source and rule not in finding.diff.ignores:
            text = f"{desired.key}: {describe_idle(rule, today)}"
            yield Notice(text=text, origin=desired.origin, key=desired.key, path=_ANNOTATION)


def idle_fleet_notices(
    fleet: Sequence[FleetRule], steps: Iterable[Step], today: date, *, is_partial: bool
) -> list[Notice]:
    """Return a notice per place of a rule for many objects that hides nothing in any of them.

    Silent about rules in force when some resource was not looked at, or could not be compared: it may be the one.
    """
    if not fleet:
        return []
    all_steps = tuple(steps)
    used = {(rule.source, rule.pointer) for step in all_steps for rule in step.diff.ignores}
    is_whole = not is_partial and not any(step.action in _BODILESS for step in all_steps)
    out = []
    for rule in fleet:
        is_over = rule.until is not None and today > rule.until
        for pointer in rule.pointers:
            if (rule.source, pointer) not in used and (is_whole or is_over):
                line = IgnoreRule(
                    path=FieldPath.parse_pointer(pointer), until=rule.until, pointer=pointer, source=rule.source
                )
                out.append(Notice(text=describe_idle(line, today)))
    return out
