"""What the core needs from the outside world; adapters in ``providers`` implement it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.alerts.outbox import Message
from engine.alerts.settings import Sink
from engine.cluster.claim import Marks
from engine.cluster.events import Event
from engine.cluster.exports import Target
from engine.model.account import Account, FoundUser, Login, UserChange
from engine.model.audit import Author
from engine.model.document import Body, Secret
from engine.model.group import FoundGroup, GraphAccess, WantedGroup
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Request
from engine.model.problem import Problem as Problem
from engine.model.purpose import Purpose
from engine.model.refusal import Refusal
from engine.model.result import OperationProgress
from engine.model.state import ActualState, Baseline, CustomResource
from engine.model.state import ReadTarget as ReadTarget
from schemas.behaviour_types import Call


class DesiredSource(Protocol):
    """Where custom resources, secrets and config maps come from."""

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return every ASO object, duplicates included, in a stable order."""
        ...

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read; complete after ``list_resources``."""
        ...

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's decoded data; None when this source has no such Secret, or notes why it may not read it.

        Raises:
            PolicyDeniedError: It may not be read, which whoever needs it is to say.
        """
        ...

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap's data; None when this source has none of that name, or notes why it may not read it.

        Raises:
            PolicyDeniedError: It may not be read, which whoever needs it is to say.
        """
        ...


class ActualSource(Protocol):
    """Azure, read-only."""

    def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Yield batches that together hold exactly one state per target, by the cheapest reads.

        A resource missing from a list is absent only where the list is known to be complete; otherwise a GET decides.
        """
        ...

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Read one resource by GET (HEAD where the type has no GET)."""
        ...

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return the ids of all resources in a resource group; None when that cannot be read."""
        ...

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return the locks, or the deny assignments, at a subscription or group and below; ``unread`` when refused."""
        ...

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the id of a role definition by its display name; None when there is none."""
        ...


class StepApplier(Protocol):
    """Azure, writing. One call sends at most one request."""

    def keep_secrets(self, body: Body) -> None:
        """Learn the secrets of a desired body: from now on no error repeats one of them, whatever Azure answers."""
        ...

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        """Send the request; the answer says whether an operation goes on.

        ``announce`` is called just before anything is sent, with the token that ``intend`` returns without patience.
        """
        ...

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        """Return the token that finds out what became of a write whose answer nobody saw.

        From now on it waits as long as ``patience`` for a resource that Azure does not show.
        """
        ...

    async def poll(self, token: str) -> OperationProgress:
        """Ask once how the operation stands."""
        ...


Begun = Callable[[str], Awaitable[None]]
"""Takes what an operation is followed by."""


class ActionCaller(Protocol):
    """Azure, asked for what no read of a resource shows: keys, credentials."""

    async def call(self, call: Call, path: str, begun: Begun | None = None) -> Any:
        """Send a call and return its answer's JSON, of all pages.

        Args:
            call: What is sent.
            path: Where to, filled in.
            begun: Told the token of an operation that Azure began, before it is waited for.

        Raises:
            EngineError: Azure refuses, or nobody answers.
        """
        ...


class BaselineStore(Protocol):
    """Memory of our settled writes, outside a cluster a state folder."""

    def load(self) -> Mapping[ArmId, Baseline]:
        """Return every baseline; unusable ones are left out and reported by ``warnings``."""
        ...

    def warnings(self) -> Sequence[str]:
        """Return what was wrong with the stored state, in words."""
        ...

    def prepare(self) -> None:
        """Make sure that writing works, before anything is sent that would have to be remembered.

        Raises:
            EngineError: Nothing can be stored there.
        """
        ...

    def save(self, *baselines: Baseline) -> None:
        """Store baselines, all or none; one call with many is much cheaper than many calls."""
        ...

    def forget(self, resource: ArmId) -> None:
        """Drop what is remembered of a resource; no error when nothing is."""
        ...

    def save_operation(self, resource: ArmId, key: ResourceKey, token: str) -> None:
        """Store a poller before waiting for it."""
        ...

    def operations(self) -> Mapping[ArmId, str]:
        """Return pollers that were not seen to their end."""
        ...

    def clear_operation(self, resource: ArmId) -> None:
        """Drop a poller that ended."""
        ...

    def refusals(self) -> Sequence[Refusal]:
        """Return what Azure did not take of a type."""
        ...

    def save_refusal(self, refusal: Refusal) -> None:
        """Remember what Azure did not take; the same again changes nothing but the words."""
        ...

    def secret_key(self) -> bytes:
        """Return the random key of this store for keyed hashes of secrets."""
        ...


class AuditLog(Protocol):
    """Where every write leaves its trace; lines are only ever added."""

    def author_of(self, key: ResourceKey) -> Author:
        """Return on whose behalf a write for an object is sent."""
        ...

    def append(self, record: dict[str, Any]) -> None:
        """Add a line; an intent is on the disk when this returns.

        Raises:
            EngineError: It cannot be stored.
        """
        ...

    def miss(self, problem: str) -> None:
        """Keep for the end of the run that a line is missing, and why."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the current time, with time zone."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait."""
        ...


class ExportWriter(Protocol):
    """Secrets and ConfigMaps that objects ask for, writing."""

    async def write(self, target: Target, owner: ResourceKey, uid: str) -> str:
        """Bring a Secret or ConfigMap to where it should be, unless it is there; return its version.

        Raises:
            OwnershipConflictError: It is there already and not the owner's.
            EngineError: The cluster does not take it.
        """
        ...


class ClusterWriter(Protocol):
    """Custom resources in a cluster, writing; every call names the object by its uid, so that a namesake is safe."""

    async def apply_marks(self, key: ResourceKey, uid: str, marks: Marks) -> None:
        """Set what we hold on the object's metadata; a mark that is gone from ``marks`` goes."""
        ...

    async def write_status(self, key: ResourceKey, uid: str, status: Mapping[str, Any]) -> None:
        """Replace the status, conditions included."""
        ...

    async def write_conditions(self, key: ResourceKey, uid: str, conditions: Sequence[Any]) -> None:
        """Replace the conditions of an object that has a status."""
        ...

    async def release(self, key: ResourceKey, uid: str) -> None:
        """Take our finalizer off; no error when the object is gone."""
        ...

    async def drop_annotations(self, key: ResourceKey, uid: str, names: Sequence[str]) -> None:
        """Take annotations off that another operator left; no error when the object is gone."""
        ...

    async def emit(self, key: ResourceKey, uid: str, event: Event) -> None:
        """Tell an event; one that the cluster does not take is lost, never an error."""
        ...


class DriftReports(Protocol):
    """The DriftReport of each namespace. Each call raises EngineError when the cluster refuses or does not answer."""

    async def read(self, namespace: str) -> Mapping[str, Any] | None:
        """Return the report of a namespace; None when there is none."""
        ...

    async def write(self, namespace: str, report: Mapping[str, Any]) -> str:
        """Make the report be as given, and return its version."""
        ...

    async def remove(self, namespace: str) -> None:
        """Delete the report of a namespace; no error when there is none."""
        ...

    async def versions(self) -> Mapping[str, str]:
        """Return the version of the report of every namespace that has one."""
        ...


@dataclass(frozen=True, slots=True)
class StoredOutbox:
    """What a pod keeps of its alerts, and the version that it was read as."""

    raw: bytes
    version: str


class AlertOutboxes(Protocol):
    """Where pods keep what was told and what is still to be. Each call raises EngineError when that is not possible."""

    async def read(self, name: str) -> StoredOutbox | None:
        """Return what is kept under a name; None when nothing is."""
        ...

    async def write(self, name: str, stored: StoredOutbox) -> StoredOutbox:
        """Keep it, unless it changed since it was read as that version; an empty version: unless it is there.

        Raises:
            ConflictError: It is not as it was read.
        """
        ...


class AlertSender(Protocol):
    """Sends messages to sinks."""

    async def send(self, sink: Sink, message: Message) -> None:
        """Deliver a message.

        Raises:
            RefusedError: It will never be taken.
            EngineError: It was not taken this time.
        """
        ...


class DatabaseUsers(Protocol):
    """Users of database servers. No error of theirs repeats a password."""

    async def find(self, login: Login, account: Account) -> FoundUser | None:
        """Return a user as the server holds it; None when there is none.

        Raises:
            TransientError: The server does not answer.
            EngineError: It does not let the administrator in, or refuses to tell.
        """
        ...

    async def apply(self, login: Login, account: Account, changes: Sequence[UserChange]) -> None:
        """Make changes, in this order.

        Raises:
            TransientError: The server does not answer; some of the changes may have been made.
            EngineError: It refuses one; the later ones are not made.
        """
        ...


class EntraGroups(Protocol):
    """Groups of Microsoft Entra. Each call raises EngineError when it is refused, TransientError without an answer."""

    async def find(self, access: GraphAccess, group_id: str) -> FoundGroup | None:
        """Return a group by its id; None when there is none."""
        ...

    async def find_unique(self, access: GraphAccess, unique_name: str) -> FoundGroup | None:
        """Return the group that was created under a name of our own; None when there is none."""
        ...

    async def find_named(self, access: GraphAccess, display_name: str) -> Sequence[FoundGroup]:
        """Return the groups of a display name: it need not be the only one."""
        ...

    async def create(self, access: GraphAccess, wanted: WantedGroup) -> FoundGroup:
        """Create a group, or return the one that an earlier try created."""
        ...

    async def update(self, access: GraphAccess, group_id: str, members: Mapping[str, str]) -> None:
        """Change some members of a group, named as Microsoft Graph names them."""
        ...

    async def delete(self, access: GraphAccess, group_id: str) -> None:
        """Delete a group; no error when it is gone."""
        ...
