"""Finds the line of a place in an object; only for messages, so it reads the text again."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from typing import Any

import yaml

from engine.model.path import FieldPath
from providers.manifests.yaml_text import LOADER

_MARKER = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


class PlaceFinder:
    """Finds lines in one file; the document that was looked at last is kept, since errors come in herds."""

    __slots__ = ("_content", "_lines", "_nodes", "_open", "_starts")

    def __init__(self, content: bytes) -> None:
        """Note where documents begin; nothing is parsed yet. JSON is read as the YAML it is."""
        self._content = content
        self._starts = [0, *[match.start() for match in _MARKER.finditer(content) if match.start()]]
        self._lines = [0]
        for before, here in pairwise(self._starts):
            self._lines.append(self._lines[-1] + content.count(b"\n", before, here))
        self._open = -1
        self._nodes: dict[int, Any] = {}

    def find(self, line: int, path: FieldPath) -> int | None:
        """Return the line of a place, or of the nearest container there is; None when there is no such object.

        Args:
            line: Where the object begins, counted from 1.
            path: Place in the object.
        """
        document = bisect_left(self._lines, line) - 1
        if document < 0:
            return None
        if document != self._open:
            self._nodes, self._open = self._parse(document), document
        node = self._nodes.get(line)
        return self._lines[document] + _descend(node, path) + 1 if node is not None else None

    def _parse(self, document: int) -> dict[int, Any]:
        """Return the objects of a document by their lines."""
        begin, end = (*self._starts, len(self._content))[document : document + 2]
        try:
            found = list(yaml.compose_all(self._content[begin:end], Loader=LOADER))
        except (yaml.YAMLError, RecursionError):
            return {}
        offset = self._lines[document] + 1
        nodes: dict[int, Any] = {}
        for node in (node for one in found for node in _candidates(one)):
            nodes.setdefault(node.start_mark.line + offset, node)
        return nodes


def _candidates(document: Any) -> list[Any]:
    items = _child(document, "items")[1] if document is not None else None
    inner = items.value if isinstance(items, yaml.SequenceNode) else []
    return [node for node in (document, *inner) if isinstance(node, yaml.MappingNode)]


def _descend(node: Any, path: FieldPath) -> int:
    line = int(node.start_mark.line)
    for segment in path.segments:
        key, node = _child(node, segment)
        if node is None:
            break
        line = int((key if key is not None else node).start_mark.line)
    return line


def _child(node: Any, segment: object) -> tuple[Any, Any]:
    """Return key node and value node of a member, or the element of a list."""
    if isinstance(node, yaml.SequenceNode):
        index = int(str(segment)) if str(segment).isdigit() else len(node.value)
        return None, node.value[index] if index < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        name = str(segment)
        named = {str(key.value): (key, value) for key, value in node.value}
        folded = {text.lower(): pair for text, pair in named.items()}
        return named.get(name) or folded.get(name.lower(), (None, None))
    return None, None
