"""Find the same place in another copy of a document, by letter case of keys where spelled otherwise."""

from __future__ import annotations

from typing import Any

from engine.compare import rules
from engine.model.document import ABSENT


def find_key(members: dict[str, Any], key: str) -> str | None:
    """Return the key as this object spells it: exactly, else in another letter case; None when it has none."""
    if key in members:
        return key
    folded = key.lower()
    return next((k for k in members if k.lower() == folded), None)


def find_map_key(members: dict[str, Any], key: str, *, is_tags: bool) -> str | None:
    """Return the key as this free map spells it: letter case is free for tag names and ids only."""
    if key in members:
        return key
    return find_key(members, key) if is_tags or rules.is_arm_id(key) else None


def get_member(members: Any, key: str, *, is_map: bool = False, is_tags: bool = False) -> Any:
    """Return a member by its key; ABSENT when there is none or this is no object."""
    if type(members) is not dict:
        return ABSENT
    found = find_map_key(members, key, is_tags=is_tags) if is_map else find_key(members, key)
    return ABSENT if found is None else members[found]
