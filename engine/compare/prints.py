"""A part of a remembered body as a fingerprint: it tells whether the part moved, not what it was.

Prints are versioned: one that was made by other rules cannot be compared, and then tells nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from engine.compare import rules
from engine.compare.secrets import is_hash
from engine.compare.shapes import item_of, member_of
from engine.model.document import Marker, Secret, canonical
from schemas.nodes import Node

PRINT_KEY: Final = "$print"
SIZE_KEY: Final = "$size"
ALIKE_KEY: Final = "$alike"
VERSION: Final = "1"
"""Changes when two values that were one to the rules are no longer, or the other way round."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What is known of a place whose remembered value is a print, or lies inside one.

    Attributes:
        has_moved: None where the print cannot be compared.
        is_alike: Then, everything that was asked for here was held exactly so.
    """

    has_moved: bool | None
    is_alike: bool


def is_print(value: Any) -> bool:
    """Whether a remembered value is a print."""
    return type(value) is dict and PRINT_KEY in value and value.keys() <= {PRINT_KEY, SIZE_KEY, ALIKE_KEY}


def make_print(value: Any, node: Node, *, is_alike: bool = False) -> dict[str, Any]:
    """Return what stands for a part of a body; equal for parts that the rules call one.

    Of a part that no print can stand for, the marker says only that there was one.
    """
    text = _digest(value, node) if can_be_printed(value) else ""
    marker: dict[str, Any] = {PRINT_KEY: text, SIZE_KEY: len(canonical(value))}
    return {**marker, ALIKE_KEY: True} if is_alike else marker


def read_print(marker: dict[str, Any], now: Any, node: Node) -> Printed:
    """Compare a part of today's body with the print of what it was."""
    is_alike = marker.get(ALIKE_KEY) is True
    if not str(marker[PRINT_KEY]).startswith(f"{VERSION}:") or _is_open(now):
        return Printed(None, is_alike)
    if isinstance(now, Marker):
        return Printed(has_moved=True, is_alike=is_alike)
    return Printed(_digest(now, node) != marker[PRINT_KEY], is_alike)


def _digest(value: Any, node: Node) -> str:
    digest = hashlib.blake2b(canonical(_fold(value, node)), digest_size=12).hexdigest()
    return f"{VERSION}:{digest}"


def can_be_printed(value: Any) -> bool:
    """Whether a print can stand for a value: hashes of secrets are compared one by one."""
    if is_hash(value) or is_print(value):
        return False
    if type(value) is dict:
        return all(map(can_be_printed, value.values()))
    return all(map(can_be_printed, value)) if type(value) is list else True


def _is_open(value: Any) -> bool:
    """Whether a value holds something that is not known yet, or a secret."""
    if type(value) is dict:
        return any(map(_is_open, value.values()))
    if type(value) is list:
        return any(map(_is_open, value))
    return isinstance(value, Secret) or value is Marker.UNKNOWN


def _fold(value: Any, node: Node) -> Any:
    """Return the form that values share which the rules call one: nothing left out, texts and numbers folded."""
    if rules.is_empty(value):
        return None
    if type(value) is dict:
        return {k: _fold(v, member_of(node, value, None, k)) for k, v in value.items() if not rules.is_empty(v)}
    if type(value) is list:
        return [_fold(element, item_of(node)) for element in value]
    if isinstance(value, str):
        return list(rules.token(value, node, ""))
    return int(value) if isinstance(value, float) and value.is_integer() else value
