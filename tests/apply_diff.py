"""Do to a body what a diff says must be done: the other half of the law that a diff leads to what was desired."""

from __future__ import annotations

import copy
from typing import Any

from engine.model.change import FieldChange, ResourceDiff
from engine.model.document import ABSENT


def apply_changes(diff: ResourceDiff, actual: Any, desired: Any) -> Any:
    """Return what Azure holds after the changes were made.

    Members are set and taken away one by one; of a list with any change the whole desired list is sent, as Azure wants
    it (RFC 7396).

    Args:
        diff: What differs.
        actual: What Azure holds.
        desired: What was asked for; changes do not show secrets.
    """
    body = copy.deepcopy(actual)
    for change in diff.changes:
        _apply(body, change, desired)
    return body


def _apply(body: Any, change: FieldChange, desired: Any) -> None:
    segments = change.path.segments
    inside = next((n for n, step in enumerate(segments) if not isinstance(step, str)), None)
    place = [str(step) for step in (segments if inside is None else segments[:inside])]
    after = ABSENT if change.after is ABSENT and inside is None else _get(desired, place)
    *above, last = place
    for step in above:
        body = body[_spelled(body, step)]
    if after is ABSENT:
        del body[_spelled(body, last)]
    else:
        body[_spelled(body, last)] = copy.deepcopy(after)


def _get(value: Any, place: list[str]) -> Any:
    for step in place:
        value = value[step]
    return value


def _spelled(body: Any, key: str) -> str:
    return key if key in body else next((k for k in body if k.lower() == key.lower()), key)
