"""Finds the line of a place in an object; only for messages, so it reads the text again."""

from __future__ import annotations

import re
from typing import Any

import yaml

from engine.model.path import FieldPath
from providers.manifests.yaml_text import LOADER

_MARKER = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


def find_line(content: bytes, line: int, path: FieldPath) -> int | None:
    """Return the line of a place, or of the nearest container there is.

    Args:
        content: The whole file; JSON is read as the YAML it is.
        line: Where the object begins, counted from 1.
        path: Place in the object.
    """
    starts = [0, *[match.start() for match in _MARKER.finditer(content)]]
    begin = max((s for s in starts if content.count(b"\n", 0, s) < line), default=0)
    end = min((s for s in starts if s > begin), default=len(content))
    offset = content.count(b"\n", 0, begin)
    try:
        documents = list(yaml.compose_all(content[begin:end], Loader=LOADER))
    except (yaml.YAMLError, RecursionError):
        return None
    for document in documents:
        for node in _candidates(document):
            if node.start_mark.line + offset + 1 == line:
                return offset + _descend(node, path) + 1
    return None


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
