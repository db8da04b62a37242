"""YAML as kubectl reads it, and what is said about the rest."""

from __future__ import annotations

from typing import Any

import pytest

from providers.manifests.document import Misread, MisreadError, RawDocument
from providers.manifests.yaml_text import read_yaml, resolve_plain


def _values(text: str | bytes) -> list[Any]:
    content = text.encode() if isinstance(text, str) else text
    return [d.value if isinstance(d, RawDocument) else (d.line, d.text) for d in read_yaml(content)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("On", True),
        ("y", True),
        ("n", False),
        ("OFF", False),
        ("true", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nothing", "nothing"),
        ("12", 12),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 15),
        ("0b101", 5),
        ("1_000", 1000),
        ("089", 89.0),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2021-01-01", "2021-01-01"),
        ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("1e999", "1e999"),
        ("+", "+"),
        (".", "."),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_plain_scalars(text: str, value: Any) -> None:
    """Scalars without quotes mean what they mean to Kubernetes: YAML 1.1 booleans, Go's numbers, dates as texts."""
    found = resolve_plain(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", [".nan", "-.Inf", "18446744073709551616", "9" * 400])
def test_numbers_beyond_json(text: str) -> None:
    """Numbers that JSON libraries would alter silently are refused."""
    with pytest.raises(MisreadError):
        resolve_plain(text)


def test_quotes_make_texts() -> None:
    """A quoted scalar is a text, and so is one tagged as such; a tag that does not fit is refused."""
    assert _values("a: 'yes'\nb: \"1\"\nc: !!str 5\nd: !!float 5\ne: !!binary aGk=") == [
        {"a": "yes", "b": "1", "c": "5", "d": 5.0, "e": "hi"}
    ]
    assert _values("a: !!int x") == [(1, "does not fit its tag !!int")]
    assert _values("a: !custom x") == [(1, "unknown YAML tag !custom")]


def test_keys_become_texts() -> None:
    """Keys that are no texts become what JSON makes of them; null is no key."""
    assert _values("on: 1\n5: 2\n1.5: 3\nn: 4") == [{"true": 1, "5": 2, "1.5": 3, "false": 4}]
    assert _values("~: 1") == [(1, "a key must be a text")]
    assert _values("{a: b}: 1") == [(1, "a key must be a text")]


def test_documents_are_separate() -> None:
    """What is wrong with one document leaves the others alone, and lines count from the top of the file."""
    text = "# head\n---\na: 1\n---\nb: [\n---\nc: 3\n---\nd: 4\nd: 5\n...\n---\n# only a comment\n---\ne: 5\n"

    found = list(read_yaml(text.encode()))

    assert [(d.line, getattr(d, "value", None)) for d in found] == [
        (3, {"a": 1}),
        (6, None),
        (7, {"c": 3}),
        (10, None),
        (12, None),
        (15, {"e": 5}),
    ]
    assert isinstance(found[3], Misread)
    assert found[3].text == "duplicate key 'd'"


def test_several_documents_without_marker_between() -> None:
    """A document may also end with three dots, and directives do not disturb."""
    assert _values("%YAML 1.1\n---\na: 1\n...\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_merge_keys() -> None:
    """Merged members come from the anchor; members of the object itself win."""
    assert _values("base: &b {x: 1, w: 2}\nout: {<<: *b, w: 3}\nmany: {<<: [{z: 1}, {z: 2}]}") == [
        {"base": {"x": 1, "w": 2}, "out": {"x": 1, "w": 3}, "many": {"z": 1}}
    ]
    assert _values("out: {<<: 5}") == [(1, "'<<' must be given an object, or a list of objects")]


def test_nesting_is_bounded() -> None:
    """Ten thousand levels are refused with a line, without recursion; what follows is read."""
    text = "a: 1\nb: " + "[" * 10_000 + "]" * 10_000 + "\n---\nc: 1\n"

    assert _values(text) == [(2, "nested more than 200 levels deep"), {"c": 1}]


def test_aliases_are_bounded() -> None:
    """Aliases of aliases are counted as often as they are used, in number and in depth."""
    wide = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    deep = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 300))

    assert "aliases blow the document up" in _values(wide)[0][1]
    assert "aliases included" in _values(deep)[0][1]
    assert _values("a: &a [*a]") == [(1, "alias *a has no anchor before it")]
    assert _values("a: &a {k: 1}\nb: *a") == [{"a": {"k": 1}, "b": {"k": 1}}]


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        (b"a: 1\nb: \xff\n", 2, "not a text: byte 0xff is not UTF-8"),
        (b'a: "x\x00y"\n', 1, "not YAML: control characters are not allowed"),
        (b"a: 1\n\tb: 2\n", 2, "not YAML: found a tab character"),
        (b"a: 1\nb: 'x\n", 3, "not YAML: found unexpected end of stream"),
    ],
    ids=["not utf-8", "nul", "tab", "open quote"],
)
def test_what_is_no_yaml(content: bytes, line: int, text: str) -> None:
    """Binary and malformed text is one problem with its line and cause."""
    (found,) = read_yaml(content)

    assert isinstance(found, Misread)
    assert found.line == line
    assert found.text.startswith(text)


def test_byte_order_marks() -> None:
    """Files that editors on Windows wrote are read."""
    assert _values("a: ü".encode("utf-8-sig")) == [{"a": "ü"}]
    assert _values("a: ü".encode("utf-16")) == [{"a": "ü"}]


def test_empty_files() -> None:
    """Nothing, comments and markers are no documents."""
    assert _values("") == []
    assert _values("# x\n") == []
    assert [v for v in _values("---\n---\n") if v is not None] == []
