"""Texts on an object that Ready makes true: what is known before a write needs no write of its own after it.

Before a resource is created its object is claimed. What is asked for is known then, and that is all there is to
remember if Azure takes it just so; known is also what finds out about the write until it has ended. Both stand on the
object with the generation they are of: once Ready is True at that generation the memory holds, and the operation is
over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Final

from engine.cluster.condition import Condition
from engine.desired.policy import BASELINE, OPERATION

_READY: Final = ";ready="
_PROMISE: Final = re.compile(rf"^(.*){_READY}([0-9]{{1,18}})$", re.DOTALL)


def promise(text: str, generation: int) -> str:
    """Return a text that is to change its meaning when the object is Ready at that generation."""
    return f"{text}{_READY}{generation}"


def is_promise(text: str) -> bool:
    """Whether the meaning of a text hangs on Ready."""
    return _READY in text and _PROMISE.match(text) is not None


def text_of(text: str) -> str:
    """Return a text without what its meaning hangs on."""
    found = _PROMISE.match(text) if _READY in text else None
    return found.group(1) if found is not None else text


def keep_promises(annotations: Mapping[str, str], ready: Condition | None) -> Mapping[str, str]:
    """Return annotations as Ready makes them: the very same ones where it makes no difference.

    The memory says from when on it holds; an operation that is over is not there any more.
    """
    if ready is None or not ready.is_true or ready.since is None:
        return annotations
    kept = {n: m for n in (BASELINE, OPERATION) if (m := _PROMISE.match(annotations.get(n, ""))) is not None}
    over = {n: m.group(1) for n, m in kept.items() if int(m.group(2)) <= ready.observed_generation}
    if not over:
        return annotations
    since = ready.since.astimezone(UTC).isoformat()
    rest = {name: text for name, text in annotations.items() if name not in over}
    return rest | {BASELINE: f"{over[BASELINE]};at={since}"} if BASELINE in over else rest
