"""Texts that hold a document: laid out one member or tag a line, so that a change in them shows as a few lines."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

_BETWEEN_TAGS = re.compile(r">\s*<")
_MOST = 8_000_000


def lay_out_pair(before: Any, after: Any) -> tuple[Any, Any]:
    """Lay two texts out alike when both hold JSON, XML or lines in base64; return them as they are otherwise.

    What a service changes in the layout of such a text would hide what somebody changed in its contents. Texts that
    differ in their layout alone stay as they are: then that is the difference.
    """
    if not (isinstance(before, str) and isinstance(after, str)) or len(before) + len(after) > _MOST:
        return before, after
    for lay_out in (_json_lines, _xml_lines, _base64_lines):
        old, new = lay_out(before), lay_out(after)
        if old is not None and new is not None and old != new:
            return old, new
    return before, after


def _json_lines(text: str) -> str | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def _xml_lines(text: str) -> str | None:
    """Put each tag on a line of its own; nothing is parsed, policies hold expressions that no parser accepts."""
    bare = text.strip()
    if not (bare.startswith("<") and bare.endswith(">") and _BETWEEN_TAGS.search(bare)):
        return None
    lines = _BETWEEN_TAGS.sub(">\n<", bare.replace("\r\n", "\n")).split("\n")
    return "\n".join(line.strip() for line in lines)


def _base64_lines(text: str) -> str | None:
    """Return the lines that a text in base64 holds, YAML or a script; None when it is none."""
    try:
        plain = base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return (
        plain if "\n" in plain and all(line.replace("\t", " ").isprintable() for line in plain.splitlines()) else None
    )
