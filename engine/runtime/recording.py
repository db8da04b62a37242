"""Everything a pass reads, kept as values: recorded through the ports, played back through them without Azure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from engine.errors import PolicyDeniedError
from engine.model.document import Body, Secret
from engine.model.hold import HoldKind, Holds, Unread
from engine.model.ids import ArmId, ResourceKey
from engine.model.path import FieldPath
from engine.model.plan import Request
from engine.model.problem import Problem
from engine.model.purpose import Purpose
from engine.model.refusal import Refusal
from engine.model.result import OperationProgress
from engine.model.state import ActualState, Baseline, CustomResource, Presence, ReadTarget
from engine.ports import ActualSource, DesiredSource
from engine.runtime.desired import Locator
from engine.runtime.seen import StatusReader

Named = tuple[str, str]
"""Namespace and name; of roles scope and name."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What was read. A reader adds to it while it reads; afterwards it is not changed.

    Attributes:
        taken: When the pass began.
        targets: How each resource was asked for.
        contents: Ids inside resource groups; None where they could not be read.
        places: (origin, JSON Pointer) -> ``file:line``.
        secret_key: Key of the hashes in the baselines.
        inputs: Names of what the objects came from.
    """

    taken: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    endpoint: str = ""
    subscription: str = ""
    strict: bool = False
    objects: Sequence[CustomResource] = ()
    problems: Sequence[Problem] = ()
    secrets: dict[Named, Mapping[str, Secret] | None] = field(default_factory=dict)
    config_maps: dict[Named, Mapping[str, str] | None] = field(default_factory=dict)
    places: dict[Named, str] = field(default_factory=dict)
    targets: dict[ArmId, ReadTarget] = field(default_factory=dict)
    resources: dict[ArmId, ActualState] = field(default_factory=dict)
    contents: dict[ArmId, tuple[ArmId, ...] | None] = field(default_factory=dict)
    holds: dict[tuple[ArmId, HoldKind], Holds] = field(default_factory=dict)
    roles: dict[Named, str | None] = field(default_factory=dict)
    baselines: Mapping[ArmId, Baseline] = field(default_factory=dict)
    secret_key: bytes = b""
    inputs: tuple[str, ...] = ()


class RecordingSource:
    """A source that notes what it is asked for and answers."""

    def __init__(self, inner: DesiredSource, into: Recording) -> None:
        """Nothing is read yet."""
        self._inner = inner
        self._into = into

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return the objects."""
        self._into.objects = await self._inner.list_resources()
        return self._into.objects

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read."""
        self._into.problems = self._inner.problems()
        return self._into.problems

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret."""
        found = await self._inner.fetch_secret(namespace, name)
        self._into.secrets[namespace, name] = found
        return found

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap."""
        found = await self._inner.fetch_config_map(namespace, name)
        self._into.config_maps[namespace, name] = found
        return found

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return the line of a place where the source can tell."""
        found = self._inner.locate(origin, path) if isinstance(self._inner, Locator) else origin
        self._into.places[origin, path.pointer] = found
        return found

    async def reread(self, resources: Sequence[CustomResource]) -> Sequence[CustomResource]:
        """Return objects with their status; the recording holds them with it."""
        found = await self._inner.reread(resources) if isinstance(self._inner, StatusReader) else ()
        seen = {r.key.identity: r for r in found}
        self._into.objects = [seen.get(r.key.identity, r) for r in self._into.objects]
        return found


class _NoWrites:
    """The writing half of Azure, for those who only look."""

    def keep_secrets(self, body: Body) -> None:
        """Note nothing: nothing is sent that could be echoed."""

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        """Return nothing: nothing is sent."""
        return ""

    async def begin(self, request: Request, *, resource: ArmId, **_: object) -> OperationProgress:
        """Refuse.

        Raises:
            PolicyDeniedError: Always.
        """
        raise PolicyDeniedError(f"{request.method} {resource} is not sent", detail="this run only looks")

    async def poll(self, token: str) -> OperationProgress:
        """Refuse.

        Raises:
            PolicyDeniedError: Always.
        """
        raise PolicyDeniedError("an operation is not followed", detail=f"this run only looks ({len(token)} bytes)")


class RecordingAzure(_NoWrites):
    """Azure, read-only, with every answer noted."""

    def __init__(self, inner: ActualSource, into: Recording) -> None:
        """Nothing is read yet."""
        self._inner = inner
        self._into = into

    async def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Yield what Azure answers."""
        self._into.targets |= {target.id: target for target in targets}
        async for batch in self._inner.observe(targets, purpose=purpose):
            self._into.resources |= {actual.id: actual for actual in batch}
            yield batch

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Return what Azure answers."""
        found = await self._inner.fetch(target, purpose=purpose)
        self._into.targets[target.id] = target
        self._into.resources[target.id] = found
        return found

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return what Azure answers."""
        found = await self._inner.list_children(group)
        self._into.contents[group] = tuple(found) if found is not None else None
        return found

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return what Azure answers."""
        found = await self._inner.list_holds(scope, kind)
        self._into.holds[scope, kind] = found
        return found

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return what Azure answers."""
        found = await self._inner.find_role_definition(scope, role_name)
        self._into.roles[scope, role_name] = found
        return found


class PlayedSource:
    """A source that answers from a recording."""

    def __init__(self, recording: Recording) -> None:
        """Play this recording."""
        self._recording = recording

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return the recorded objects."""
        return self._recording.objects

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read then."""
        return self._recording.problems

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a recorded Secret: stand-ins for its values."""
        return self._recording.secrets.get((namespace, name))

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a recorded ConfigMap."""
        return self._recording.config_maps.get((namespace, name))

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return the line that was found then."""
        return self._recording.places.get((origin, path.pointer), origin)


class PlayedAzure(_NoWrites):
    """Azure as it answered then."""

    def __init__(self, recording: Recording) -> None:
        """Play this recording."""
        self._recording = recording

    async def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Yield the recorded states in one batch."""
        yield [self._state_of(target.id) for target in targets]

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Return the recorded state."""
        return self._state_of(target.id)

    def _state_of(self, resource: ArmId) -> ActualState:
        nothing = ActualState(id=resource, presence=Presence.UNREADABLE, cause="the snapshot does not hold it")
        return self._recording.resources.get(resource, nothing)

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return the recorded list; None where none was asked for."""
        return self._recording.contents.get(group)

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return what was recorded; unread where nothing was asked for."""
        unread = Unread(kind=kind, scope=scope, cause="the snapshot does not hold it")
        return self._recording.holds.get((scope, kind), Holds(unread=(unread,)))

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the recorded id."""
        return self._recording.roles.get((scope, role_name))


class PlayedClock:
    """The time of the recording, which stands still."""

    def __init__(self, moment: datetime) -> None:
        """Stand at this moment."""
        self._moment = moment

    def now(self) -> datetime:
        """Return the moment."""
        return self._moment

    def monotonic(self) -> float:
        """Return zero."""
        return 0.0

    async def sleep(self, duration: timedelta) -> None:
        """Return at once."""


class PlayedStore:
    """The memory of the recording; it takes nothing in."""

    def __init__(self, recording: Recording) -> None:
        """Play this recording."""
        self._recording = recording

    def load(self) -> Mapping[ArmId, Baseline]:
        """Return the recorded baselines."""
        return self._recording.baselines

    def warnings(self) -> Sequence[str]:
        """Return nothing: what was damaged then is not in the recording."""
        return ()

    def secret_key(self) -> bytes:
        """Return the key of the stand-ins."""
        return self._recording.secret_key

    def operations(self) -> Mapping[ArmId, str]:
        """Return none: what was under way then is no longer known."""
        return {}

    def prepare(self) -> None:
        """Do nothing."""

    def save(self, *baselines: Baseline) -> None:
        """Do nothing."""

    def forget(self, resource: ArmId) -> None:
        """Do nothing."""

    def save_operation(self, resource: ArmId, key: ResourceKey, token: str) -> None:
        """Do nothing."""

    def clear_operation(self, resource: ArmId) -> None:
        """Do nothing."""

    def refusals(self) -> Sequence[Refusal]:
        """Return none: what a recording would send is not sent."""
        return ()

    def save_refusal(self, refusal: Refusal) -> None:
        """Do nothing."""
