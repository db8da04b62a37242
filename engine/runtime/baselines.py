"""The memory of a resource in order of trust, and how it goes into the annotation of its object.

A state folder and the object's own annotation may both remember a resource: the younger memory counts. What cannot be
used is refused in words and never stops anything: the next one in order of trust counts, last the object's status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.cluster.promises import is_promise
from engine.compare.baseline import fingerprint
from engine.compare.decoding import decode_baseline
from engine.compare.encoding import DEFAULT_LIMIT, LostPart, encode_baseline
from engine.desired.policy import BASELINE
from engine.model.path import FieldPath
from engine.model.problem import Notice
from engine.model.state import ActualState, Baseline, CustomResource


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is remembered of a resource, and what the author of the object should know about it."""

    baseline: Baseline | None
    notice: Notice | None = None


def recall_baseline(
    resource: CustomResource, actual: ActualState, stored: Baseline | None, *, secret_key: bytes, now: datetime
) -> Recalled:
    """Return the memory to trust: the state folder's or the annotation's, whichever is younger.

    Args:
        resource: The object; its annotation is decoded here, and nowhere kept.
        actual: What Azure holds: decides where no stamp can.
        stored: What the state folder remembers.
        secret_key: Our key; hashes made with another one can be compared with nothing.
        now: The time now: a stamp ahead of it proves nothing.
    """
    text = resource.annotations.get(BASELINE, "")
    if not text or is_promise(text):
        return Recalled(stored)
    try:
        noted = decode_baseline(text, secret_key=secret_key)
    except ValueError as exc:
        return Recalled(stored, _refusal(resource, str(exc)))
    if noted.id != actual.id:
        return Recalled(stored, _refusal(resource, f"it is about another resource, {noted.id}, not {actual.id}"))
    return Recalled(noted if stored is None else _younger(stored, noted, actual, now))


def _younger(stored: Baseline, noted: Baseline, actual: ActualState, now: datetime) -> Baseline:
    """Return the younger of two memories; where stamps are of no use what Azure still is as, else the stored one."""
    if stored.at is not None and noted.at is not None and max(stored.at, noted.at) <= now:
        return noted if noted.at > stored.at else stored
    held = actual.body_hash or (fingerprint(actual.document.raw) if actual.document is not None else "")
    return noted if noted.body_hash == held != stored.body_hash else stored


def _refusal(resource: CustomResource, why: str) -> Notice:
    return Notice(
        text=f"annotation {BASELINE} is not used: {why}",
        origin=resource.origin,
        key=resource.key,
        path=FieldPath(("metadata", "annotations", BASELINE)),
    )


@dataclass(frozen=True, slots=True)
class AnnotationPatch:
    """What writes a memory to an object.

    Attributes:
        patch: JSON merge patch for the object.
        lost: Parts of which only prints are left.
        is_dropped: It does not fit at all; the patch takes an older memory away.
    """

    patch: Mapping[str, Any]
    lost: tuple[LostPart, ...] = ()
    is_dropped: bool = False


def annotation_patch(baseline: Baseline, *, secret_key: bytes, limit: int = DEFAULT_LIMIT) -> AnnotationPatch:
    """Return what makes an object remember its last settled write, in at most ``limit`` characters.

    Args:
        baseline: What was sent and read back.
        secret_key: The key its hashes of secrets were made with.
        limit: Length of the annotation's value.
    """
    try:
        encoded = encode_baseline(baseline, limit, secret_key=secret_key)
    except ValueError:
        return AnnotationPatch(_patch(None), is_dropped=True)
    return AnnotationPatch(_patch(encoded.text), encoded.lost)


def _patch(value: str | None) -> dict[str, Any]:
    return {"metadata": {"annotations": {BASELINE: value}}}
