"""Whether Azure took a write just as it was asked for."""

from __future__ import annotations

from engine.compare.compare import judge_bodies
from engine.compare.finding import Weight
from engine.compare.subject import NOTHING_OWNED, subject_of
from engine.model.state import ActualState, DesiredState


def is_as_asked(
    desired: DesiredState, actual: ActualState, *, owned: frozenset[str] = NOTHING_OWNED, secret_key: bytes = b""
) -> bool:
    """Whether what was asked for tells all that there is to remember of what Azure holds.

    It does where nothing differs but the form of a value. What Azure sets otherwise or never shows counts as no change
    only as long as it stays so, and elements of lists are found again by what they hold: both have to be remembered.

    Raises:
        ValueError: A body is not JSON.
    """
    if actual.document is None:
        return False
    subject = subject_of(desired, actual, owned=owned, secret_key=secret_key)
    findings = [v.finding for v in judge_bodies(desired.body, actual.document.value, subject)]
    return all(f.weight is Weight.SAME and all(isinstance(s, str) for s in f.at) for f in findings)
