"""Every page of the documentation can be reached, and no link in it leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

_LINK = re.compile(r"\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_INDEX = ROOT / "docs" / "README.md"
_PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def links_of(page: Path) -> list[str]:
    """Return where a page leads to inside the repository."""
    found = _LINK.findall(_FENCE.sub("", page.read_text()))
    return [link for link in found if not link.startswith(("http:", "https:", "mailto:"))]


def anchors_of(page: Path) -> set[str]:
    """Return what can stand after ``#``, as the headings make it."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", _PAGES, ids=lambda p: p.name if p.parent == ROOT else f"docs-{p.name}")
def test_no_link_leads_nowhere(page: Path) -> None:
    """A link names a file that is there, and a heading that is in it."""
    broken = []
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            broken.append(link)

    assert broken == []


def test_every_page_is_in_the_index() -> None:
    """The index leads to each page, and the README to the index."""
    linked = {link.partition("#")[0] for link in links_of(_INDEX)}
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}

    assert pages - linked == set()
    assert "docs/README.md" in links_of(ROOT / "README.md")
