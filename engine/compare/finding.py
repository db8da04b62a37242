"""One place where a plain comparison of what was asked for with what Azure holds differs."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

from engine.model.change import ChangeKind
from engine.model.document import ABSENT
from engine.model.path import Segment
from schemas.nodes import ANY, Node

Place = tuple[Segment, ...]
"""A path under construction; becomes a FieldPath only when something differs."""


class Weight(enum.Enum):
    """What a difference is worth before memory is asked.

    SAME is another form of one value: nobody's move matters. EXCUSED is what Azure never shows, or sets itself: it
    holds while neither side has moved. YIELDED is where the manifest leaves the say to Azure: it holds while the user
    has not moved. OPEN is a difference.
    """

    SAME = "same"
    EXCUSED = "excused"
    YIELDED = "yielded"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A difference and the rule that decided about it.

    Attributes:
        at: The place, list positions as in the desired body (for elements only Azure has: as in the actual body).
        there: The same place in the actual body, keys spelled as there; where it is missing, where it would be.
        rule: Empty when no rule excuses it.
        is_presence: An element or key is there or not; its contents do not matter for who moved.
        veiled: The values must not be shown.
    """

    at: Place
    there: Place
    desired: Any
    actual: Any
    weight: Weight
    kind: ChangeKind
    rule: str = ""
    why: str = ""
    node: Node = ANY
    is_presence: bool = False
    veiled: bool = False


def kind_of(desired: Any, actual: Any) -> ChangeKind:
    """Return what a plan would do: null counts as nothing on either side."""
    if actual is ABSENT or actual is None:
        return ChangeKind.ADD
    return ChangeKind.REMOVE if desired is ABSENT or desired is None else ChangeKind.CHANGE


def name_of(at: Place) -> str:
    """Return the name of the member that a place is in or at."""
    return next((s for s in reversed(at) if isinstance(s, str)), "")


def renamed(findings: list[Finding], depth: int, step: Segment) -> list[Finding]:
    """Name the list element that all these findings are in."""
    if isinstance(step, int):
        return findings
    return [replace(f, at=(*f.at[:depth], step, *f.at[depth + 1 :])) for f in findings]
