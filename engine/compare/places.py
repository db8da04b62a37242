"""Find the same place in another copy of a document, by letter case of keys where spelled otherwise."""

from __future__ import annotations

from typing import Any

from engine.model.document import ABSENT


def find_key(members: dict[str, Any], key: str) -> str | None:
    """Return the key as this object spells it: exactly, else in another letter case; None when it has none."""
    if key in members:
        return key
    folded = key.lower()
    return next((k for k in members if k.lower() == folded), None)


def get_member(members: Any, key: str) -> Any:
    """Return a member by its key in any letter case; ABSENT when there is none or this is no object."""
    if type(members) is not dict:
        return ABSENT
    found = find_key(members, key)
    return ABSENT if found is None else members[found]
