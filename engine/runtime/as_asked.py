"""Memories that hold what was asked for and nothing else, because Azure took it just so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.compare.baseline import make_baseline
from engine.compare.secrets import is_hash
from engine.model.change import ResourceDiff
from engine.model.document import Document
from engine.model.ids import Fingerprint
from engine.model.policy import ObjectPolicy
from engine.model.state import ActualState, Baseline, DesiredState
from engine.runtime.former import with_former

_NOTHING = Document(value={})


def shorten(baseline: Baseline) -> Baseline | None:
    """Return the part of a memory that is known before anything is sent; None where that is not enough of it.

    Hashes of secrets are not: only what comes of a write says whether they were sent.
    """
    if _holds_hash(baseline.desired.value):
        return None
    return replace(baseline, actual=_NOTHING, body_hash=Fingerprint(""), at=None, as_asked=True)


def compare_with(
    baseline: Baseline | None,
    desired: DesiredState,
    actual: ActualState,
    *,
    secret_key: bytes,
    compare: Callable[[DesiredState, ActualState, Baseline | None], ResourceDiff],
) -> tuple[Baseline | None, ResourceDiff]:
    """Return how a resource differs, and the memory that this was found with.

    A memory of what was asked for alone is completed only where that is of use: not where nothing moved on either side.
    """
    if baseline is None or not _is_short(baseline):
        return baseline, compare(desired, actual, baseline)
    plain = compare(desired, actual, None)
    if not plain.changes and desired.body == baseline.desired.value:
        return baseline, plain
    full = lengthen(
        baseline, desired, actual, secret_key=secret_key, compare=lambda then, now: compare(then, now, None)
    )
    return full, compare(desired, actual, full)


def _is_short(baseline: Baseline) -> bool:
    return baseline.as_asked and baseline.actual.raw == _NOTHING.raw


def lengthen(
    baseline: Baseline,
    desired: DesiredState,
    actual: ActualState,
    *,
    secret_key: bytes,
    compare: Callable[[DesiredState, ActualState], ResourceDiff],
) -> Baseline:
    """Return a memory with what Azure held then: what it holds now, where that is what was asked for then.

    Args:
        baseline: What is remembered; one that holds more than what was asked for comes back as it is.
        desired: What is asked for now.
        actual: What was read now; must be present.
        secret_key: For secrets that Azure shows.
        compare: Compares without any memory.
    """
    if not _is_short(baseline):
        return baseline
    then = replace(
        desired,
        body=baseline.desired.value,
        api_version=baseline.api_version,
        policy=ObjectPolicy(),
        waits=(),
        unknown=(),
    )
    held = make_baseline(then, actual, secret_key=secret_key)
    known = replace(baseline, actual=held.actual, body_hash=held.body_hash, as_asked=False)
    moved = [change.path for change in compare(then, actual).changes if change.path.segments]
    return with_former(known, baseline.desired.value, moved) if moved else known


def _holds_hash(value: Any) -> bool:
    if type(value) is dict:
        return is_hash(value) or any(map(_holds_hash, value.values()))
    return any(map(_holds_hash, value)) if type(value) is list else False
