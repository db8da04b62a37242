"""What a memory says of places that nothing was sent to: what was there before."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.compare.baseline import fingerprint
from engine.compare.places import find_key, get_member
from engine.model.document import ABSENT, Document
from engine.model.path import FieldPath
from engine.model.state import Baseline
from engine.runtime.sent import member_names


def with_former(baseline: Baseline, source: Any, places: Iterable[FieldPath]) -> Baseline:
    """Return the baseline with another body's values at places, lists as a whole: what moved there is not ours."""
    body = copy.deepcopy(baseline.actual.value)
    for names in dict.fromkeys(member_names(p) for p in places):
        _put_former(body, source, names)
    held = Document(value=body)
    return replace(baseline, actual=held, body_hash=fingerprint(held.raw))


def _put_former(body: Any, source: Any, names: tuple[str, ...]) -> None:
    *above, last = names
    for name in above:
        key = find_key(body, name) or name
        source, body = get_member(source, name), body.setdefault(key, {})
        if not isinstance(body, dict):
            return
    former, key = get_member(source, last), find_key(body, last) or last
    if former is ABSENT:
        body.pop(key, None)
    else:
        body[key] = former
