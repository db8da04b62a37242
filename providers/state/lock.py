"""One writer at a time: an exclusive lock on a state folder, given back by the system when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from engine.errors import InvalidSpecError, UnavailableError

LOCK_NAME = "lock"
_LONGEST_PID = 32


class FolderLock:
    """Held from ``acquire`` to ``release``, or to the end of the process."""

    def __init__(self, folder: Path, *, name: str = LOCK_NAME, verb: str = "apply") -> None:
        """Remember where; nothing is opened or made yet.

        Args:
            folder: The state folder.
            name: Of the file. Who holds one name keeps nobody from another.
            verb: What holds a lock of this name, for messages.
        """
        self._folder = folder
        self._name = name
        self._verb = verb
        self._file: int | None = None
        self._is_new = False

    def acquire(self) -> None:
        """Take the lock and leave our process id in it, without waiting for anybody.

        Raises:
            UnavailableError: Another process holds it.
            InvalidSpecError: The folder cannot be written or locked.
        """
        file = self._try()
        while not self._is_at_path(file):  # its last holder took it away just before we had it
            os.close(file)
            file = self._try()
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; where nothing else was written, take file and folder away: there is nothing to keep."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            if os.listdir(self._folder) == [self._name]:
                (self._folder / self._name).unlink()
                if self._is_new:
                    self._folder.rmdir()
        os.close(self._file)
        self._file = None

    def _try(self) -> int:
        try:
            self._is_new = not self._folder.exists()
            self._folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._folder / self._name, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as exc:
            raise self._unusable("written", exc) from exc
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = _read_holder(file)
            os.close(file)
            raise UnavailableError(
                f"another {self._verb} ({holder}) is at work with the state folder {self._folder}, nothing was sent",
                hint="wait for it to end",
            ) from exc
        except OSError as exc:
            os.close(file)
            raise self._unusable("locked", exc) from exc
        return file

    def _is_at_path(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), (self._folder / self._name).stat())
        except OSError:
            return False

    def _unusable(self, verb: str, exc: OSError) -> InvalidSpecError:
        return InvalidSpecError(
            f"the state folder {self._folder} cannot be {verb}", detail=str(exc), hint="choose another with --state"
        )


def _read_holder(file: int) -> str:
    """Return who holds the lock; there is a moment between taking it and writing one's id."""
    text = os.pread(file, _LONGEST_PID, 0).decode(errors="replace")
    return f"process {text}" if text.isdecimal() else "its process id is not known yet"
