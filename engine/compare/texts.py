"""Texts that hold a document: compared as what they are, only where a fact per type says that they hold one."""

from __future__ import annotations

import re
from typing import Any

import orjson

_BETWEEN_TAGS = re.compile(r"(?<=>)\s+|\s+(?=<)")
_QUOTED = re.compile(r"(\"[^\"]*\"|'[^']*')")
_SPACES = re.compile(r"\s+")
_BEFORE_CLOSE = re.compile(r"\s+(?=/?>)")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def is_same_xml(desired: str, actual: str) -> bool:
    """Compare XML without the layout between tags and inside them; text and quoted values stay exact.

    Nothing is parsed: policies of API Management hold expressions that no XML parser accepts.
    """
    return _xml_form(desired) == _xml_form(actual)


def is_same_json(desired: str, actual: str) -> bool:
    """Compare two texts as JSON documents; False when either is none."""
    left, right = _load(desired), _load(actual)
    return left is not None and left == right


def is_same_duration(desired: str, actual: str) -> bool:
    """Compare ISO 8601 durations by their length (P1D is PT24H); False when either is none."""
    left, right = duration_s(desired), duration_s(actual)
    return left is not None and left == right


def _xml_form(text: str) -> str:
    parts = _QUOTED.split(_BETWEEN_TAGS.sub("", text.replace("\r\n", "\n").strip()))
    return "".join(part if i % 2 else _BEFORE_CLOSE.sub("", _SPACES.sub(" ", part)) for i, part in enumerate(parts))


def _load(text: str) -> bytes | None:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def duration_s(text: str) -> float | None:
    """Return the length of an ISO 8601 duration in seconds; None when the text is none."""
    found = _DURATION.fullmatch(text.upper())
    if found is None or text.upper() in ("P", "PT"):
        return None
    return sum(float(value) * _SECONDS[unit] for unit, value in found.groupdict().items() if value)
