"""What must be so in Azure after a write before an object counts as Ready; ASO's reason and pace."""

from __future__ import annotations

from typing import Final

from engine.cluster import condition
from engine.cluster.condition import Condition
from engine.model.state import ActualState
from schemas.behaviour_types import PostCheck, fill_template
from schemas.behaviours import lookup_behaviour

REASON: Final = "PostReconciliationFailure"
NO_CHILD_ID: Final = "Azure does not say the id of the new subscription"


def check_of(arm_type: str) -> PostCheck | None:
    """Return the check of a type; None where a write is all there is."""
    behaviour = lookup_behaviour(arm_type)
    return behaviour.post_check if behaviour is not None else None


def child_id_of(arm_type: str, actual: ActualState | None) -> str | None:
    """Return what ids of children begin with instead of the resource's own; None where it is its own, or not read.

    Empty: Azure does not say it (yet).
    """
    behaviour = lookup_behaviour(arm_type)
    if behaviour is None or not behaviour.child_id or actual is None or actual.document is None:
        return None
    return fill_template(behaviour.child_id, actual.document.value)


def judge(check: PostCheck, actual: ActualState | None, before: Condition | None, generation: int) -> Condition | None:
    """Return the condition of an object whose resource is as asked, but not done; None when it is.

    Args:
        check: Of its type.
        actual: The resource as read; None where it is as it was at the last look.
        before: The condition that stands on the object.
        generation: Of the object.
    """
    if actual is None or actual.document is None:
        stands = before is not None and before.reason == REASON and before.observed_generation == generation
        return before if stands else None
    why = check.unfinished(actual.document.value)
    return condition.warning(REASON, "; ".join(why), generation) if why else None
