"""Command blocks of the documentation: found in a page, run in one shell, held to what the page shows.

What a page says, in comments that nobody sees rendered:

- ``<!-- run: emulator -->`` once: where its blocks run (``emulator``, ``cluster``; ``none``: nothing to run);
- ``<!-- not run: REASON -->`` before a block that no test can run;
- ``<!-- exit: 2 -->`` before a block whose last command ends so; every other command must end with 0.

A ``text`` block right after a command block, and the lines after a ``$ `` command of a transcript, are what it prints:
each line is printed so, in this order; other lines may stand between. Before lines are compared, ids, moments,
durations and runs of blanks are made equal (``mask``); a line ``…`` stands for lines left out.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

_FENCE = re.compile(r"^```(\w*)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"^<!-- run: (\w+) -->$", re.MULTILINE)
_REMARK = re.compile(r"<!-- (not run|exit): (.+?) -->\s*$")
_COMMANDS = ("sh", "bash", "console")
_MASKS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|<subscription>"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<moment>"),
    (re.compile(r"\b(\d+ ?(ms|s|min|m|h|d) ?)+(?=\W|$)"), "<time>"),
    (re.compile(r"\s+"), " "),
)
_LIMIT_S = 150


@dataclass(frozen=True)
class Piece:
    """Commands that run together, and what the page shows of what they print."""

    line: int
    commands: str
    shown: tuple[str, ...] = ()
    exit: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Page:
    """One page; ``setting`` is empty where it names none."""

    path: Path
    setting: str
    pieces: Sequence[Piece]

    @property
    def name(self) -> str:
        """Return how people call it."""
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else self.path.name

    @property
    def exceptions(self) -> Sequence[Piece]:
        """Return what is not run."""
        return [piece for piece in self.pieces if piece.reason]


def all_pages() -> list[Page]:
    """Return the README and every page of the documentation."""
    return [read_page(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]


def read_page(path: Path) -> Page:
    """Return the blocks of a page."""
    text = path.read_text()
    setting = _SETTING.search(text)
    return Page(path, setting[1] if setting else "", read_pieces(text))


def read_pieces(text: str) -> list[Piece]:
    """Return what is to be run, in order."""
    found: list[Piece] = []
    after = -1
    for fence in _FENCE.finditer(text):
        language, body = fence.groups()
        if language in _COMMANDS:
            line = text.count("\n", 0, fence.start()) + 2
            found += _pieces_of(line, body, _remarks_before(text[: fence.start()]))
            after = fence.end()
        elif language == "text" and after >= 0 and not text[after : fence.start()].strip():
            last = found.pop()
            found.append(Piece(last.line, last.commands, tuple(body.splitlines()), last.exit, last.reason))
    return found


def _remarks_before(text: str) -> dict[str, str]:
    remark = _REMARK.search(text)
    return {remark[1]: remark[2]} if remark else {}


def _pieces_of(line: int, body: str, remarks: Mapping[str, str]) -> list[Piece]:
    code, reason = int(remarks.get("exit", "0")), remarks.get("not run", "")
    if not re.search(r"^\$ ", body, re.MULTILINE):
        return [Piece(line, body, (), code, reason)]
    found = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        found.append(Piece(line, command + "\n", tuple(shown.splitlines()), code, reason))
    return found


def mask(line: str) -> str:
    """Return a line without what is another one each time."""
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line.strip()


def missing_lines(shown: Sequence[str], printed: str) -> list[str]:
    """Return the first line that is shown and not printed there, as a list of one; nothing when all are."""
    rest = iter([mask(line) for line in printed.splitlines()])
    for line in shown:
        wanted = mask(line)
        if wanted not in ("", "…") and wanted not in rest:
            return [line]
    return []


def run_page(page: Page, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Run the blocks of a page in one shell; return what went otherwise than the page says."""
    outputs = folder / ".outputs"
    outputs.mkdir()
    pieces = [piece for piece in page.pieces if not piece.reason]
    script = outputs / "script"
    script.write_text("".join(_shell_of(number, piece, outputs) for number, piece in enumerate(pieces)))
    _run_script(script, folder, environment)
    wrong = []
    for number, piece in enumerate(pieces):
        printed = outputs / f"{number}.out"
        ended = (outputs / f"{number}.ended").exists()
        text = printed.read_text() if printed.exists() else ""
        if not ended:
            return [*wrong, f"{page.name}:{piece.line}: failed\n{piece.commands}{text}"]
        missing = missing_lines(piece.shown, text)
        wrong += [f"{page.name}:{piece.line}: not printed: {line}\n{text}" for line in missing]
    return wrong


def _shell_of(number: int, piece: Piece, outputs: Path) -> str:
    begin = f"exec > {outputs}/{number}.out 2>&1\n"
    end = f": > {outputs}/{number}.ended\n"
    if not piece.exit:
        return f"{begin}set -e\n{piece.commands}{end}"
    check = f"ended_with=$?\nset -e\n[ $ended_with = {piece.exit} ] || {{ echo ended with $ended_with; exit 1; }}\n"
    return f"{begin}set +e\n{piece.commands}{check}{end}"


def _run_script(script: Path, folder: Path, environment: Mapping[str, str]) -> None:
    """Run it in a session of its own, so that what it leaves running can be ended with it."""
    process = subprocess.Popen(
        ["bash", str(script)],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LIMIT_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
