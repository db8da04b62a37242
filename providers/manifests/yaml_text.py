"""YAML as kubectl reads it.

Events of libyaml are put together here rather than by PyYAML's constructor: that one reads dates and sexagesimal
numbers, lets later keys win, and recurses. Plain scalars mean what the YAML library of Kubernetes takes them for:
YAML 1.1 booleans (yes, no, on, off, y, n), Go's integers, and dates are texts.

Source: resolve.go of goyaml.v2 in https://github.com/kubernetes-sigs/yaml.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import yaml

from providers.manifests.document import MAX_DEPTH, MAX_NODES, Misread, MisreadError, RawDocument, check_integer

LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)  # Any: the C classes have no stubs; only events are taken from it

_MARKER = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ONLY_DIRECTIVES = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n|\.\.\.[ \t]*\r?\n)*[ \t]*(?:#[^\n]*|%[^\n]*)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_JSON = frozenset(f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")) | {
    ".nan",
    ".NaN",
    ".NAN",
}
_STARTS = frozenset("yYnNtTfFoO~+-.0123456789")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>[1-9][0-9]*|0))"
)
_BASES = (("dec", 10), ("hex", 16), ("oct", 8), ("bin", 2))
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAG = "tag:yaml.org,2002:"
_MERGE = object()


def read_yaml(content: bytes) -> Iterator[RawDocument | Misread]:
    """Yield the documents of a file; what is wrong with one leaves the others alone.

    A broken document ends at the next line that begins with ``---``.
    """
    starts = [match.start() for match in _MARKER.finditer(content)]
    edges = [0, *[s for s in starts if s], len(content)]
    line = 0
    for begin, end in pairwise(edges):
        chunk = content[begin:end]
        if not _ONLY_DIRECTIVES.fullmatch(chunk):
            yield from _read_chunk(chunk, line)
        line += chunk.count(b"\n")


def _read_chunk(chunk: bytes, offset: int) -> Iterator[RawDocument | Misread]:
    try:
        text = _decode(chunk, offset)
        yield from _build(text, offset)
    except MisreadError as exc:
        yield exc.misread
    except yaml.YAMLError as exc:
        yield _explain(exc, chunk, offset)


def _decode(chunk: bytes, offset: int) -> str:
    try:
        return chunk.decode("utf-16" if chunk[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as exc:
        line = offset + chunk.count(b"\n", 0, exc.start) + 1
        raise MisreadError(line, f"not a text: byte 0x{chunk[exc.start]:02x} is not UTF-8") from exc


def _explain(exc: yaml.YAMLError, chunk: bytes, offset: int) -> Misread:
    mark = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
    position = getattr(exc, "position", None)
    line = offset + 1 + (mark.line if mark is not None else chunk.count(b"\n", 0, position or 0))
    cause = getattr(exc, "problem", None) or getattr(exc, "reason", None) or "not YAML"
    context = getattr(exc, "context", None)
    hint = "indent with spaces" if "character that cannot start any token" in cause and b"\t" in chunk else ""
    return Misread(line, f"not YAML: {cause}{f' ({context})' if context else ''}", hint)


class _Frame:
    """A container that is being filled."""

    __slots__ = ("anchor", "key", "merges", "nodes", "tallest", "value")

    def __init__(self, value: Any, anchor: str | None, nodes: int) -> None:
        self.value = value
        self.key: Any = None
        self.anchor = anchor
        self.nodes = nodes
        self.tallest = 0
        self.merges: list[Any] = []


class _Anchor:
    """A value that aliases repeat: how many values and how many levels one use of it costs."""

    __slots__ = ("height", "nodes", "value")

    def __init__(self, value: Any, nodes: int, height: int) -> None:
        self.value = value
        self.nodes = nodes
        self.height = height


class _Builder:
    """Puts one document together from events, without recursion."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 0
        self.root: Any = None
        self.lines: dict[int, int] = {}

    def scalar(self, event: Any) -> None:
        self._nodes += 1
        text = event.value
        if event.implicit[0]:
            value = resolve_plain(text, self.line(event)) if text[:1] in _STARTS or not text else text
            if text == "<<" and self._stack and self._awaits_key(self._stack[-1]):
                value = _MERGE
        elif event.tag is None or event.tag == "!":
            value = text
        else:
            value = _resolve_tagged(event.tag, text, self.line(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, 1, 0)
        self._attach(value, event)

    def begin(self, value: Any, event: Any) -> None:
        depth = len(self._stack)
        if depth >= MAX_DEPTH:
            raise MisreadError(self.line(event), f"nested more than {MAX_DEPTH} levels deep")
        if event.tag is not None and not event.tag.startswith(_TAG):
            raise MisreadError(self.line(event), f"unknown YAML tag {event.tag}")
        if depth <= 2 and type(value) is dict:
            self.lines[id(value)] = self.line(event)
        self._nodes += 1
        self._stack.append(_Frame(value, event.anchor, self._nodes))

    def end(self, event: Any) -> None:
        frame = self._stack.pop()
        for merged in frame.merges:
            self._merge(frame.value, merged, event)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(frame.value, self._nodes - frame.nodes + 1, frame.tallest + 1)
        if self._stack:
            parent = self._stack[-1]
            parent.tallest = max(parent.tallest, frame.tallest + 1)
        self._attach(frame.value, event)

    def alias(self, event: Any) -> None:
        anchor = self._anchors.get(event.anchor)
        line = self.line(event)
        if anchor is None:
            raise MisreadError(line, f"alias *{event.anchor} has no anchor before it")
        self._nodes += anchor.nodes
        if self._nodes > MAX_NODES:
            raise MisreadError(line, f"aliases blow the document up to more than {MAX_NODES} values")
        if len(self._stack) + anchor.height > MAX_DEPTH:
            raise MisreadError(line, f"nested more than {MAX_DEPTH} levels deep, aliases included")
        if self._stack:
            self._stack[-1].tallest = max(self._stack[-1].tallest, anchor.height)
        self._attach(anchor.value, event)

    def _attach(self, value: Any, event: Any) -> None:
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        container = frame.value
        if type(container) is list:
            container.append(value)
        elif frame.key is None:
            frame.key = value if value is _MERGE else self._key(value, container, event)
        elif frame.key is _MERGE:
            frame.merges.extend(value if isinstance(value, list) else [value])
            frame.key = None
        else:
            container[frame.key] = value
            frame.key = None

    def _awaits_key(self, frame: _Frame) -> bool:
        return type(frame.value) is dict and frame.key is None

    def _key(self, value: Any, container: dict[str, Any], event: Any) -> str:
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            raise MisreadError(self.line(event), "a key must be a text")
        if value in container:
            raise MisreadError(self.line(event), f"duplicate key {value!r}", hint="keep one of them")
        return value

    def _merge(self, value: dict[str, Any], merged: Any, event: Any) -> None:
        if not isinstance(merged, dict):
            raise MisreadError(self.line(event), "'<<' must be given an object, or a list of objects")
        for key, item in merged.items():
            value.setdefault(key, item)

    def line(self, event: Any) -> int:
        return self._offset + int(event.start_mark.line) + 1


def _build(text: str, offset: int) -> Iterator[RawDocument]:
    builder = _Builder(offset)
    line = offset + 1
    for event in yaml.parse(text, Loader=LOADER):
        kind = type(event)
        if kind is yaml.ScalarEvent:
            builder.scalar(event)
        elif kind is yaml.MappingStartEvent:
            builder.begin({}, event)
        elif kind is yaml.SequenceStartEvent:
            builder.begin([], event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            builder.end(event)
        elif kind is yaml.AliasEvent:
            builder.alias(event)
        elif kind is yaml.DocumentStartEvent:
            builder = _Builder(offset)
            line = builder.line(event)
        elif kind is yaml.DocumentEndEvent:
            yield RawDocument(builder.root, builder.lines.get(id(builder.root), line), builder.lines)


def resolve_plain(text: str, line: int = 0) -> Any:
    """Return what a scalar without quotes means.

    Raises:
        MisreadError: It is a number that JSON cannot carry.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text in _NOT_JSON:
        raise MisreadError(line, f"{text} is not a number in JSON", hint="put it in quotes if it is a text")
    if text[:1] not in "+-.0123456789":
        return text
    plain = text.replace("_", "") if text[0] != "." else text
    match = _INTEGER.fullmatch(plain)
    if match is not None:
        return _integer(match, line)
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        return text if number in (float("inf"), float("-inf")) else number
    return text


def _integer(match: re.Match[str], line: int) -> int:
    digits, base = next((match[name], base) for name, base in _BASES if match[name] is not None)
    if len(digits) > 64:
        raise MisreadError(line, f"a number of {len(digits)} digits", hint="put it in quotes if it is a text")
    value = int(digits, base)
    return check_integer(-value if match["sign"] == "-" else value, line)


def _resolve_tagged(tag: str, text: str, line: int) -> Any:
    name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    if name in ("str", "timestamp"):
        return text
    if name == "binary":
        return _binary(text, line)
    wanted = {"bool": bool, "int": int, "float": float, "null": type(None)}.get(name)
    if wanted is None:
        raise MisreadError(line, f"unknown YAML tag {tag}")
    value = resolve_plain(text, line)
    value = float(value) if wanted is float and type(value) is int else value
    if type(value) is not wanted:
        raise MisreadError(line, f"does not fit its tag !!{name}")
    return value


def _binary(text: str, line: int) -> str:
    try:
        return b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise MisreadError(line, "!!binary must be base64 of a text") from exc
