"""The lock of a state folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import InvalidSpecError, UnavailableError
from providers.state.folder import StateFolder


def test_a_locked_folder_lets_nobody_else_write(tmp_path: Path) -> None:
    """The second to ask is told at once who holds the lock, and gets it after that one has closed."""
    first, second = StateFolder(tmp_path / "state"), StateFolder(tmp_path / "state")
    first.lock()

    with pytest.raises(UnavailableError, match=f"process {os.getpid()}\\)"):
        second.lock()
    first.close()
    second.lock()
    second.close()


def test_a_folder_that_cannot_be_locked_is_said(tmp_path: Path) -> None:
    """A file where the folder should be is wrong input, told with what to do."""
    (tmp_path / "state").write_text("a file")

    with pytest.raises(InvalidSpecError, match="--state"):
        StateFolder(tmp_path / "state").lock()
