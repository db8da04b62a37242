"""What is asked for, what is there, what we last left behind."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.model.document import Body, Document
from engine.model.ids import ApiVersion, ArmId, Fingerprint, Generation, ResourceKey
from engine.model.path import FieldPath
from engine.model.policy import ObjectPolicy, ReconcilePolicy


class StatusTrust(enum.StrEnum):
    """What an object's status proves.

    NONE: nothing. MOVES: Azure was seen so once, after a write of a spec that may not be this one any more. SETTLED:
    Azure was seen so right after a write of this very spec.
    """

    NONE = "none"
    MOVES = "moves"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResource:
    """One object as a source read it; nothing in it has been checked.

    Attributes:
        spec: The object's ``spec``, parsed on demand; an empty object when it has none.
        status: The object's ``status`` where the source keeps it, else None. Never an input of the desired body.
        trust: What ``status`` proves, from its Ready condition and the object's generation.
        origin: Where it came from, for messages: ``file.yaml:12`` or ``cluster``.
        generation: 0 outside a cluster.
        deleting: The object carries a deletion timestamp.
        namespace_annotations: The annotations of the object's namespace, where the source knows them.
    """

    key: ResourceKey
    spec: Document
    status: Document | None = None
    trust: StatusTrust = StatusTrust.NONE
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    generation: Generation = Generation(0)
    uid: str = ""
    resource_version: str = ""
    deleting: bool = False
    origin: str = ""
    namespace_annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something that must be known before the resource can be written.

    Attributes:
        text: For people: ``known after default/UserAssignedIdentity/app is created``.
        told: The same in the words of ASO's condition, where it has its own; else empty.
        on: The object it waits for; None for secrets, config maps and look-ups in Azure.
        path: Where in the body the unknown value goes; None when the id itself is unknown.
        secret_only: Only a Secret's value is missing; an existing resource can still be compared without it.
    """

    text: str
    told: str = ""
    on: ResourceKey | None = None
    path: FieldPath | None = None
    secret_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """What one object asks Azure for.

    Attributes:
        id: None while an owner is not known; then ``waits`` says so.
        arm_type: Spelled as the kind catalog spells it.
        body: ARM body; may hold ``UNKNOWN`` and ``Secret`` at any depth. Treat as frozen.
        unknown: Places of UNKNOWN values (an unknown map key: the place of its parent).
        waits: Why it cannot be written yet; empty when it can.
        owner: The owning object, None for roots and for owners named by armId.
        references: Objects whose ids went into the body or the id's owner chain; they order steps.
        deleting: The object is being deleted.
        scaled_by: Name of the autoscale setting of the same input that sets the resource's capacity; empty without one.
    """

    key: ResourceKey
    id: ArmId | None
    arm_type: str
    api_version: ApiVersion
    body: Body
    unknown: tuple[FieldPath, ...] = ()
    waits: tuple[Wait, ...] = ()
    owner: ResourceKey | None = None
    references: tuple[ResourceKey, ...] = ()
    policy: ObjectPolicy = field(default_factory=ObjectPolicy)
    generation: Generation = Generation(0)
    origin: str = ""
    deleting: bool = False
    scaled_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTarget:
    """One resource whose actual state is wanted."""

    id: ArmId
    arm_type: str
    api_version: ApiVersion


class Presence(enum.StrEnum):
    """What a read of ARM said."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualState:
    """What Azure returned for one id.

    Attributes:
        document: The whole body; None unless present.
        cause: Why it is unreadable, in words; empty otherwise.
        etag: From header or body; empty when the type has none. Must not be used to decide equality.
        body_hash: Print of the body as read, where the document is not quite that body; empty otherwise.
    """

    id: ArmId
    presence: Presence
    document: Document | None = None
    etag: str = ""
    cause: str = ""
    body_hash: str = ""


_NOTHING_READ = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A difference made by others that a settled write of ours put right.

    Attributes:
        place: In the ARM body, in the reader's form.
        print: Fingerprint of both values: the same difference again has the same one.
        is_told: It came back, and that was said.
    """

    place: str
    print: str
    is_told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What our last settled write asked for and left behind.

    Attributes:
        desired: The body asked for, secrets replaced by ``{"$hash": hex}``, by ``{"$hash": "unsent:hex"}`` where no
            write of ours sent them.
        actual: The body read back.
        body_hash: Fingerprint of the actual bytes, to see "nothing moved" without parsing.
        rules: Version of the comparison rules it was taken under.
        reconcile, protect: The object's policy then: it holds when the object itself has left the input.
        at: When it was taken, by our clock; None when that is not known.
        source: Name of the input that the object came from; empty where it was not noted.
        mended: What others had moved and our writes put right, the last difference of each place.
        renewing: A replace of ours takes it away to create it anew: that it is gone is no drift.
        as_asked: Azure held just what was asked for: where that is so, ``actual`` need not be kept.
    """

    id: ArmId
    api_version: ApiVersion
    desired: Document
    actual: Document
    body_hash: Fingerprint = Fingerprint("")
    rules: str = ""
    key: ResourceKey | None = None
    reconcile: ReconcilePolicy = ReconcilePolicy.MANAGE
    protect: bool = False
    at: datetime | None = None
    source: str = ""
    mended: tuple[Mended, ...] = ()
    renewing: bool = False
    as_asked: bool = False

    @property
    def is_intent(self) -> bool:
        """Whether a create was only begun: what came of it is not known, but it is ours."""
        return self.actual.raw == _NOTHING_READ and not self.as_asked

    @property
    def is_of_what_stays(self) -> bool:
        """Whether the resource was in Azure and is to be there: who took it away was not we."""
        return not (self.is_intent or self.renewing)
