"""Values and paths in public JSON: what is unknown or secret is named by pointers, never by its value.

An object of the format that may hold such values carries two lists of JSON Pointers *into itself*: ``unknown`` (null
stands there) and ``masked`` (``***`` stands there). Reading turns them back into UNKNOWN and REDACTED, and a REDACTED
value can never be sent.
"""

from __future__ import annotations

from typing import Any

from engine.model.document import ABSENT, MASK, REDACTED, UNKNOWN, Secret
from engine.model.ids import ResourceKey
from engine.model.path import ByKey, FieldPath, Segment
from engine.reporting.wire_reader import Reader


class Collector:
    """Makes values public and remembers where something was unknown or masked."""

    __slots__ = ("masked", "unknown")

    def __init__(self) -> None:
        """Start with nothing found."""
        self.unknown: list[str] = []
        self.masked: list[str] = []

    def clean(self, value: Any, pointer: str) -> Any:
        """Return plain JSON with sorted keys; ``pointer`` is where the value will stand."""
        if isinstance(value, dict):
            return {text(k): self.clean(v, f"{pointer}/{_escape(text(k))}") for k, v in sorted(value.items())}
        if isinstance(value, list | tuple):
            return [self.clean(v, f"{pointer}/{n}") for n, v in enumerate(value)]
        if value is UNKNOWN or value is ABSENT:
            self.unknown.append(pointer)
            return None
        if value is REDACTED or isinstance(value, Secret):
            self.masked.append(pointer)
            return MASK
        return text(value) if isinstance(value, str) else value


def text(value: str) -> str:
    """Return the text without lone surrogates, which no JSON writer can encode."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def restore(holder: dict[str, Any], *, unknown: list[str], masked: list[str], where: Reader) -> None:
    """Put the markers back into a decoded object, in place; a pointer to nothing is an error."""
    for marker, pointers in ((UNKNOWN, unknown), (REDACTED, masked)):
        for pointer in pointers:
            if not _put(holder, pointer, marker):
                raise where.problem(f"the pointer {pointer!r} leads nowhere")


def _put(holder: Any, pointer: str, marker: Any) -> bool:
    *parents, last = FieldPath.parse_pointer(pointer).segments if pointer[:1] == "/" else [""]
    for segment in parents:
        holder = _get(holder, segment)
    if isinstance(holder, dict) and last in holder:
        holder[last] = marker
        return True
    if isinstance(holder, list) and str(last).isdecimal() and int(str(last)) < len(holder):
        holder[int(str(last))] = marker
        return True
    return False


def _get(holder: Any, segment: Segment) -> Any:
    if isinstance(holder, dict):
        return holder.get(segment)
    if isinstance(holder, list) and str(segment).isdecimal() and int(str(segment)) < len(holder):
        return holder[int(str(segment))]
    return None


def encode_path(path: FieldPath) -> dict[str, Any]:
    """Return ``path`` (JSON Pointer) and ``text``; ``segments`` too where the pointer alone would lose something."""
    encoded: dict[str, Any] = {"path": text(path.pointer), "text": text(path.text)}
    if not all(isinstance(s, str) for s in path.segments):
        encoded["segments"] = [_encode_segment(s) for s in path.segments]
    return encoded


def _encode_segment(segment: Segment) -> Any:
    if isinstance(segment, ByKey):
        return {"index": segment.index, "identifier": text(segment.identifier), "value": text(segment.value)}
    return text(segment) if isinstance(segment, str) else segment


def decode_path(where: Reader) -> FieldPath:
    """Read what :func:`encode_path` wrote; ``segments`` wins over ``path``."""
    if where.has("segments"):
        return FieldPath(tuple(_decode_segment(item) for item in where.items("segments")))
    return parse_pointer(where, "path")


def parse_pointer(where: Reader, key: str) -> FieldPath:
    """Read a JSON Pointer; every part is text."""
    try:
        return FieldPath.parse_pointer(where.string(key))
    except ValueError as exc:
        raise where.problem(str(exc)) from exc


def _decode_segment(where: Reader) -> Segment:
    value = where.value
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return ByKey(where.integer("index"), where.string("identifier"), where.string("value"))


def object_json(key: ResourceKey) -> dict[str, str]:
    """Return the object as manifests name it."""
    return {
        "apiVersion": text(key.api_version),
        "kind": text(key.kind),
        "namespace": text(key.namespace),
        "name": text(key.name),
    }


def decode_object(where: Reader) -> ResourceKey:
    """Return the object of what ``object_json`` wrote."""
    group, _, version = where.string("apiVersion").rpartition("/")
    return ResourceKey(
        namespace=where.string("namespace"),
        group=group,
        kind=where.string("kind"),
        name=where.string("name"),
        version=version,
    )
