"""Targets that need something say so in a line, before they do anything."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["schemas", "SOURCE="], "usage: make schemas SOURCE=folder"),
        (["schemas", "SOURCE=/no/such/folder"], "/no/such/folder is no folder"),
        (["lock", "BIN=/no/such/folder"], "pip install pip-tools"),
    ],
    ids=["no-source", "no-folder", "no-pip-tools"],
)
def test_what_is_missing_is_named(words: list[str], said: str) -> None:
    """Without its input a target ends with what to give it."""
    done = subprocess.run(
        ["make", "--no-print-directory", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert said in done.stderr.splitlines()[0]
    assert done.stdout == ""
