"""The state folder: baselines, unfinished operations and the key for hashes of secrets, in one SQLite file.

SQLite gives what a folder of files would have to earn: a write is there as a whole or not at all, also after a
crash. Deleting the folder is safe: the next plan is then a first read.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.compare.returning import decode_mended, encode_mended
from engine.errors import InvalidSpecError, UnavailableError
from engine.model.document import Document
from engine.model.ids import ApiVersion, ArmId, Fingerprint, ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.refusal import Refusal
from engine.model.state import Baseline
from providers.state.lock import FolderLock

FORMAT = 4
FILE_NAME = "state.db"
_COLUMNS = "id, api, object, desired, actual, body_hash, rules, reconcile, protect, taken, source, mended, renewing"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS baselines (
    id_key TEXT PRIMARY KEY, id TEXT NOT NULL, api TEXT NOT NULL, object TEXT NOT NULL,
    desired BLOB NOT NULL, actual BLOB NOT NULL, body_hash TEXT NOT NULL, rules TEXT NOT NULL,
    reconcile TEXT NOT NULL, protect INTEGER NOT NULL, taken TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL DEFAULT '', mended TEXT NOT NULL DEFAULT '[]', renewing INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS operations (
    id_key TEXT PRIMARY KEY, id TEXT NOT NULL, object TEXT NOT NULL, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (
    type TEXT NOT NULL, api TEXT NOT NULL, member TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (type, api, member));
"""
_MIGRATIONS = {
    1: ("ALTER TABLE baselines ADD COLUMN taken TEXT NOT NULL DEFAULT ''",),
    2: ("ALTER TABLE baselines ADD COLUMN source TEXT NOT NULL DEFAULT ''",),
    3: (
        "ALTER TABLE baselines ADD COLUMN mended TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE baselines ADD COLUMN renewing INTEGER NOT NULL DEFAULT 0",
    ),
}
"""Format -> what makes the next one of it. Older releases refuse a newer format, so a step may change anything."""


_PRIMARY = 0xFF
"""SQLite's extended codes keep the plain one in their last byte."""
_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What is wrong with the disk or its rights, and not with the file."""


class StateFolder:
    """``BaselineStore`` in a folder. Made on the first write, so that a plan leaves no trace."""

    def __init__(self, folder: Path) -> None:
        """Remember where; nothing is opened or made yet."""
        self._folder = folder
        self._connection: sqlite3.Connection | None = None
        self._key: bytes | None = None
        self._warnings: list[str] = []
        self._lock = FolderLock(folder)

    @property
    def path(self) -> Path:
        """Return the database's path."""
        return self._folder / FILE_NAME

    def lock(self) -> None:
        """Keep other writers out until ``close``; who only reads needs no lock.

        Raises:
            UnavailableError: Another process holds it.
            InvalidSpecError: The folder cannot be written.
        """
        self._lock.acquire()

    def close(self) -> None:
        """Close the database and let others in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    def warnings(self) -> Sequence[str]:
        """Return what was wrong with stored state, in words."""
        return tuple(self._warnings)

    def load(self) -> Mapping[ArmId, Baseline]:
        """Return every baseline that can be read.

        Raises:
            InvalidSpecError: The file was written by a newer release, or is no state file.
        """
        out: dict[ArmId, Baseline] = {}
        for row in self._select(f"SELECT {_COLUMNS} FROM baselines ORDER BY id_key"):  # noqa: S608  # our own names
            try:
                baseline = _decode(row)
            except (ValueError, TypeError, KeyError) as exc:
                self._warnings.append(f"{self.path}: the memory of {row[0]} is damaged and was left out ({exc})")
                continue
            out[baseline.id] = baseline
        return out

    def prepare(self) -> None:
        """Make the folder and write its key.

        Raises:
            InvalidSpecError: It cannot be written, or the file is no state file.
            UnavailableError: Another process holds it.
        """
        self._execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (FORMAT,))
        self._key = None  # another process may have been the first to write one

    def save(self, *baselines: Baseline) -> None:
        """Store baselines in one transaction, with one wait for the disk."""
        if baselines:
            self._execute(
                f"INSERT OR REPLACE INTO baselines VALUES (?{', ?' * 13})",  # noqa: S608  # our own signs
                *map(_encode, baselines),
            )

    def forget(self, resource: ArmId) -> None:
        """Drop what is remembered of a resource and of everything below it."""
        if self.path.exists():
            self._execute("DELETE FROM baselines WHERE id_key = ? OR id_key GLOB ?", (resource.key, _glob(resource)))

    def save_operation(self, resource: ArmId, key: ResourceKey, token: str) -> None:
        """Store a poller before waiting for it."""
        row = (resource.key, resource.text, _encode_key(key), token)
        self._execute("INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?)", row)

    def operations(self) -> Mapping[ArmId, str]:
        """Return pollers that were not seen to their end."""
        return {ArmId(i): token for i, token in self._select("SELECT id, token FROM operations ORDER BY id_key")}

    def clear_operation(self, resource: ArmId) -> None:
        """Drop a poller that ended."""
        if self.path.exists():
            self._execute("DELETE FROM operations WHERE id_key = ?", (resource.key,))

    def refusals(self) -> Sequence[Refusal]:
        """Return what Azure did not take of a type; nothing where an older release made the file."""
        if not self._select("SELECT 1 FROM sqlite_master WHERE name = 'refusals'"):
            return ()
        rows = self._select("SELECT type, api, member, why FROM refusals ORDER BY type, api, member")
        return tuple(Refusal(arm_type=t, api_version=ApiVersion(a), member=m, why=w) for t, a, m, w in rows)

    def save_refusal(self, refusal: Refusal) -> None:
        """Remember what Azure did not take; the same again changes nothing but the words."""
        row = (refusal.arm_type, refusal.api_version, refusal.member, refusal.why)
        self._execute("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?)", row)

    def secret_key(self) -> bytes:
        """Return the folder's random key; one that is only kept in memory while nothing was written yet."""
        if self._key is None:
            rows = self._select("SELECT value FROM meta WHERE name = 'secret_key'")
            self._key = bytes(rows[0][0]) if rows else secrets.token_bytes(32)
        return self._key

    def _select(self, sql: str) -> list[tuple[Any, ...]]:  # Any: SQLite columns
        if not self.path.exists():
            return []
        try:
            return list(self._open().execute(sql))
        except sqlite3.Error as exc:
            raise self._unusable(exc) from exc

    def _execute(self, sql: str, *rows: tuple[object, ...]) -> None:
        key = self.secret_key()
        try:
            connection = self._open()
            with connection:
                connection.execute("INSERT OR IGNORE INTO meta VALUES ('secret_key', ?)", (key,))
                connection.executemany(sql, rows)
        except sqlite3.Error as exc:
            raise self._unusable(exc) from exc

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as exc:
            raise InvalidSpecError(
                f"the state folder {self._folder} cannot be written",
                detail=str(exc),
                hint="choose another with --state",
            ) from exc
        connection = sqlite3.connect(self.path)
        connection.executescript(_SCHEMA)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (FORMAT,))
        connection.commit()
        (found,) = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if int(found) > FORMAT:
            connection.close()
            raise InvalidSpecError(
                f"{self.path} was written by a newer release (format {found}, this one reads {FORMAT})",
                hint="upgrade trueup, or choose another folder with --state",
            )
        if int(found) < FORMAT:
            _migrate(connection)
        return connection

    def _unusable(self, exc: sqlite3.Error) -> InvalidSpecError | UnavailableError:
        if isinstance(exc, sqlite3.OperationalError) and "locked" in str(exc):
            return UnavailableError(f"{self.path} is in use by another process", hint="wait for it to end")
        if (getattr(exc, "sqlite_errorcode", 0) & _PRIMARY) in _UNWRITABLE:
            return InvalidSpecError(
                f"{self.path} cannot be written",
                detail=str(exc),
                hint="make room, or make it writable, and run again; keep the file: it says what is under way in Azure",
            )
        return InvalidSpecError(
            f"{self.path} is not a usable state file",
            detail=str(exc),
            hint="it is safe to delete it: the next plan is then a first read",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring an older file to this release's format, as a whole or not at all; another process may be at it too."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (found,) = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        for number in range(int(found), FORMAT):
            for statement in _MIGRATIONS[number]:
                connection.execute(statement)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))


def _glob(resource: ArmId) -> str:
    """Return a GLOB for everything below the id; ids may hold the pattern's own signs."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in resource.key) + "/*"


def _encode_key(key: ResourceKey | None) -> str:
    if key is None:
        return ""
    return json.dumps([key.namespace, key.group, key.version, key.kind, key.name])


def _encode(baseline: Baseline) -> tuple[object, ...]:
    return (
        baseline.id.key,
        baseline.id.text,
        baseline.api_version,
        _encode_key(baseline.key),
        baseline.desired.raw,
        baseline.actual.raw,
        baseline.body_hash,
        baseline.rules,
        baseline.reconcile.value,
        baseline.protect,
        baseline.at.isoformat() if baseline.at is not None else "",
        baseline.source,
        json.dumps(encode_mended(baseline.mended)),
        baseline.renewing,
    )


def _decode(row: tuple[Any, ...]) -> Baseline:
    arm_id, api, key_text, desired, actual, body_hash, rules, reconcile, protect, taken, source, mended, renewing = row
    key = None
    if key_text:
        namespace, group, version, kind, name = json.loads(key_text)
        key = ResourceKey(namespace=namespace, group=group, version=version, kind=kind, name=name)
    documents = [Document(raw=bytes(d) if isinstance(d, bytes) else d.encode()) for d in (desired, actual)]
    return Baseline(
        id=ArmId(arm_id),
        api_version=ApiVersion(api),
        desired=documents[0],
        actual=documents[1],
        body_hash=Fingerprint(body_hash),
        rules=rules,
        key=key,
        reconcile=ReconcilePolicy(reconcile),
        protect=bool(protect),
        at=datetime.fromisoformat(taken) if taken else None,
        source=source,
        mended=decode_mended(json.loads(mended)),
        renewing=bool(renewing),
    )
