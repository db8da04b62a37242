"""What a request says about a place: only there is what Azure holds afterwards an answer to us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.model.path import FieldPath
from engine.model.plan import Request
from engine.planning.carry import find_key

_TAGS_API = "/providers/microsoft.resources/tags/default?"
_REPLACE = "Replace"


def covers(requests: Iterable[Request], path: FieldPath) -> bool:
    """Whether one of the requests sent the value at a place, or its absence."""
    return any(_covers(request, member_names(path)) for request in requests)


def sends_all(requests: Iterable[Request]) -> bool:
    """Whether one of the requests sent the whole resource."""
    return any(request.method == "PUT" for request in requests)


def member_names(path: FieldPath) -> tuple[str, ...]:
    """Return the place up to the first list: merge patches and memories take lists as a whole."""
    names = []
    for segment in path.segments:
        if not isinstance(segment, str):
            break
        names.append(segment)
    return tuple(names)


def _covers(request: Request, names: tuple[str, ...]) -> bool:
    if request.method == "PUT":
        return True
    if request.method != "PATCH":
        return False
    if _TAGS_API not in request.url.lower():
        return _reaches(request.body, names)
    if names[:1] != ("tags",):
        return False
    return request.body.get("operation") == _REPLACE or _reaches(request.body.get("properties"), names)


def _reaches(body: Any, names: tuple[str, ...]) -> bool:
    """Whether a merge patch says something about the place: itself, a part of it, or all that is around it."""
    for name in names:
        if not isinstance(body, Mapping):
            return True
        key = find_key(body, name)
        if key is None:
            return False
        body = body[key]
    return True
