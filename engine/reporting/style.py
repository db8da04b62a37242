"""Colour as a parameter: the same text with or without escape codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.model.path import FieldPath
from engine.model.plan import Action

Locate = Callable[[str, FieldPath], str]
"""Returns ``file:line`` of a place in the object that begins at an origin; the origin where that is not known."""


def _origin_alone(origin: str, _path: FieldPath) -> str:
    return origin


_RESET = "\x1b[0m"
_CODES = {
    "good": "\x1b[32m",
    "warn": "\x1b[33m",
    "bad": "\x1b[31m",
    "strange": "\x1b[35m",
    "info": "\x1b[36m",
    "dim": "\x1b[2m",
    "bold": "\x1b[1m",
}
ACTION_TONES = {
    Action.CREATE: "good",
    Action.UPDATE: "warn",
    Action.ADOPT: "info",
    Action.REPLACE: "strange",
    Action.DELETE: "bad",
    Action.BLOCKED: "bad",
    Action.UNREADABLE: "bad",
    Action.WAIT: "info",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """How to print for people.

    Attributes:
        colour: Whether escape codes may be used; the caller knows whether a terminal reads.
        width: Columns that one line should fit; long values are shortened to it, sentences are not.
        verbose: Show unchanged resources and every line of long values.
        brief: Show one line per resource and no values.
        told: Problems that the reader has seen already; they are counted, not printed again.
        now: The time that "3 h ago" is counted from; None prints times as they are.
        locate: Finds lines of manifests.
    """

    colour: bool = False
    width: int = 100
    verbose: bool = False
    brief: bool = False
    told: frozenset[str] = frozenset()
    now: datetime | None = None
    locate: Locate = _origin_alone

    @property
    def value_limit(self) -> int:
        """Return how many characters one value may take on a line."""
        return max(24, self.width * 2 // 5)

    @property
    def line_limit(self) -> int:
        """Return how many lines one value may take."""
        return 100_000 if self.verbose else 20

    def paint(self, tone: str, text: str) -> str:
        """Colour the text, or return it as it is."""
        return f"{_CODES[tone]}{text}{_RESET}" if self.colour and tone and text else text

    def paint_action(self, action: Action, text: str) -> str:
        """Colour the text as the action's sign is coloured."""
        return self.paint(ACTION_TONES.get(action, ""), text)
