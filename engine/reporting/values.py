"""JSON values as people read them: short, on one line, unable to drive a terminal, secrets never shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

from engine.model.document import ABSENT, REDACTED, UNKNOWN, Marker, Secret
from engine.model.path import FieldPath

SECRET_TEXT = "(secret)"  # noqa: S105
NONE_TEXT = "(none)"
KNOWN_LATER = "(known after apply)"
_CONTEXT = 12
_LINE_WIDTH = 200
_MOST_LINES = 2_000
_CONTROL_IN_UTF8 = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xd8\x9c|\xef\xbb\xbf"
)
"""DEL, the second set of control characters, and marks that turn or hide text; in JSON they stand in strings only."""

KnownAfter = Callable[[FieldPath], str]
"""Says what an unknown value at a place waits for, in brackets."""


def _known_later(_path: FieldPath) -> str:
    return KNOWN_LATER


def printable(text: str) -> str:
    """Write everything a terminal could obey as an escape: control characters, direction marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    if short:
        return short
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_json(raw: bytes) -> bytes:
    """Return JSON with the same meaning that no terminal obeys: JSON escapes only the oldest control characters."""
    return _CONTROL_IN_UTF8.sub(lambda m: f"\\u{ord(m.group().decode()):04x}".encode(), raw)


def quote(text: str) -> str:
    """Write a string as JSON does, and make it printable."""
    doubled = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{printable(doubled)}"'


def shorten(text: str, limit: int, *, start: int = 0) -> str:
    """Cut a text that is longer than the limit, from ``start`` on, and say how long it is."""
    if len(text) <= limit:
        return text
    head = "…" if start else ""
    tail = "…" if start + limit < len(text) else ""
    return f"{head}{text[start : start + limit]}{tail} ({len(text):,} characters)"


def is_marker(value: Any) -> bool:
    """Whether the value is printed in words, which are never cut."""
    return isinstance(value, Marker | Secret)


def format_value(value: Any, *, path: FieldPath | None = None, known_after: KnownAfter = _known_later) -> str:
    """Write a value on one line, whole; keys sorted, secrets and markers in words."""
    here = path or FieldPath()
    special = _special(value, here, known_after)
    if special is not None:
        return special
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        items = (
            f"{quote(k)}: {format_value(v, path=here.child(k), known_after=known_after)}"
            for k, v in sorted(value.items())
        )
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        parts = (format_value(v, path=here.child(i), known_after=known_after) for i, v in enumerate(value))
        return "[" + ", ".join(parts) + "]"
    return _scalar(value)


def _special(value: Any, path: FieldPath, known_after: KnownAfter) -> str | None:
    if value is REDACTED or isinstance(value, Secret):
        return SECRET_TEXT
    if value is UNKNOWN:
        return known_after(path)
    return NONE_TEXT if value is ABSENT else None


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def shorten_pair(before: str, after: str, limit: int) -> tuple[str, str]:
    """Shorten two texts around the place where they part, so that the difference stays in sight."""
    if len(before) <= limit and len(after) <= limit:
        return before, after
    common = 0
    for one, other in zip(before, after, strict=False):
        if one != other:
            break
        common += 1
    start = 0 if common + _CONTEXT < limit else common - _CONTEXT
    return shorten(before, limit, start=start), shorten(after, limit, start=start)


def is_multiline(value: Any) -> bool:
    """Whether the value is text of several lines that is better shown as lines."""
    return isinstance(value, str) and "\n" in value.strip("\n")


def diff_lines(before: Any, after: Any, *, limit: int) -> list[tuple[str, str]]:
    """Compare two texts line by line.

    Args:
        before: A string, or anything else for "no text".
        after: A string, or anything else for "no text".
        limit: Lines to return at most; a last line tells how many are left out.

    Returns:
        Pairs of sign (``+``, ``-``, ``@`` for a gap, space) and printable line.
    """
    old = before.splitlines() if isinstance(before, str) else []
    new = after.splitlines() if isinstance(after, str) else []
    if len(old) + len(new) > _MOST_LINES:
        return _coarse_lines(old, new, limit)
    raw = list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]
    if raw and raw[0].startswith(("@@ -1 ", "@@ -1,", "@@ -0,")):
        raw = raw[1:]  # nothing is left out before the first line
    return cut_lines([_diff_line(line) for line in raw], limit)


def _coarse_lines(old: list[str], new: list[str], limit: int) -> list[tuple[str, str]]:
    """Show where two very long texts part and meet again, without pairing their lines: pairing costs their product."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    gone, come = old[start : len(old) - end], new[start : len(new) - end]
    each = max(1, min(limit, _MOST_LINES) // 2)
    gap = [("@", "…")] if start else []
    lines = [*gap, *_signed("-", gone, each), *_signed("+", come, each)]
    rest = max(0, len(gone) - each) + max(0, len(come) - each)
    return [*lines, ("@", f"… up to {rest:,} more lines")] if rest else lines


def _common(old: list[str], new: list[str]) -> int:
    """Return how many lines two texts share from their beginning."""
    return next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


def _signed(sign: str, lines: list[str], count: int) -> list[tuple[str, str]]:
    return [(sign, shorten(printable(line), _LINE_WIDTH)) for line in lines[:count]]


def _diff_line(line: str) -> tuple[str, str]:
    return ("@", "…") if line.startswith("@@") else (line[0], shorten(printable(line[1:]), _LINE_WIDTH))


def cut_lines(lines: list[tuple[str, str]], limit: int) -> list[tuple[str, str]]:
    """Keep the first lines and count the others."""
    if len(lines) <= limit:
        return lines
    return [*lines[: limit - 1], ("@", f"… {len(lines) - limit + 1:,} more lines")]


def iterate_leaves(value: Any, path: FieldPath | None = None) -> Iterator[tuple[FieldPath, Any]]:
    """Yield every scalar, empty container and list of scalars with its place; keys sorted."""
    here = path or FieldPath()
    if isinstance(value, dict) and value:
        for key, item in sorted(value.items()):
            yield from iterate_leaves(item, here.child(key))
    elif isinstance(value, list | tuple) and any(isinstance(v, dict | list | tuple) for v in value):
        for index, item in enumerate(value):
            yield from iterate_leaves(item, here.child(index))
    else:
        yield here, value
