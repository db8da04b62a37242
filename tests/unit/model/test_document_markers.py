"""Markers are not JSON: they are never sent, and print as what they mean."""

from __future__ import annotations

import pytest

from engine.model.document import ABSENT, REDACTED, UNKNOWN, Marker, Secret, canonical, encode_public, encode_wire


@pytest.mark.parametrize("marker", [ABSENT, UNKNOWN, REDACTED], ids=repr)
def test_wire_refuses_markers(marker: Marker) -> None:
    """A request body that holds a marker is an error, never the marker's name as text."""
    with pytest.raises(ValueError):
        encode_wire({"properties": {"list": [marker]}})


def test_public_form_of_markers() -> None:
    """For people an unknown value is null, a redacted one and a secret are the mask."""
    value = {"a": UNKNOWN, "b": REDACTED, "c": Secret("hidden"), "d": [UNKNOWN]}

    encoded = encode_public(value)

    assert encoded == b'{"a":null,"b":"***","c":"***","d":[null]}'
    assert canonical(value) == encoded


def test_wire_reveals_secrets_only() -> None:
    """The request's encoder is the one that shows a secret."""
    assert encode_wire({"b": Secret("x"), "a": 1}) == b'{"a":1,"b":"x"}'
