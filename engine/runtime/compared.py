"""Two states of the same resources: of two inputs, of two recordings, of an input and Azure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.compare.subject import Subject
from engine.compare.versions import compare_versions
from engine.desired.index import Index
from engine.model.change import DiffState, ResourceDiff
from engine.model.document import Body
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Plan, Step
from engine.model.state import ActualState, DesiredState, Presence
from engine.reporting.comparison import Compared, Standing
from engine.runtime.recording import Recording


def compare_inputs(first: Iterable[DesiredState], second: Iterable[DesiredState]) -> tuple[Compared, ...]:
    """Return how the objects of two inputs differ in what they ask for, by object."""
    old = {state.key.identity: state for state in first}
    new = {state.key.identity: state for state in second}
    return tuple(_of_objects(old.get(k), new.get(k)) for k in sorted(old.keys() | new.keys()))


def _of_objects(old: DesiredState | None, new: DesiredState | None) -> Compared:
    state = new or old
    assert state is not None
    where = state.id.text if state.id is not None else ""
    subject = Subject(arm_type=state.arm_type, api_version=state.api_version, id=where)
    standing, diff = _standing(old.body if old is not None else None, new.body if new is not None else None, subject)
    moved = standing is Standing.SAME and old is not None and new is not None and old.id != new.id
    return Compared(
        key=state.key,
        id=state.id,
        arm_type=state.arm_type,
        api_version=state.api_version,
        standing=Standing.CHANGED if moved else standing,
        diff=diff,
        detail=f"its id was {old.id or 'not known'}" if moved and old is not None else "",
    )


def _standing(old: Body | None, new: Body | None, subject: Subject) -> tuple[Standing, ResourceDiff]:
    if old is None or new is None:
        return (Standing.SAME if old is new else Standing.ADDED if old is None else Standing.REMOVED), ResourceDiff()
    diff = compare_versions(old, new, subject)
    return (Standing.CHANGED if diff.changes else Standing.SAME), diff


def compare_recordings(first: Recording, second: Recording) -> tuple[Compared, ...]:
    """Return how what Azure held differs between two recordings, by id; what neither looked for is left out."""
    keys = _keys_by_id(first) | _keys_by_id(second)
    ids = sorted(first.resources.keys() | second.resources.keys())
    return tuple(_of_recorded(i, first, second, keys) for i in ids)


def _keys_by_id(recording: Recording) -> dict[ArmId, ResourceKey]:
    index = Index.build(recording.objects, subscription=recording.subscription)
    found = ((index.target_of(resource), resource.key) for resource in index.resources)
    return {target.id: key for target, key in found if target is not None}


def _of_recorded(where: ArmId, first: Recording, second: Recording, keys: Mapping[ArmId, ResourceKey]) -> Compared:
    target = second.targets.get(where) or first.targets[where]
    old, new = first.resources.get(where), second.resources.get(where)
    unread = next((s for s in (old, new) if s is not None and s.presence is Presence.UNREADABLE), None)
    subject = Subject(arm_type=target.arm_type, api_version=target.api_version, id=where.text)
    if unread is not None:
        standing, diff = Standing.UNREADABLE, ResourceDiff()
    else:
        standing, diff = _standing(_body(old), _body(new), subject)
    return Compared(
        key=keys.get(where),
        id=where,
        arm_type=target.arm_type,
        api_version=target.api_version,
        standing=standing,
        diff=diff,
        detail=unread.cause if unread is not None else "",
    )


def _body(actual: ActualState | None) -> Body | None:
    return actual.document.value if actual is not None and actual.document is not None else None


def compare_with_azure(plan: Plan) -> tuple[Compared, ...]:
    """Return how the objects of a plan made without memory differ from Azure."""
    return tuple(_of_step(step) for step in plan.steps)


def _of_step(step: Step) -> Compared:
    standing = _standing_of(step)
    return Compared(
        key=step.key,
        id=step.id,
        arm_type=step.arm_type,
        api_version=step.api_version,
        standing=standing,
        diff=step.diff,
        detail=step.detail if standing is Standing.UNREADABLE else "",
    )


def _standing_of(step: Step) -> Standing:
    """Say how an object stands to Azure, whatever a plan would do about it."""
    if step.action is Action.UNREADABLE or step.diff.state is DiffState.UNREADABLE:
        return Standing.UNREADABLE
    if step.action is Action.DELETE:
        return Standing.REMOVED
    if step.changes:
        return Standing.CHANGED
    return Standing.SAME if step.diff.state is DiffState.IN_SYNC else Standing.ADDED
