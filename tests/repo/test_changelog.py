"""Fragments of the changelog are sentences for users, and a release takes each of them once."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

KINDS = {"breaking": "Breaking", "added": "Added", "changed": "Changed", "fixed": "Fixed"}
FRAGMENTS = sorted(p for p in (ROOT / "changelog.d").iterdir() if p.name != "template.md")
LONGEST = 600
"""Characters: a paragraph of a release's notes."""


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_a_sentence(path: Path) -> None:
    """Named by what it is about and its kind; one paragraph that begins and ends as sentences do."""
    text = path.read_text()

    assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", path.name)
    assert re.fullmatch(r"[A-Z`\"\[(-].*[.)`]\n", text), "one line that is a sentence"
    assert len(text) <= LONGEST


def towncrier(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "towncrier", "build", *options, "--dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_release_takes_every_fragment_once(tmp_path: Path) -> None:
    """The newest release stands first, under its version and day; what it took is gone; the draft says the same."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    shutil.copytree(ROOT / "changelog.d", tmp_path / "changelog.d")
    texts = [path.read_text().strip() for path in FRAGMENTS]

    draft = towncrier(tmp_path, "--draft", "--version", "unreleased")
    towncrier(tmp_path, "--yes", "--version", "1.0.0", "--date", "2026-12-01")
    (tmp_path / "changelog.d" / "later.fixed.md").write_text("Something later is right.\n")
    towncrier(tmp_path, "--yes", "--version", "1.0.1", "--date", "2026-12-02")

    written = (tmp_path / "CHANGELOG.md").read_text()
    lines = written.splitlines()
    assert [text for text in texts if lines.count(f"- {text}") != 1 or f"- {text}" not in draft] == []
    assert [line for line in lines if line.startswith("## ")] == ["## 1.0.1 (2026-12-02)", "## 1.0.0 (2026-12-01)"]
    assert {line.removeprefix("### ") for line in lines if line.startswith("### ")} <= set(KINDS.values())
    assert [p.name for p in (tmp_path / "changelog.d").iterdir()] == ["template.md"]
    assert written.startswith((ROOT / "CHANGELOG.md").read_text().partition("<!-- releases -->")[0])
