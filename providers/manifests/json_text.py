"""JSON documents, one or several after another, with the line of every item of a List."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from providers.manifests.document import MAX_DEPTH, Misread, MisreadError, RawDocument, check_integer
from providers.manifests.yaml_text import read_yaml

_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(content: bytes) -> Iterator[RawDocument | Misread]:
    """Yield the documents of a file; the first thing that is no JSON ends it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        yield Misread(
            content.count(b"\n", 0, exc.start) + 1, f"not a text: byte 0x{content[exc.start]:02x} is not UTF-8"
        )
        return
    at = _skip_space(text, 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        try:
            value, end = _decode(text, at)
            yield RawDocument(value, line, _item_lines(value, text, at, line))
        except MisreadError as exc:
            yield exc.misread
            return
        at = _skip_space(text, end)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _decode(text: str, at: int) -> tuple[Any, int]:
    line = text.count("\n", 0, at) + 1
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse, parse_int=_integer)
    try:
        value, end = decoder.raw_decode(text, at)
    except json.JSONDecodeError as exc:
        raise MisreadError(exc.lineno, f"not JSON: {exc.msg} (column {exc.colno})") from exc
    except RecursionError as exc:
        raise MisreadError(line, f"nested more than {MAX_DEPTH} levels deep") from exc
    except MisreadError as exc:
        raise _placed(exc, text, line) from exc
    _check_tree(value, line, check_text=_SURROGATE.search(text) is not None)
    return value, end


def _placed(exc: MisreadError, text: str, line: int) -> MisreadError:
    """Return the same error with its line: JSON's decoder does not know it, YAML's reads the same text and does."""
    for document in read_yaml(text.encode("utf-8", "replace")):
        if isinstance(document, Misread) and document.text == exc.misread.text:
            return MisreadError(document.line, document.text, hint=document.hint)
    return MisreadError(line, exc.misread.text, hint=exc.misread.hint)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MisreadError(0, f"duplicate key {twice!r}", hint="keep one of them")
    return value


def _refuse(word: str) -> Any:
    raise MisreadError(0, f"{word} is not a number in JSON")


def _integer(digits: str) -> int:
    if len(digits) > 64:
        raise MisreadError(0, f"a number of {len(digits)} digits", hint="put it in quotes if it is a text")
    return check_integer(int(digits), 0)


def _check_tree(value: Any, line: int, *, check_text: bool) -> None:
    """Refuse depth that encoders cannot follow, and halves of surrogate pairs, which are no text."""
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            if check_text and any("\ud800" <= char <= "\udfff" for char in item):
                raise MisreadError(line, "a text holds half of a surrogate pair")
        elif isinstance(item, float):
            if item in (float("inf"), float("-inf")):
                raise MisreadError(line, "a number beyond what JSON libraries can carry")
        elif isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise MisreadError(line, f"nested more than {MAX_DEPTH} levels deep")
            children = item.values() if isinstance(item, dict) else item
            stack.extend((child, depth + 1) for child in children)
            if check_text and isinstance(item, dict):
                stack.extend((key, depth) for key in item)


def _item_lines(value: Any, text: str, begin: int, line: int) -> dict[int, int]:
    """Return the lines of the objects in ``items``, found by one pass over the brackets."""
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return {}
    lines: list[int] = []
    depth, at, in_items, last = 0, begin, False, ""
    for match in _TOKEN.finditer(text, begin):
        found = match.group()
        if found in "{[":
            depth += 1
            in_items = in_items or (depth == 2 and last == '"items"' and found == "[")
            if depth == 3 and in_items and found == "{":
                line += text.count("\n", at, match.start())
                at = match.start()
                lines.append(line)
        elif found in "}]":
            depth -= 1
            if depth == 1 and in_items:
                break
        last = found
    objects = [item for item in items if isinstance(item, dict)]
    return {id(item): at_line for item, at_line in zip(objects, lines, strict=False)}
