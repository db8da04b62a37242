"""Desired states of a whole input at once."""

from __future__ import annotations

from collections.abc import Sequence

from engine.desired.build import BuildResult, build_indexed
from engine.desired.index import Index
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.model.state import CustomResource


def build_all(
    resources: Sequence[CustomResource], inputs: Inputs = NO_INPUTS, *, subscription: str = "", strict: bool = False
) -> BuildResult:
    """Build the desired states of objects in any order, whatever is wrong with single ones."""
    return build_indexed(Index.build(resources, subscription=subscription, inputs=inputs), inputs, strict=strict)
