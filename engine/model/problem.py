"""What is wrong or odd with the input, as data: the other objects go on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import EngineError
from engine.model.ids import ResourceKey
from engine.model.path import FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An input that could not be used; the other objects go on.

    Attributes:
        origin: ``file.yaml:12`` or where else it was read; empty when it has no place.
        path: The place in the object, ``/spec/...``; None when the object as a whole is meant.
    """

    error: EngineError
    origin: str = ""
    key: ResourceKey | None = None
    path: FieldPath | None = None

    def __str__(self) -> str:
        """Print as one line: place, then error."""
        return f"{self.origin}: {self.error}" if self.origin else str(self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the author of the input should know; it stops nothing."""

    text: str
    origin: str = ""
    key: ResourceKey | None = None
    path: FieldPath | None = None

    def __str__(self) -> str:
        """Print as one line: place, then text."""
        return f"{self.origin}: {self.text}" if self.origin else self.text
