"""The audit log on disk: lines are only added, files stay small, torn lines stay alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.errors import InvalidSpecError
from engine.model.audit import Author
from providers.state import audit
from providers.state.audit import AuditFile, read_audit


def build_log(folder: Path, **options: int) -> AuditFile:
    return AuditFile(folder, author=Author(), **options)


def numbers(folder: Path) -> list[int | None]:
    return [line and line["n"] for line in read_audit(folder)]


def test_lines_come_back_in_their_order(tmp_path: Path) -> None:
    """A second run adds to the first; only the owner may read."""
    for n in (1, 2):
        log = build_log(tmp_path)
        log.append({"n": n})
        log.close()

    assert numbers(tmp_path) == [1, 2]
    assert stat.S_IMODE((tmp_path / "audit" / "writes.ndjson").stat().st_mode) == 0o600


def test_a_new_file_begins_at_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file outgrows the size; the oldest beyond the number that is kept go; order holds over all."""
    monkeypatch.setattr(audit, "FILES_KEPT", 3)
    log = build_log(tmp_path, file_bytes=40)

    for n in range(12):
        log.append({"n": n, "pad": "x"})
    log.close()

    names = sorted(p.name for p in (tmp_path / "audit").iterdir())
    assert names == ["writes-000003.ndjson", "writes-000004.ndjson", "writes-000005.ndjson", "writes.ndjson"]
    assert all(p.stat().st_size <= 60 for p in (tmp_path / "audit").iterdir())
    assert numbers(tmp_path) == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_torn_line_stays_alone(tmp_path: Path) -> None:
    """What a kill cut short is one unreadable line, and the next line is whole."""
    log = build_log(tmp_path)
    log.append({"n": 1})
    log.close()
    path = tmp_path / "audit" / "writes.ndjson"
    path.write_bytes(path.read_bytes() + b'{"n": 2, "te')

    again = build_log(tmp_path)
    again.append({"n": 3})
    again.close()

    assert numbers(tmp_path) == [1, None, 3]


def test_damaged_lines_hide_no_others(tmp_path: Path) -> None:
    """Lines that are no JSON objects are told apart and skipped."""
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "writes.ndjson").write_bytes(b'{"n":1}\n[1]\n\xff\n\n{"n":2}\n')

    assert numbers(tmp_path) == [1, None, None, 2]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    (tmp_path / "audit").write_text("in the way")

    with pytest.raises(InvalidSpecError, match=r"writes\.ndjson cannot be written.*--state"):
        build_log(tmp_path).append({"n": 1})


def test_a_missing_log_is_empty(tmp_path: Path) -> None:
    """Where nothing was ever written there is nothing to read."""
    assert numbers(tmp_path) == []


def test_each_reason_for_a_missing_line_is_told_once(tmp_path: Path) -> None:
    """A full disk is one warning, not one per write."""
    log = build_log(tmp_path)

    log.miss("full")
    log.miss("full")

    assert log.warnings() == ("full",)
