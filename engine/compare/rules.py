"""Equivalences: one small pure function per way in which two different texts or numbers are the same value.

Each rule is limited by a fact about the place (the schema node, or the name of the member); nothing here folds letter
case or white space in general, because Azure keeps both in names, paths, queries and descriptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from engine.compare import texts
from engine.model.document import Marker, Secret
from schemas.nodes import AnyNode, EnumNode, Node, TextNode

Scalar = str | int | float | bool | None
Equivalence = Callable[[Any, Any, Node, str], bool]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ARM_ID = re.compile(r"/(subscriptions|providers|resourcegroups)/\S", re.IGNORECASE)
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9 ()-]*")
_REGION_NAMES = ("location", "locationname", "region", "regionname")
_MASK = re.compile(r"(\*+|<redacted>|\[redacted\])", re.IGNORECASE)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?\d*([Zz]|[+-]\d\d:\d\d)")
_VERSION = re.compile(r"\d+(\.\d+)*")
_COLLECTIONS = (dict, list)


def is_empty(value: Any) -> bool:
    """Whether a value holds nothing: null, blank, an empty collection, an object of nothing else.

    A key that is an id says something by itself: ``{"/subscriptions/…": {}}`` assigns an identity.
    """
    if value is None or value == "":
        return True
    if type(value) is dict:
        return all(is_empty(v) and not k.startswith("/") for k, v in value.items())
    return type(value) is list and not value


def is_collection(value: Any) -> bool:
    """Whether a value is an object or a list."""
    return type(value) in _COLLECTIONS


def is_masked(value: Any) -> bool:
    """Whether Azure shows something else in the place of a secret."""
    return isinstance(value, str) and bool(_MASK.fullmatch(value))


def is_arm_id(value: Any) -> bool:
    """Whether a text reads as an ARM resource id."""
    return isinstance(value, str) and value.startswith("/") and bool(_ARM_ID.match(value))


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number; true is none."""
    return type(value) is int or type(value) is float


def fold_id(value: str) -> str:
    """Return the form that two equal ids share."""
    return value.rstrip("/").lower()


def fold_region(value: str) -> str:
    """Return the form that display name and code of a region share."""
    return value.replace(" ", "").lower()


def is_same_number(desired: Any, actual: Any, _node: Node, _name: str) -> bool:
    """1 and 1.0, never 1 and true, never 1 and "1"."""
    return is_number(desired) and is_number(actual) and bool(desired == actual)


def is_same_region(desired: Any, actual: Any, node: Node, name: str) -> bool:
    """Display name or code, only where the schema or the member's name says location."""
    if not (isinstance(node, TextNode) and node.location) and not _is_location_name(name):
        return False
    if not (_REGION.fullmatch(desired) and _REGION.fullmatch(actual)):
        return False
    return fold_region(desired) == fold_region(actual)


def is_same_id(desired: Any, actual: Any, _node: Node, _name: str) -> bool:
    """Letter case and a trailing slash, only when both are ARM ids."""
    return is_arm_id(desired) and is_arm_id(actual) and fold_id(desired) == fold_id(actual)


def is_same_enum(desired: Any, actual: Any, node: Node, _name: str) -> bool:
    """Letter case, only of a value that the schema enumerates (open enums: of any single word)."""
    if not isinstance(node, EnumNode):
        return False
    folded: str = desired.lower()
    return folded == actual.lower() and (folded in node.folded or (node.is_open and " " not in folded))


def is_same_boolean_text(desired: Any, actual: Any, node: Node, _name: str) -> bool:
    """Letter case of a switch held as text: true, enabled and their opposites."""
    return isinstance(node, TextNode | AnyNode) and desired.lower() == actual.lower() and desired.lower() in _BOOLEANS


def is_completed_version(desired: Any, actual: Any, _node: Node, name: str) -> bool:
    """More parts of the version that was asked for, only in members named version: 1.29 is satisfied by 1.29.4."""
    if not (name.lower().endswith("version") and actual.startswith(desired + ".")):
        return False
    return bool(_VERSION.fullmatch(desired) and _VERSION.fullmatch(actual))


def is_relative_id(desired: Any, actual: Any, own_id: Any) -> bool:
    """Whether Azure put an id above this resource (or the resource itself) before the rest of an id that was sent."""
    if not (isinstance(desired, str) and is_arm_id(actual) and is_arm_id(own_id) and desired.startswith("/")):
        return False
    whole, tail = fold_id(actual), fold_id(desired)
    above = whole.removesuffix(tail)
    return bool(tail) and above != whole and bool(above) and f"{fold_id(own_id)}/".startswith(f"{above}/")


def is_same_guid(desired: Any, actual: Any, _node: Node, _name: str) -> bool:
    """Letter case, only when both are whole GUIDs."""
    return bool(desired.lower() == actual.lower() and _GUID.fullmatch(desired))


def is_same_timestamp(desired: Any, actual: Any, _node: Node, _name: str) -> bool:
    """Two spellings of one instant; only whole date-times with a time zone."""
    left, right = _instant(desired), _instant(actual)
    return left is not None and left == right


def is_same_duration(desired: Any, actual: Any, _node: Node, _name: str) -> bool:
    """Two spellings of one ISO 8601 duration: P1D is PT24H."""
    return texts.is_same_duration(desired, actual)


def _instant(text: str) -> datetime | None:
    if not _TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


_BOOLEANS = ("true", "false", "enabled", "disabled")
TEXT_RULES: Final[tuple[tuple[str, Equivalence], ...]] = (
    ("region", is_same_region),
    ("arm-id", is_same_id),
    ("enum-case", is_same_enum),
    ("boolean-text", is_same_boolean_text),
    ("guid-case", is_same_guid),
    ("timestamp", is_same_timestamp),
    ("duration", is_same_duration),
    ("version-completed", is_completed_version),
)


def find_equivalence(desired: Any, actual: Any, node: Node, name: str) -> str | None:
    """Return the rule under which two unequal scalars are one value; None when there is none.

    Args:
        desired: A scalar the user wrote, revealed when it is a secret.
        actual: A scalar Azure holds.
        node: What the schema says of the place.
        name: The member's name, for what is location-named.
    """
    if isinstance(desired, str) and isinstance(actual, str):
        return next((rule for rule, is_same in TEXT_RULES if is_same(desired, actual, node, name)), None)
    return "number" if is_same_number(desired, actual, node, name) else None


def token(value: Any, node: Node, name: str) -> Any:
    """Return a hashable form that scalars share exactly when some rule (or equality) makes them one value."""
    value = value.reveal() if isinstance(value, Secret) else value
    if isinstance(value, str):
        return _text_token(value, node, name)
    if is_number(value):
        return ("number", value)
    if isinstance(value, Marker):
        return ("marker", id(value))
    return ("json", repr(value))


def _text_token(value: str, node: Node, name: str) -> Any:
    folded = value.lower()
    if is_arm_id(value):
        return ("text", fold_id(value))
    if isinstance(node, EnumNode) or folded in _BOOLEANS or _GUID.fullmatch(value):
        return ("text", folded)
    if _is_location_name(name) or (isinstance(node, TextNode) and node.location):
        return ("text", fold_region(value))
    length = texts.duration_s(value) if folded.startswith("p") else None
    if length is not None:
        return ("duration", length)
    instant = _instant(value)
    return ("text", value if instant is None else instant.astimezone(UTC).isoformat())


def _is_location_name(name: str) -> bool:
    return name.lower().endswith(_REGION_NAMES)
