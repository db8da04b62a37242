"""Why Azure may leave a value out of what it returns."""

from __future__ import annotations

import enum
from typing import Any

from engine.compare.secrets import is_sensitive
from engine.model.document import Secret
from schemas.nodes import Node, Property


class Veil(enum.IntEnum):
    """Why Azure may leave a value out. WRITE_ONLY is a hint and may be shown; SENSITIVE is a secret."""

    NONE = 0
    WRITE_ONLY = 1
    SENSITIVE = 2


def veil_of_member(outer: Veil, prop: Property | None) -> Veil:
    """Return what holds for a member of something veiled."""
    return Veil.WRITE_ONLY if outer is Veil.NONE and prop is not None and prop.is_write_only else outer


def veil_of(node: Node, outer: Veil, value: Any = None) -> Veil:
    """Return what holds for a value at a place of this shape."""
    sensitive = isinstance(value, Secret) or is_sensitive(node)
    return Veil.SENSITIVE if sensitive else outer
