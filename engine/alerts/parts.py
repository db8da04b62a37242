"""Reads one map of a document member by member; what is wrong is named by its place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from engine.cluster.durations import parse_go_duration
from engine.desired.check import suggest
from engine.errors import InvalidSpecError

_DAYS: Final = re.compile(r"(\d{1,4})d")
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a document, and where.

    Attributes:
        place: As ``routes[0].minAge``; empty for the whole.
        file: Name and line of the file, where it is from one.
    """

    place: str
    what: str
    file: str = ""

    def __str__(self) -> str:
        """Render all as a sentence."""
        return f"{self.file + ': ' if self.file else ''}{self.place or 'the document'} {self.what}"


class SettingsError(InvalidSpecError):
    """A document says something that cannot be used.

    Attributes:
        faults: All of them, in the document's order.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep all; tell the first."""
        more = len(faults) - 1
        hint = f"{more} more: trueup alerts check lists all" if more else ""
        super().__init__(f"alerts: {faults[0]}", hint=hint)
        self.faults = tuple(faults)

    def within(self, file_of: Callable[[Fault], str]) -> SettingsError:
        """Return the same, naming file and line of each fault."""
        return SettingsError([replace(found, file=file_of(found)) for found in self.faults])


def fault(place: str, what: str) -> SettingsError:
    """Return the error of one place."""
    return SettingsError([Fault(place.lstrip("."), what)])


class Faults:
    """Collects what is wrong, so that it is told at once."""

    def __init__(self) -> None:
        """Know of none."""
        self.all: list[Fault] = []

    def take(self, read: Callable[[], _Read]) -> _Read | None:
        """Return what was read; None when it cannot be used."""
        try:
            return read()
        except SettingsError as exc:
            self.all += exc.faults
            return None

    def each(self, read: Callable[[Any, str], _Read], items: Sequence[tuple[Any, str]]) -> list[_Read]:
        """Return what was read of each item that can be used."""
        found = [self.take(partial(read, item, place)) for item, place in items]
        return [item for item in found if item is not None]


class Part:
    """One map of the document, and where it stands."""

    def __init__(self, value: Any, place: str, known: frozenset[str]) -> None:
        """Refuse members that mean nothing.

        Raises:
            SettingsError: It has one, or is no map.
        """
        if not isinstance(value, dict):
            raise fault(place, "is no map")
        for name in value:
            if name not in known:
                raise fault(f"{place}.{name}", f"means nothing; {suggest(str(name), sorted(known))}")
        self._value, self.place = value, place

    def has(self, name: str) -> bool:
        """Whether the member is there."""
        return name in self._value

    def raw(self, name: str) -> Any:
        """Return the member as it is; None for none."""
        return self._value.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text, which must not be empty unless there is a default."""
        found = self._value.get(name, default)
        if not isinstance(found, str) or (not found and default is None):
            raise fault(f"{self.place}.{name}", "must be a text")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; an empty one for none."""
        found = self._value.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise fault(f"{self.place}.{name}", "must be a list of texts")
        return tuple(found)

    def items(self, name: str) -> list[tuple[Any, str]]:
        """Return the items of a list, each with its place."""
        found = self._value.get(name, [])
        if not isinstance(found, list):
            raise fault(f"{self.place}.{name}", "must be a list")
        return [(item, f"{self.place}.{name}[{n}]".lstrip(".")) for n, item in enumerate(found)]

    def number(self, name: str, default: int) -> int:
        """Return a whole number from 1 on."""
        found = self._value.get(name, default)
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            raise fault(f"{self.place}.{name}", "must be a number from 1 on")
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        found = self._value.get(name, default)
        if not isinstance(found, bool):
            raise fault(f"{self.place}.{name}", "must be true or false")
        return found

    def duration(self, name: str) -> timedelta | None:
        """Return a length of time; None for none."""
        if not self.has(name):
            return None
        text = str(self._value[name])
        if days := _DAYS.fullmatch(text):
            return timedelta(days=int(days[1]))
        with contextlib.suppress(InvalidSpecError):
            found = parse_go_duration(text)
            if found >= timedelta(0):
                return found
        raise fault(f"{self.place}.{name}", "must be a time as 30s, 5m, 1h30m or 1d")
