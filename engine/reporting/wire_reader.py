"""Reads decoded JSON that somebody else may have written; errors name the place and what belongs there."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import orjson

from engine.errors import InvalidSpecError

E = TypeVar("E", bound=enum.StrEnum)
_REQUIRED: Final = object()
_HINT = "make the plan again with 'trueup plan --out'"


class Reader:
    """One JSON value and where it stands; keys nobody asks for are ignored."""

    __slots__ = ("value", "where")

    def __init__(self, value: Any, where: str = "") -> None:
        """Hold a decoded value and its JSON Pointer."""
        self.value = value
        self.where = where

    def problem(self, what: str) -> InvalidSpecError:
        """Return the error for this place."""
        return InvalidSpecError("the saved plan cannot be read", detail=f"{self.where or '/'}: {what}", hint=_HINT)

    def has(self, key: str) -> bool:
        """Whether the object has the key, null included."""
        return isinstance(self.value, dict) and key in self.value

    def child(self, key: str, default: Any = _REQUIRED) -> Reader:
        """Return the member; the default where it is missing."""
        if not isinstance(self.value, dict):
            raise self.problem("an object belongs here")
        if key not in self.value and default is _REQUIRED:
            raise self.problem(f"the key {key!r} is missing")
        return Reader(self.value.get(key, default), f"{self.where}/{key}")

    def items(self, key: str) -> Iterator[Reader]:
        """Yield the elements of a list; none where the key is missing."""
        member = self.child(key, [])
        if not isinstance(member.value, list):
            raise member.problem("a list belongs here")
        for index, item in enumerate(member.value):
            yield Reader(item, f"{member.where}/{index}")

    def strings(self, key: str) -> list[str]:
        """Return a list of texts; empty where the key is missing."""
        return [item.checked(str, "a text") for item in self.items(key)]

    def checked(self, wanted: type[Any], words: str) -> Any:
        """Return the value when it has the type; true and false are no numbers."""
        if not isinstance(self.value, wanted) or (isinstance(self.value, bool) and wanted is not bool):
            raise self.problem(f"{words} belongs here")
        return self.value

    def string(self, key: str, default: Any = _REQUIRED) -> str:
        """Return a text."""
        return str(self.child(key, default).checked(str, "a text"))

    def boolean(self, key: str, default: Any = _REQUIRED) -> bool:
        """Return true or false."""
        return bool(self.child(key, default).checked(bool, "true or false"))

    def integer(self, key: str, default: Any = _REQUIRED) -> int:
        """Return a whole number."""
        return int(self.child(key, default).checked(int, "a whole number"))

    def number(self, key: str, default: Any = _REQUIRED) -> float:
        """Return a number."""
        member = self.child(key, default)
        return float(member.checked(int if isinstance(member.value, int) else float, "a number"))

    def choice(self, key: str, kind: type[E]) -> E:
        """Return a word of a closed set."""
        text = self.string(key)
        try:
            return kind(text)
        except ValueError:
            words = ", ".join(kind)
            raise self.child(key).problem(f"{text!r} is none of {words}; a newer trueup may have written it") from None


def read_document(raw: bytes, wanted_format: str) -> Reader:
    """Parse bytes and check the format before anything else is read.

    Raises:
        InvalidSpecError: Not JSON, another format, or another version of it; it says what to do.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise Reader(None).problem(f"it is not JSON: {exc}") from exc
    found = value.get("format") if isinstance(value, dict) else None
    if found != wanted_format:
        raise Reader(None).problem(_format_problem(found, wanted_format))
    return Reader(value)


def _age(found: str, version: str) -> str:
    """Return whether the release that wrote a format is newer or older than this one."""
    other = found.rpartition("/")[2]
    if not (other.isascii() and other.isdigit()):
        return "another"
    return "a newer" if int(other) > int(version) else "an older"


def _format_problem(found: Any, wanted: str) -> str:
    shown = repr(found[:80]) if isinstance(found, str) else "missing"
    name, _, version = wanted.rpartition("/")
    if isinstance(found, str) and found.startswith(f"{name}/"):
        return f"its format is {shown}, version {version} is read here: {_age(found, version)} trueup wrote it"
    return f"its format is {shown}, not {wanted!r}"
