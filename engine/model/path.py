"""Where in a JSON document something is: a tuple of segments, never a dotted string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class ByKey:
    """A list element named by its identifier.

    ``index`` is its position in the desired list (for elements only Azure has: in the actual list) and is
    what a JSON Pointer shows; ``identifier`` and ``value`` are what people read.
    """

    index: int
    identifier: str
    value: str


Segment = str | int | ByKey


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A place in a document. The empty path is the document itself."""

    segments: tuple[Segment, ...] = ()

    @classmethod
    def parse_pointer(cls, pointer: str) -> Self:
        """Read a JSON Pointer (RFC 6901). Every segment is kept as text.

        Raises:
            ValueError: The text is neither empty nor starts with ``/``.
        """
        if not pointer:
            return cls()
        if pointer[0] != "/":
            raise ValueError(f"a JSON Pointer starts with '/': {pointer!r}")
        return cls(tuple(s.replace("~1", "/").replace("~0", "~") for s in pointer[1:].split("/")))

    def child(self, segment: Segment) -> Self:
        """Return the place one step further in."""
        return type(self)((*self.segments, segment))

    @property
    def pointer(self) -> str:
        """Return the JSON Pointer programs read."""
        return "".join("/" + _escape(_plain(s)) for s in self.segments)

    @property
    def text(self) -> str:
        """Return the form people read: ``properties.subnets[name=web].addressPrefix``."""
        out: list[str] = []
        for s in self.segments:
            if isinstance(s, ByKey):
                out.append(f"[{s.identifier}={s.value}]")
            elif isinstance(s, int):
                out.append(f"[{s}]")
            elif s and not any(c in s for c in "./[] "):
                out.append(f".{s}" if out else s)
            else:
                out.append(f"['{s}']")
        return "".join(out)

    def sort_key(self) -> tuple[tuple[int, int, str], ...]:
        """Return a key that orders paths: list positions as numbers, names as text."""
        return tuple((0, _index(s), "") if not isinstance(s, str) else (1, 0, s) for s in self.segments)

    def __str__(self) -> str:
        """Return the JSON Pointer."""
        return self.pointer


def _plain(segment: Segment) -> str:
    return segment if isinstance(segment, str) else str(_index(segment))


def _index(segment: int | ByKey | str) -> int:
    return segment.index if isinstance(segment, ByKey) else int(segment)


def _escape(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")
