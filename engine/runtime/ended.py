"""How a write ended, by what Azure returns afterwards."""

from __future__ import annotations

from typing import Final

from engine.compare.settled import is_settled, provisioning_state
from engine.errors import NotReadyError, UnfinishedError
from engine.model.plan import Action, Step
from engine.model.state import ActualState

_FAILED: Final = frozenset({"failed", "canceled"})


def still_there(step: Step) -> str:
    """Return the remark on a delete that Azure took, but that does not show.

    Raises:
        NotReadyError: The resource was to be created anew.
    """
    if step.action is Action.DELETE:
        return "Azure took the delete, but still returns it; it stays remembered, plan again to see what became of it"
    raise NotReadyError(
        f"{step.key} was deleted to be created anew, but Azure still returns it; nothing was created",
        hint="plan again once it is gone; a resource that never goes away cannot be replaced: change it in place",
    )


def unsettled_state(step: Step, actual: ActualState, *, ended: bool) -> str:
    """Return the state of a resource that is not as it should be after a write; empty where it is.

    Args:
        step: What was written.
        actual: What was read back.
        ended: Look for states of a failure; else for those that say that work goes on.
    """
    body = actual.document.value if actual.document is not None else None
    if is_settled(step.arm_type, body):
        return ""
    state = provisioning_state(body)
    return state if (state.lower() in _FAILED) is ended else ""


def unfinished(detail: str) -> UnfinishedError:
    """Return the error for an operation that goes on without us."""
    hint = "apply again: the operation is followed, nothing is sent twice"
    return UnfinishedError("the operation was not seen to its end", detail=detail, hint=hint)
