"""How a manifest fails to fit its kind: one misfit per problem, with its place and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.model.path import FieldPath
from schemas.kind_types import Rules
from schemas.secret_names import is_secret_name

_MAX_DEPTH = 200
_INTEGER_BITS = 63
_SHOWN = 12
_NAMES = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing in a spec that its kind does not allow, or (as a remark) allows but does not spell so."""

    path: FieldPath
    text: str
    hint: str = ""


class Report:
    """Collects misfits during one walk over a spec; ``path`` is where the walk is."""

    __slots__ = ("misfits", "path", "remarks", "strict")

    def __init__(self, *, strict: bool = False, path: Iterable[str | int] = ("spec",)) -> None:
        """Start at ``spec``; ``strict`` turns remarks on letter case into misfits."""
        self.path: list[str | int] = list(path)
        self.misfits: list[Misfit] = []
        self.remarks: list[Misfit] = []
        self.strict = strict

    def misfit(self, text: str, *, hint: str = "", at: str | int | None = None) -> None:
        """Note a problem here, or one step further in."""
        self.misfits.append(Misfit(self._here(at), text, hint))

    def remark(self, text: str, *, hint: str = "", at: str | int | None = None) -> None:
        """Note something that is odd but works."""
        self.remarks.append(Misfit(self._here(at), text, hint))

    def wrong_type(self, wanted: str, value: Any, *, at: str | int | None = None) -> None:
        """Note a value of another JSON type; YAML's usual traps get a hint."""
        hint = ""
        if wanted == "a text" and isinstance(value, bool | int | float):
            hint = "put it in quotes: YAML reads bare yes, no, on, off and numbers as other types"
        elif wanted in ("a number", "an integer", "a boolean") and isinstance(value, str):
            hint = "without quotes"
        elif wanted == "a list":
            hint = "begin each element with '- '"
        self.misfit(f"must be {wanted}, not {describe(value)}", hint=hint, at=at)

    def fold(self, value: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
        """Return the members under their right names: letter case mended, unknown ones left out and noted."""
        folded = {name.lower(): name for name in names}
        out: dict[str, Any] = {}
        for key, item in value.items():
            name = key if key in names else folded.get(key.lower(), "")
            if not name:
                self.misfit(f"unknown member {key!r}", hint=suggest(key, names), at=key)
            elif name in out or (name != key and name in value):
                self.misfit(f"{key!r} and {name!r} are the same member", hint="keep one", at=key)
            else:
                out[name] = item
                self._note_case(key, name)
        return out

    def _note_case(self, key: str, name: str) -> None:
        if key == name:
            return
        self.tolerate(f"{key!r} is spelled {name!r}", hint="an API server accepts only that spelling", at=key)

    def tolerate(self, text: str, *, hint: str = "", at: str | int | None = None) -> None:
        """Note what ASO's own tools forgive: a remark, under ``strict`` a problem."""
        note = self.misfit if self.strict else self.remark
        note(text, hint=hint, at=at)

    def shown(self, value: Any) -> str:
        """Return the value at this place for a message; a secret by its name is not repeated."""
        name = next((step for step in reversed(self.path) if isinstance(step, str)), "")
        return "the value" if is_secret_name(name) else shorten(value)

    def _here(self, at: str | int | None) -> FieldPath:
        return FieldPath((*self.path, at) if at is not None else tuple(self.path))


def describe(value: Any) -> str:
    """Name a value's type for people. Never the value: where a reference to a secret belongs, it may be the secret."""
    return "null" if value is None else _NAMES.get(type(value), type(value).__name__)


def shorten(value: Any) -> str:
    """Return a value as people may read it in a message: at most 60 characters."""
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else _number(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _number(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"a number of {value.bit_length()} bits"
    return str(value)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known name, or a list when there are few; else nothing."""
    from difflib import get_close_matches

    names = {name.lower(): name for name in known}
    close = get_close_matches(word.lower()[:100], names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {names[close[0]]!r}?"
    if 0 < len(names) <= _SHOWN:
        return f"known: {', '.join(sorted(names.values()))}"
    return ""


def check_integer(value: Any, report: Report) -> Any:
    """Return the integer; 5.0 is one, as it is for an API server."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        report.wrong_type("an integer", value)
    elif value.bit_length() > _INTEGER_BITS:
        report.misfit(f"{shorten(value)} does not fit into 64 bits")
    else:
        return value
    return None


def check_number(value: Any, report: Report) -> Any:
    """Return the number; infinity and NaN are none in JSON."""
    if type(value) is float:
        if math.isfinite(value):
            return value
        report.misfit(f"{value} is not a number in JSON")
        return None
    if type(value) is not int:
        report.wrong_type("a number", value)
        return None
    return check_integer(value, report)


def check_any(value: Any, report: Report) -> Any:
    """Return free-form JSON after looking for what JSON cannot carry. Depth is bounded."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > _MAX_DEPTH:
            report.misfit(f"is nested more than {_MAX_DEPTH} levels deep")
            return None
        if isinstance(item, dict):
            stack.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            stack.extend((child, depth + 1) for child in item)
        elif type(item) in (int, float) and check_number(item, report) is None:
            return None
    return value


@cache
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Return a rule's pattern with the meaning it has for an API server; None when Python cannot express it.

    ``$`` is the end of the text only, and character classes are ASCII: that is how Go's regexp reads them.
    """
    try:
        return re.compile(_end_only(pattern), re.ASCII)
    except re.error:
        return None


def _end_only(pattern: str) -> str:
    out: list[str] = []
    in_class = escaped = False
    for char in pattern:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in "[]":
            in_class = char == "["
        elif char == "$" and not in_class:
            char = r"\Z"
        out.append(char)
    return "".join(out)


def compile_rules(rules: Rules) -> Callable[[Any, Report], None]:
    """Return one check for all rules of a member; it expects a value of the right type."""
    values = frozenset(rules.values)

    def check(value: Any, report: Report) -> None:
        if values and value not in values:
            report.misfit(f"{report.shown(value)} is not allowed", hint=f"one of {', '.join(map(str, rules.values))}")
        elif isinstance(value, str):
            _check_text(value, rules, report)
        elif isinstance(value, list):
            _check_count(len(value), rules.min_items, rules.max_items, "elements", report)
        elif isinstance(value, int | float):
            _check_range(value, rules, report)

    return check


def _check_text(value: str, rules: Rules, report: Report) -> None:
    if not _check_count(len(value), rules.min_length, rules.max_length, "characters", report):
        return
    pattern = compile_pattern(rules.pattern) if rules.pattern is not None else None
    if pattern is not None and pattern.search(value) is None:
        report.misfit(f"{report.shown(value)} does not match the pattern {rules.pattern}")


def _check_count(count: int, least: int | None, most: int | None, unit: str, report: Report) -> bool:
    if least is not None and count < least:
        report.misfit(f"has {count} {unit}, at least {least} are needed")
    elif most is not None and count > most:
        report.misfit(f"has {count} {unit}, at most {most} are allowed")
    else:
        return True
    return False


def _check_range(value: float, rules: Rules, report: Report) -> None:
    if rules.minimum is not None and value < rules.minimum:
        report.misfit(f"{value} is less than {rules.minimum}")
    elif rules.maximum is not None and value > rules.maximum:
        report.misfit(f"{value} is more than {rules.maximum}")
    elif rules.multiple_of and value % rules.multiple_of:
        report.misfit(f"{value} is not a multiple of {rules.multiple_of}")
