"""The audit log: JSON lines in the state folder, only ever added to, in files of bounded size.

A line is written by one call, so a kill can tear the last one at most; the next run ends it before it adds its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from engine.errors import InvalidSpecError
from engine.model.audit import Author
from engine.model.ids import ResourceKey

FOLDER: Final = "audit"
FILE_NAME: Final = "writes.ndjson"
FILE_BYTES: Final = 16 * 1024 * 1024
FILES_KEPT: Final = 64
"""Beside the one that is written: a gigabyte in all, some 400,000 writes."""


class AuditFile:
    """``AuditLog`` in a state folder. One process writes at a time: whoever holds the folder's lock."""

    def __init__(self, folder: Path, *, author: Author, file_bytes: int = FILE_BYTES) -> None:
        """Open nothing yet.

        Args:
            folder: The state folder.
            author: Who writes.
            file_bytes: Size at which a new file begins.
        """
        self._author = author
        self._folder = folder / FOLDER
        self._file_bytes = file_bytes
        self._file: int | None = None
        self._size = 0
        self._missed: list[str] = []

    def author_of(self, key: ResourceKey) -> Author:
        """Return who writes: one identity for all objects of a run."""
        return self._author

    def append(self, record: dict[str, Any]) -> None:
        """Add a line; an intent is on the disk when this returns.

        Raises:
            InvalidSpecError: The folder cannot be written.
        """
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        try:
            file = self._open(len(line))
            self._write(file, line)
            if record.get("event") == "intent":
                os.fdatasync(file)
        except OSError as exc:
            raise InvalidSpecError(
                f"the audit log {self._folder / FILE_NAME} cannot be written",
                detail=str(exc),
                hint="nothing is sent without it: make room, or choose another folder with --state",
            ) from exc

    def miss(self, problem: str) -> None:
        """Keep for the end of the run that a line is missing; each reason once."""
        if problem not in self._missed:
            self._missed.append(problem)

    def warnings(self) -> Sequence[str]:
        """Return what could not be noted."""
        return tuple(self._missed)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, coming: int) -> int:
        if self._file is not None and self._size and self._size + coming > self._file_bytes:
            self._rotate()
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._folder / FILE_NAME, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
            self._size = os.fstat(self._file).st_size
            if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
                self._write(self._file, b"\n")
        return self._file

    def _write(self, file: int, line: bytes) -> None:
        view = memoryview(line)
        while view:
            written = os.write(file, view)
            self._size += written
            view = view[written:]

    def _rotate(self) -> None:
        """Begin a new file; the oldest ones go."""
        self.close()
        older = _older_files(self._folder)
        number = _number_of(older[-1]) + 1 if older else 1
        (self._folder / FILE_NAME).rename(self._folder / f"writes-{number:06}.ndjson")
        for path in older[: max(0, len(older) + 1 - FILES_KEPT)]:
            path.unlink(missing_ok=True)


def read_audit(folder: Path) -> Iterator[dict[str, Any] | None]:
    """Yield every line of a state folder's log, oldest first; None for one that is torn or damaged.

    Raises:
        InvalidSpecError: A file cannot be read.
    """
    place = folder / FOLDER
    for path in (*_older_files(place), place / FILE_NAME):
        try:
            if path.exists():
                with path.open("rb") as file:
                    yield from (_decode(line) for line in file if line.strip())
        except OSError as exc:
            raise InvalidSpecError(f"the audit log {path} cannot be read", detail=str(exc)) from exc


def _decode(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _older_files(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("writes-*.ndjson") if _number_of(p)), key=_number_of)


def _number_of(path: Path) -> int:
    text = path.stem.removeprefix("writes-")
    return int(text) if text.isdecimal() and text.isascii() else 0
