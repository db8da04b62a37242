"""Who made the drift: what Azure itself says of the last write to a resource."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from engine.compare.places import get_member
from engine.model.change import Attribution, DiffState, ResourceDiff
from engine.model.document import ABSENT
from engine.model.state import Baseline

_OWN_KINDS: Final = frozenset({"Application", "ManagedIdentity"})


def attribute_drift(actual: Any, *, then_actual: Any, then: datetime | None) -> Attribution | None:
    """Return who wrote a drifted resource last; None where that may have been ourselves, or Azure does not say.

    Azure keeps one author per resource. It is the author of the drift only if the write came after everything that is
    remembered; a later one by the application that wrote what is remembered may have been our own.

    Args:
        actual: Azure's body now.
        then_actual: The body that is remembered; ABSENT when none is.
        then: When it was remembered, by our clock; None when not known.

    Source: ``systemData`` in the ARM resource provider contract (system metadata).
    """
    found, earlier = read_author(actual), read_author(then_actual)
    if found is None or (then is not None and found.at <= then):
        return None
    if earlier is None:
        return found
    is_same_program = found.by_type in _OWN_KINDS and found.by.lower() == earlier.by.lower()
    return None if found.at <= earlier.at or is_same_program else found


def read_author(body: Any) -> Attribution | None:
    """Return the last author that a body names; None when it names none, or no time."""
    data = get_member(body, "systemData")
    by, by_type, at = (get_member(data, f"lastModified{name}") for name in ("By", "ByType", "At"))
    if not isinstance(by, str) or not by or not isinstance(at, str):
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return Attribution(by=by, by_type=by_type if isinstance(by_type, str) else "", at=moment)


def with_author(diff: ResourceDiff, actual: Any, baseline: Baseline | None) -> ResourceDiff:
    """Return the diff with who made its drift; as it is where nothing drifted, or our own create may be the last."""
    if diff.state not in (DiffState.DRIFTED, DiffState.CONFLICTED) or (baseline is not None and baseline.is_intent):
        return diff
    then_actual, then = (ABSENT, None) if baseline is None else (baseline.actual.value, baseline.at)
    author = attribute_drift(actual, then_actual=then_actual, then=then)
    return replace(diff, last_modified=author) if author is not None else diff
