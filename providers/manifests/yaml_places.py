"""Lines of the members of a YAML document, for messages that name a place in it."""

from __future__ import annotations

from typing import Any

import yaml

from providers.manifests.yaml_text import LOADER

_DEPTH = 6
"""Levels that are looked at; no place that a message names lies deeper."""


def line_of(content: bytes, place: str) -> int:
    """Return the line of a place as ``routes[0].match``; of what is missing, the line of what should hold it.

    Args:
        content: YAML of one document that can be read.
        place: Names joined by dots, numbers in brackets.
    """
    lines = _lines(content)
    while place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines[place]


def _lines(content: bytes) -> dict[str, int]:
    root: Any = yaml.compose(content, Loader=LOADER)
    found = {"": root.start_mark.line + 1 if root is not None else 1}
    waiting: list[tuple[str, Any, int]] = [("", root, 0)]
    while waiting:
        place, node, depth = waiting.pop()
        for below, line, value in _members(place, node) if depth < _DEPTH else ():
            found[below] = line
            waiting.append((below, value, depth + 1))
    return found


def _members(place: str, node: Any) -> list[tuple[str, int, Any]]:
    if isinstance(node, yaml.MappingNode):
        pairs = [(k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode)]
        return [(f"{place}.{k.value}".lstrip("."), k.start_mark.line + 1, v) for k, v in pairs]
    if isinstance(node, yaml.SequenceNode):
        return [(f"{place}[{n}]", item.start_mark.line + 1, item) for n, item in enumerate(node.value)]
    return []
