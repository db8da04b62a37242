"""The lock of a state folder."""

from __future__ import annotations

import fcntl
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


def test_a_lock_under_which_nothing_was_written_leaves_no_trace(tmp_path: Path) -> None:
    """A folder that was made for the lock alone goes with it; one with a memory stays, with its lock."""
    idle, busy = StateFolder(tmp_path / "idle"), StateFolder(tmp_path / "busy")
    for folder in (idle, busy):
        folder.lock()
    busy.prepare()
    for folder in (idle, busy):
        folder.close()

    assert not (tmp_path / "idle").exists()
    assert sorted(p.name for p in (tmp_path / "busy").iterdir()) == ["lock", "state.db"]


def test_a_lock_that_was_taken_away_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gets hold of a file that is no longer in the folder holds nothing: the next try is on the new file."""
    folder, real = tmp_path / "state", fcntl.flock
    pending = [True]

    def lock(file: int, how: int) -> None:
        real(file, how)
        if pending and pending.pop():
            (folder / "lock").unlink()

    monkeypatch.setattr(fcntl, "flock", lock)
    first, second = StateFolder(folder), StateFolder(folder)
    first.lock()

    with pytest.raises(UnavailableError):
        second.lock()
    first.close()
