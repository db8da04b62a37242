"""Tokens of operations on objects: each is followed once by a process, whatever becomes of the object."""

from __future__ import annotations

from engine.cluster.objects import ClusterObject
from engine.desired.policy import OPERATION
from engine.model.document import Document
from engine.model.state import CustomResource
from engine.runtime.controller.operations import Operations
from tests.builders import build_key


def carrying(token: str) -> ClusterObject:
    """Return an object with a token; without one for an empty text, as Ready makes it."""
    annotations = {OPERATION: token} if token else {}
    return ClusterObject(resource=CustomResource(key=build_key(), spec=Document(value={}), annotations=annotations))


def test_a_token_that_is_seen_again_stays_spent() -> None:
    """Ready hid it, and the object is not Ready any more, as one that Azure cannot delete: its end was seen."""
    operations, found = Operations(), carrying("first;ready=1")
    assert operations.pending(found) == "first"
    operations.spend(found)

    seen = [operations.pending(carrying(token)) for token in ("first;ready=1", "", "first;ready=1", "first")]

    assert seen == [""] * 4


def test_another_token_is_another_operation() -> None:
    """Spent is the last one whose end was seen; an object that is gone takes it along."""
    operations = Operations()
    operations.spend(carrying("first"))

    assert operations.pending(carrying("second")) == "second"
    operations.spend(carrying(""))
    assert operations.pending(carrying("first")) == ""
    operations.forget(carrying("").identity)
    assert operations.pending(carrying("first")) == "first"
