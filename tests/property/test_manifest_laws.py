"""Laws of reading manifests: nothing in a file can end the process, and JSON is read as it was written."""

from __future__ import annotations

import orjson
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.model.path import FieldPath
from providers.manifests.document import Misread, RawDocument
from providers.manifests.json_text import read_json
from providers.manifests.locate import PlaceFinder
from providers.manifests.objects import Manifests
from providers.manifests.yaml_text import read_yaml
from tests.strategies import json_values

SETTINGS = settings(max_examples=150, deadline=None)
SNIPPETS = st.sampled_from(
    (
        "a: 1\n",
        "- x\n",
        "---\n",
        "...\n",
        "&a ",
        "*a ",
        "<<: *a\n",
        "{",
        "}",
        "[",
        "]",
        "!!int ",
        "? ",
        "| \n  x\n",
        "%YAML 1.1\n",
        '"',
        "'",
        "\t",
        "\x00",
        "kind: ResourceGroup\n",
        "apiVersion: resources.azure.com/v1\n",
        "metadata: {name: a}\n",
        ": ",
        "\r",
        "\u2028",
    )
)
TEXTS = st.lists(SNIPPETS, max_size=25).map(lambda parts: "".join(parts).encode())


@SETTINGS
@given(st.one_of(st.binary(max_size=60), TEXTS))
@example(b"\xff\xfea")
@example(b"? ? ?")
@example(b"--- --- ---")
def test_any_bytes_are_documents_or_misreads(content: bytes) -> None:
    """Whatever stands in a file, reading it yields documents that JSON can carry, or causes with lines."""
    manifests = Manifests()
    lines = content.count(b"\n") + content.count(b"\r") + content.count("\u2028".encode()) + 2

    for document in (*read_yaml(content), *read_json(content)):
        assert isinstance(document, RawDocument | Misread)
        assert 1 <= document.line <= lines
        if isinstance(document, RawDocument):
            orjson.dumps(document.value)
        manifests.add(document, "t.yaml", is_explicit=True)

    PlaceFinder(content).find(1, FieldPath(("spec", "a")))


@SETTINGS
@given(json_values())
def test_json_is_read_as_written(value: object) -> None:
    """A value comes back from JSON unchanged."""
    (document,) = read_json(orjson.dumps(value))

    assert isinstance(document, RawDocument)
    assert orjson.dumps(document.value) == orjson.dumps(value)


@SETTINGS
@given(json_values())
def test_quoted_yaml_is_read_as_written(value: object) -> None:
    """A value whose texts are quoted comes back from YAML unchanged."""
    (document,) = read_yaml(yaml.safe_dump({"k": value}, default_style='"', sort_keys=False).encode())

    assert isinstance(document, RawDocument), document
    assert orjson.dumps(document.value) == orjson.dumps({"k": value})
