"""What right it takes to follow operations of a type, read off recordings by ``schemas/build/poll_actions.py``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import orjson

from schemas.operations import lookup_operations
from schemas.store import DATA

_VERBS = ("PUT", "PATCH", "DELETE")


def poll_actions(arm_type: str) -> tuple[str, ...]:
    """Return the actions; none where writes of the type are done at once.

    An operation may be polled below ``locations`` whatever was recorded: one write was seen, Azure has several words.
    """
    recorded = _table().get(arm_type.lower(), ())
    known = lookup_operations(arm_type)
    is_long = known is not None and any(known.operations[v].is_long_running for v in _VERBS if v in known.operations)
    own = any(action.startswith("Microsoft.Resources/") for action in recorded)
    below = (f"{arm_type.partition('/')[0]}/locations/*/read",) if (recorded or is_long) and not own else ()
    return tuple(dict.fromkeys((*below, *recorded)))


@cache
def _table() -> Mapping[str, tuple[str, ...]]:
    rows: Mapping[str, list[str]] = orjson.loads((DATA / "poll_actions.json").read_bytes())
    return {name: tuple(actions) for name, actions in rows.items()}
