"""What a role is for: all kinds of a pattern, or just what some objects ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.cluster.exports import read_destinations, wanted_secrets
from engine.cluster.key_answers import calls_for
from engine.desired.identity import spec_of
from engine.model.ids import ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.state import CustomResource, DesiredState
from engine.planning.soft_delete import find_deleted_twin, lookup
from engine.planning.tags import takes_tags_api
from engine.rights.needs import Subject
from schemas.behaviour_types import Call
from schemas.behaviours import lookup_behaviour, lookup_kind_behaviour
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind, versions
from schemas.linked_actions import linked_actions

_READ = frozenset(("Get", "Head"))


def subjects_of_kinds(names: Iterable[tuple[str, str]]) -> Iterator[Subject]:
    """Yield one subject for each kind that is an ARM resource: whatever its objects may ask for."""
    for group, name in names:
        kind = lookup_kind(group, versions(group, name)[-1], name)
        if kind is not None and kind.is_arm:
            behaviour = lookup_kind_behaviour(group, name)
            calls = tuple(behaviour.calls.values()) if behaviour is not None else ()
            yield replace(_subject(kind), calls=calls, links=None)


def subjects_of_states(
    states: Iterable[DesiredState], resources: Mapping[ResourceKey, CustomResource]
) -> Iterator[Subject]:
    """Yield what these objects ask for, type by type: with what they export and name, without what they leave alone."""
    found: dict[str, Subject] = {}
    for state in states:
        kind = lookup_kind(state.key.group, state.key.version, state.key.kind)
        if kind is None:
            continue
        one = _subject_of(state, kind, resources[state.key])
        known = found.get(state.arm_type.lower())
        found[state.arm_type.lower()] = one if known is None else _merge(known, one)
    yield from found.values()


def _subject(kind: Kind) -> Subject:
    return Subject(
        arm_type=kind.arm_type,
        reads=bool(kind.operations & _READ),
        writes="Put" in kind.operations,
        deletes="Delete" in kind.operations,
        tags=_has_tags(kind) and takes_tags_api(kind.arm_type, kind.api_version),
        links=(),
    )


def _has_tags(kind: Kind) -> bool:
    return any(member.place == ("tags",) for member in kind.spec.members.values())


def _subject_of(state: DesiredState, kind: Kind, resource: CustomResource) -> Subject:
    base = replace(_subject(kind), twins=find_deleted_twin(state) is not None, purges=_purges(state))
    if state.policy.reconcile is ReconcilePolicy.SKIP:
        return replace(base, writes=False, deletes=False, purges=False, calls=_calls(state, resource))
    where = state.id.text if state.id is not None else ""
    links = tuple(action for action, _ in linked_actions(state.body, where, state.arm_type))
    detaches = state.policy.reconcile is ReconcilePolicy.DETACH_ON_DELETE
    return replace(base, deletes=base.deletes and not detaches, links=links, calls=_calls(state, resource))


def _purges(state: DesiredState) -> bool:
    behaviour = lookup_behaviour(state.arm_type)
    rule = behaviour.soft_delete if behaviour is not None else None
    return rule is not None and lookup(state.body, rule.mode_path) in rule.purges


def _calls(state: DesiredState, resource: CustomResource) -> tuple[Call, ...]:
    behaviour = lookup_kind_behaviour(state.key.group, state.key.kind)
    if behaviour is None:
        return ()
    wanted = read_destinations(spec_of(resource).get("operatorSpec"), behaviour)
    names = wanted_secrets(wanted, behaviour)
    keys = [key for key in behaviour.secrets if key.name in names]
    return calls_for([*keys, *(d.source for d in wanted if d.source is not None)], behaviour)


def _merge(one: Subject, other: Subject) -> Subject:
    calls = {call.name: call for call in (*one.calls, *other.calls)}
    return replace(
        one,
        writes=one.writes or other.writes,
        deletes=one.deletes or other.deletes,
        twins=one.twins or other.twins,
        purges=one.purges or other.purges,
        calls=tuple(calls.values()),
        links=tuple(dict.fromkeys((*(one.links or ()), *(other.links or ())))),
    )
