"""A file of lines that survives a crash: what was accepted is in it before the client is told.

One line holds what one request changed, so a torn last line takes back the whole request and nothing else. Entries
of a line are divided by the ASCII record separator, parts of an entry by tabs; JSON has neither unescaped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import InvalidSpecError

_ENTRY_END = b"\x1e"
_PART_END = b"\t"

Entry = tuple[bytes, ...]


class Journal:
    """The file, open for appending by exactly one process."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            InvalidSpecError: Another process uses the folder.
        """
        self._path = path
        self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock)
            raise InvalidSpecError(
                "the state folder is in use by another emulator",
                detail=str(path.parent),
                hint="stop it, or give another --state folder",
            ) from exc
        self._file = -1
        self.lines = 0

    def read(self) -> Iterator[Entry]:
        """Yield every entry; a torn last line is left out and overwritten by the next append.

        Raises:
            InvalidSpecError: A line that is not the last one is damaged; names its number.
        """
        good = 0
        if self._path.exists():
            with self._path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    good += len(line)
                    self.lines += 1
                    yield from self._entries(line)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, good)
        os.lseek(self._file, 0, os.SEEK_END)

    def append(self, entries: Iterable[Entry]) -> None:
        """Write one line in one call."""
        line = _ENTRY_END.join(_PART_END.join(e) for e in entries) + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(self._file, view) :]
        self.lines += 1

    def replace(self, entries: Iterable[Entry]) -> None:
        """Write the file anew with these entries, a line each; the old one stays until the new one is whole."""
        temporary = self._path.with_suffix(".new")
        self.lines = 0
        with temporary.open("wb") as file:
            for entry in entries:
                file.write(_PART_END.join(entry) + b"\n")
                self.lines += 1
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        os.close(self._file)
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND)

    def close(self) -> None:
        """Release the file and the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        os.close(self._lock)

    def _entries(self, line: bytes) -> Iterator[Entry]:
        for text in line[:-1].split(_ENTRY_END):
            parts = tuple(text.split(_PART_END))
            if len(parts) < 2 or not parts[1]:
                raise InvalidSpecError(
                    "the emulator's state is damaged",
                    detail=f"{self._path}, line {self.lines}",
                    hint="restore the file, or start with an empty --state folder",
                )
            yield parts
