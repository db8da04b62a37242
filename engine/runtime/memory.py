"""What a process remembers between passes, so that what did not move is neither parsed nor compared again.

It only ever says "skip": two prints decide that both sides are what they were when the verdict was made. It holds no
body, is never stored, and a new process starts without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.desired.index import Index
from engine.desired.policy import BASELINE
from engine.model.ids import ArmId
from engine.model.plan import Step
from engine.model.state import ActualState, Baseline, CustomResource, StatusTrust

if TYPE_CHECKING:  # prepared.py prints objects with this module
    from engine.runtime.prepared import Prepared

Identity = tuple[str, str, str, str]
BodyPrint = int
Around = tuple[frozenset[str], str]
"""Ids of children that other objects own, and the object that sets the capacity."""


@dataclass(slots=True)
class Verdict:
    """One resource that was found in sync.

    Attributes:
        asked: Print of the object (spec, annotations, version, status where it is a memory).
        links: Ids that its owner and references had in ``index``.
        around: What other objects of ``index`` owned and set of the resource; the comparison left that out.
        held: Print of the body Azure returned; means something in this process only.
        stored: What the state folder remembered; what the object's annotation did is part of ``asked``.
    """

    asked: bytes
    links: tuple[ArmId | None, ...]
    around: Around
    held: BodyPrint
    stored: Baseline | None
    step: Step
    index: Index


@dataclass(slots=True)
class LastIndex:
    """The index of the last pass, which the next one goes on from; several passes over the same input may share it."""

    index: Index | None = None


@dataclass(slots=True)
class PassMemory:
    """Verdicts by object, and what the last pass worked out of the objects."""

    verdicts: dict[Identity, Verdict] = field(default_factory=dict)
    prepared: Prepared | None = None
    last: LastIndex = field(default_factory=LastIndex)

    def forget_others(self, known: AbstractSet[Identity]) -> None:
        """Drop what is no longer in the input."""
        for identity in self.verdicts.keys() - known:
            del self.verdicts[identity]


def print_of_object(resource: CustomResource) -> bytes:
    """Return what changes when the object does; its status counts only where it is a memory.

    Means something in this process only: of the annotation with our memory, which is long, Python's own hash counts,
    which the text keeps.
    """
    digest = hashlib.blake2b(resource.spec.raw, digest_size=16)
    if resource.status is not None and resource.trust is not StatusTrust.NONE:
        digest.update(resource.trust.value.encode())
        digest.update(resource.status.raw)
    if resource.annotations or resource.namespace_annotations or resource.deleting:
        texts = [(k, hash(v) if k == BASELINE else v) for k, v in resource.annotations.items()]
        digest.update(repr((texts, resource.namespace_annotations, resource.deleting)).encode())
    digest.update(resource.key.version.encode())
    return digest.digest()


def print_of_body(actual: ActualState) -> BodyPrint:
    """Return what changes when Azure's answer does.

    Python's own keyed hash of 64 bits: a seventh of the cost of a digest, and nobody outside can aim at it.
    """
    return hash(actual.document.raw if actual.document is not None else b"")
