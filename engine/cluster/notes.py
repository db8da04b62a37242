"""What an object is to remember for us, in annotations of ours and ASO's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.cluster.names import LATEST_GENERATION
from engine.cluster.promises import is_promise, promise
from engine.desired.identity import CHILD_ID_OVERRIDE
from engine.desired.policy import BASELINE, OPERATION

_KEPT: Final = (CHILD_ID_OVERRIDE, LATEST_GENERATION, BASELINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is new about an object's resource.

    Attributes:
        sends: A write of this generation is about to be sent.
        operation: The saved form of the operation under way; empty for none.
        memory: What to remember of the last write, encoded; empty for nothing, None for what stands on the object.
        child_id: What the ids of its children begin with; empty for what stands on the object, else its own.
        until_ready: Ready ends the operation and makes the memory true: neither has to be written again then.
    """

    sends: bool = False
    operation: str = ""
    memory: str | None = None
    child_id: str = ""
    until_ready: bool = False


NOTHING_NEW: Final = Note()


def noted(annotations: Mapping[str, str], note: Note, generation: int) -> dict[str, str]:
    """Return the annotations of ours that are to stand on an object.

    Args:
        annotations: What stands on it.
        note: What is new.
        generation: The one that the object has then.
    """
    texts = {name: annotations[name] for name in _KEPT if name in annotations}
    if note.child_id:
        texts[CHILD_ID_OVERRIDE] = note.child_id
    if note.sends:
        texts[LATEST_GENERATION] = str(generation)
    if note.operation:
        texts[OPERATION] = promise(note.operation, generation) if note.until_ready else note.operation
    elif note.memory is None and is_promise(annotations.get(OPERATION, "")):
        texts[OPERATION] = annotations[OPERATION]
    if note.memory is not None:
        texts[BASELINE] = promise(note.memory, generation) if note.memory and note.until_ready else note.memory
    elif note.sends and not note.until_ready and is_promise(texts.get(BASELINE, "")):
        texts[BASELINE] = ""
    return {name: text for name, text in texts.items() if text or name != BASELINE}
