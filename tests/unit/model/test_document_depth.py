"""JSON that no encoder could write again is refused where it is read."""

from __future__ import annotations

import pytest

from engine.model.document import ABSENT, Document, canonical, parse_json
from providers.arm.answer import Answer


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("levels", [260, 1_000, 10_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    """Beyond what encoders follow a text is no usable JSON, for documents and for answers."""
    with pytest.raises(ValueError, match=r"nested too deeply|depth limit"):
        parse_json(nested(levels))
    with pytest.raises(ValueError, match=r"nested too deeply|depth limit"):
        _ = Document(raw=nested(levels)).value
    assert Answer(status=200, body=nested(levels)).decode() is ABSENT


def test_what_is_accepted_can_be_written() -> None:
    """Two hundred levels, and any number of brackets side by side, are read and written again."""
    wide = b"[" + b",".join([b"[]"] * 5_000) + b"]"

    assert canonical(Document(raw=nested(200)).value) == nested(200)
    assert canonical(parse_json(wide)) == wide
