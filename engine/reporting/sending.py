"""What the requests of a step say about one place: the members that concern it, or that it is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.model.document import ABSENT, REDACTED
from engine.model.path import ByKey, FieldPath, Segment
from engine.model.plan import Request, Step
from engine.reporting.phrases import is_tags_request, request_label


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one request does at a place.

    Attributes:
        label: The method; the tags API by name.
        path: The place, or the nearest one above it that the request sends as a whole.
        value: What it sends; ABSENT where it removes by leaving out, or deletes.
    """

    label: str
    path: FieldPath
    value: Any


def sent_at(step: Step, path: FieldPath, *, sensitive: bool = False) -> tuple[Sent, ...]:
    """Return what the step's requests do at a place; nothing when it sends nothing, or nothing about it.

    Args:
        step: The decision.
        path: Place in the ARM body.
        sensitive: The values there must not be shown.
    """
    if not step.action.mutates:
        return ()
    found = (sent for request in step.requests for sent in _sent_by(request, path))
    return tuple(Sent(label=s.label, path=s.path, value=_veil(s.value)) for s in found) if sensitive else tuple(found)


def _veil(value: Any) -> Any:
    return ABSENT if value is ABSENT else REDACTED


def _sent_by(request: Request, path: FieldPath) -> Iterator[Sent]:
    label = request_label(request)
    if request.body is ABSENT:
        yield Sent(label=label, path=FieldPath(), value=ABSENT)
    elif is_tags_request(request):
        yield from _sent_as_tags(request, label, path)
    else:
        yield from _sent_as_body(request, label, path)


def _sent_as_body(request: Request, label: str, path: FieldPath) -> Iterator[Sent]:
    """Follow the place into the body; a merge patch sends lists whole, and does not touch what it leaves out."""
    is_patch = request.method == "PATCH"
    value = request.body
    for depth, segment in enumerate(path.segments):
        if is_patch and isinstance(value, list):
            yield Sent(label=label, path=FieldPath(path.segments[:depth]), value=value)
            return
        inner = _step(value, segment)
        if inner is ABSENT and is_patch and value is not None:
            return
        if inner is ABSENT:
            gone = value is None or isinstance(value, Mapping | list)
            yield Sent(
                label=label, path=path if gone else FieldPath(path.segments[:depth]), value=ABSENT if gone else value
            )
            return
        value = inner
    yield Sent(label=label, path=path, value=value)


def _sent_as_tags(request: Request, label: str, path: FieldPath) -> Iterator[Sent]:
    """Read the operation of the tags API: what it deletes, or leaves out of a replacement, is removed."""
    tags = request.body["properties"]["tags"]
    operation = request.body["operation"]
    if path.segments[:1] != ("tags",):
        return
    value = tags if len(path.segments) == 1 else _step(tags, path.segments[1])
    if operation == "Delete":
        if value is not ABSENT:
            yield Sent(label=label, path=path, value=ABSENT)
    elif value is not ABSENT or operation == "Replace":
        yield Sent(label=label, path=path, value=value)


def _step(value: Any, segment: Segment) -> Any:
    if isinstance(value, Mapping) and isinstance(segment, str):
        if segment in value:
            return value[segment]
        return next((v for k, v in value.items() if k.lower() == segment.lower()), ABSENT)
    if isinstance(value, list) and not isinstance(segment, str):
        return _element(value, segment)
    return ABSENT


def _element(items: list[Any], segment: int | ByKey) -> Any:
    """Return the element by its key where it has one: a request may hold elements in another order."""
    if isinstance(segment, ByKey):
        for item in items:
            if isinstance(item, Mapping) and str(_step(item, segment.identifier)).lower() == segment.value.lower():
                return item
        return ABSENT
    return items[segment] if segment < len(items) else ABSENT
