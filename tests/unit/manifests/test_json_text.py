"""JSON files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.manifests.document import Misread, RawDocument
from providers.manifests.json_text import read_json


def _read(text: str) -> list[Any]:
    return [d.value if isinstance(d, RawDocument) else (d.line, d.text) for d in read_json(text.encode())]


def test_values_one_after_another() -> None:
    """Several values in one file are several documents with their lines."""
    found = list(read_json(b' {"a": 1}\n\n{"b": [true, null, 1.5, "\\u00fc"]}\n'))

    assert [(d.line, d.value) for d in found if isinstance(d, RawDocument)] == [
        (1, {"a": 1}),
        (3, {"b": [True, None, 1.5, "ü"]}),
    ]


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ('{"a": 1,\n "b": }', 2, "not JSON: Expecting value"),
        ('{"a": 1,\n "b": 2,\n "a": 3}', 3, "duplicate key 'a'"),
        ('{"a": NaN}', 1, "NaN is not a number in JSON"),
        ('{"a": 1e999}', 1, "a number beyond what JSON libraries can carry"),
        ('{"a": 18446744073709551616}', 1, "a number of 65 bits"),
        ('{"a": ' + "9" * 5000 + "}", 1, "a number of 5000 digits"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, 1, "nested more than 200 levels deep"),
        ("[" * 300 + "]" * 300, 1, "nested more than 200 levels deep"),
        ('{"a": "\\ud800"}', 1, "a text holds half of a surrogate pair"),
        ('{"a": "x', 1, "not JSON: Unterminated string"),
    ],
    ids=["malformed", "duplicate", "nan", "infinite", "huge", "digits", "deep", "list", "surrogate", "truncated"],
)
def test_what_is_refused(text: str, line: int, cause: str) -> None:
    """Malformed values, and values JSON libraries would alter, are one problem with line and cause."""
    (found,) = _read(text)

    assert found[0] == line
    assert found[1].startswith(cause)


def test_bytes_that_are_no_text() -> None:
    """Bytes that are not UTF-8 are a problem with their line."""
    (found,) = read_json(b'{"a":\n "\xff"}')

    assert isinstance(found, Misread)
    assert (found.line, found.text) == (2, "not a text: byte 0xff is not UTF-8")


def test_lines_of_list_items() -> None:
    """Every object in the items of a List knows its line, whatever texts and nested items surround it."""
    content = {"kind": "List", "x": {"items": [{}]}, "items": [{"a": '}{[ " items'}, {"items": [{"b": [{}]}]}, {}]}
    text = json.dumps(content, indent=1)

    (document,) = read_json(text.encode())

    assert isinstance(document, RawDocument)
    lines = [document.lines[id(item)] for item in document.value["items"]]
    wanted = [n for n, line in enumerate(text.split("\n"), 1) if line.startswith("  {")]
    assert lines == wanted
