"""The page on definitions is made from them."""

from __future__ import annotations

import os

from schemas.kinds import all_kinds
from tests.crds_page import OPERATOR_SPEC, PAGE, operator_members, render_page


def test_the_page_is_current() -> None:
    """The committed page is what the definitions say today."""
    if os.environ.get("TRUEUP_GOLDEN_ACCEPT"):
        PAGE.write_text(render_page())

    assert PAGE.read_text() == render_page()


def test_every_kind_is_on_the_page() -> None:
    """And every member of DriftReport has a type."""
    page = PAGE.read_text()

    assert {kind.name for kind in all_kinds() if f" {kind.name} (" not in page} == set()
    assert "| `findings[].changes[].before` | string |" in page


def test_every_member_of_operator_spec_has_a_meaning() -> None:
    """And none is on the page that no kind has."""
    assert operator_members() == set(OPERATOR_SPEC)
