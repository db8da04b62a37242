"""What a process remembers between passes, so that what did not move is neither parsed nor compared again.

It only ever says "skip": two prints decide that both sides are what they were when the verdict was made. It holds no
body, is never stored, and a new process starts without one.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from engine.desired.index import Index
from engine.model.ids import ArmId
from engine.model.plan import Step
from engine.model.state import Baseline
from engine.runtime.prepared import Around, Prepared
from engine.runtime.prints import BodyPrint, Identity


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
