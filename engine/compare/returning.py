"""Differences that come back: what others moved, a write put right, and others moved again to the same value.

Writing it a third time would be a quarrel with a policy, a service or another tool. Only what others moved counts, by
place and both values: whatever the user or Azure changes there since makes it another difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from engine.model.change import ChangeOrigin, FieldChange, ResourceDiff
from engine.model.document import UNKNOWN, Marker, canonical
from engine.model.path import FieldPath
from engine.model.state import Baseline, Mended

_NAMED = 3
_BY_OTHERS = (ChangeOrigin.DRIFT, ChangeOrigin.BOTH)


def mend(before: Baseline | None, diff: ResourceDiff, is_sent: Callable[[FieldPath], bool]) -> tuple[Mended, ...]:
    """Return what is remembered of mended differences after a settled write.

    Args:
        before: What was remembered until now.
        diff: What the write put right.
        is_sent: Whether the write sent what is at a place.
    """
    mended = {m.place: m for m in before.mended} if before is not None else {}
    for change in diff.changes:
        if change.origin in _BY_OTHERS and _can_be_kept(change) and is_sent(change.path):
            mended[change.path.text] = Mended(place=change.path.text, print=_print_of(change))
    return tuple(mended[place] for place in sorted(mended))


def does_not_converge(diff: ResourceDiff, baseline: Baseline | None) -> bool:
    """Whether all that differs was put right before and came back; what moved beside it is a reason to write."""
    known = _prints(baseline)
    return bool(known and diff.changes) and all(_counts(c) and _print_of(c) in known for c in diff.changes)


def is_told(diff: ResourceDiff, baseline: Baseline | None) -> bool:
    """Whether it was said already that these differences came back."""
    known = _prints(baseline)
    return all((m := known.get(_print_of(c))) is not None and m.is_told for c in diff.changes)


def tell(baseline: Baseline, diff: ResourceDiff) -> Baseline:
    """Return the memory of having said that these differences came back."""
    said = {_print_of(c) for c in diff.changes}
    return replace(baseline, mended=tuple(replace(m, is_told=m.is_told or m.print in said) for m in baseline.mended))


def describe_return(diff: ResourceDiff) -> str:
    """Say what came back and what can be done about it."""
    names = ", ".join(c.path.text for c in diff.changes[:_NAMED])
    more = f" and {len(diff.changes) - _NAMED} more" if len(diff.changes) > _NAMED else ""
    first = diff.changes[0]
    place = (first.spec_path or first.path).pointer
    return (
        f"{names}{more} was put right before and moved back to the same value, so it is not written again; to leave "
        f"it to Azure: trueup.dev/ignore: {place}; to write it once more: --allow-rewrite"
    )


def encode_mended(mended: Iterable[Mended]) -> list[list[Any]]:
    """Return the form that is stored."""
    return [[m.place, m.print, m.is_told] for m in mended]


def decode_mended(stored: Any) -> tuple[Mended, ...]:
    """Read the stored form.

    Raises:
        ValueError: It is damaged.
    """
    if not isinstance(stored, list):
        raise ValueError("what was mended is no list")  # noqa: TRY004  # damaged, whatever it is
    return tuple(Mended(place=str(place), print=str(text), is_told=bool(told)) for place, text, told in stored)


def _prints(baseline: Baseline | None) -> dict[str, Mended]:
    return {m.print: m for m in baseline.mended} if baseline is not None else {}


def _counts(change: FieldChange) -> bool:
    """Whether a change is one that others alone made, of values that may be remembered."""
    return change.origin is ChangeOrigin.DRIFT and _can_be_kept(change)


def _can_be_kept(change: FieldChange) -> bool:
    return not change.sensitive and change.after is not UNKNOWN


def _print_of(change: FieldChange) -> str:
    digest = hashlib.blake2b(change.path.text.encode(), digest_size=16)
    for value in (change.before, change.after):
        digest.update(b"\0" + (repr(value).encode() if isinstance(value, Marker) else canonical(value)))
    return digest.hexdigest()
