"""One document of a file, as read: values that JSON can carry, and the lines objects begin at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 200
"""Levels of nesting beyond which no manifest is; JSON encoders stop soon after."""
MAX_NODES = 2_000_000
"""Values in one document, aliases counted as often as they are used."""


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A parsed document.

    Attributes:
        line: Where it begins, counted from 1.
        lines: ``id`` of an object at most two levels down -> its line; for the items of a List.
    """

    value: Any
    line: int
    lines: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Misread:
    """A document that could not be read, and why. Never holds a value: it may be a secret."""

    line: int
    text: str
    hint: str = ""


class MisreadError(Exception):
    """Carries a ``Misread`` out of a reader."""

    def __init__(self, line: int, text: str, *, hint: str = "") -> None:
        """Note line and cause."""
        super().__init__(text)
        self.misread = Misread(line, text, hint)


def check_integer(value: int, line: int) -> int:
    """Return the integer.

    Raises:
        MisreadError: It is beyond 64 bits, which JSON libraries would alter silently.
    """
    if -(2**63) <= value < 2**64:
        return value
    raise MisreadError(line, f"a number of {value.bit_length()} bits", hint="put it in quotes if it is a text")
